"""Packages in the simulator's Python: what is missing, pip, and the import test."""
