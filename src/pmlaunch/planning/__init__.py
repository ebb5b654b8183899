"""Turn an EvalRequest into a LaunchPlan. Reads files only: starts no process and imports no simulator."""
