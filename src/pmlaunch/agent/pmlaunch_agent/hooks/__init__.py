"""Hooks on the modules that the script imports, limits, and the end of the process."""
