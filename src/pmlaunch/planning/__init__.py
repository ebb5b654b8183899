"""An EvalRequest becomes a LaunchPlan. Pure: reads files, starts nothing, imports no simulator."""
