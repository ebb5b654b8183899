"""From an EvalRequest to a LaunchPlan. Pure: reads files, starts no process, imports no simulator."""
