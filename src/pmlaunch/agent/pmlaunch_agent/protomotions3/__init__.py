"""What is particular to ProtoMotions 3, whose evaluators are watched."""

EVENTS = ("scores", "bodies", "playing", "recording", "batches", "batch", "full_evaluation")
"""Those that `evaluation` handles."""
