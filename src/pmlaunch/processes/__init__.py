"""Supervised child processes: start, stream, end the whole tree, survive nothing."""
