"""What is particular to ProtoMotions 3, whose evaluators are watched."""

EVENTS = ("scores", "bodies", "playing", "recording", "batches", "batch")
"""Those that `evaluation` handles."""
