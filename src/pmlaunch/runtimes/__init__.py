"""Runtimes: which Python runs the simulator, and how it is started."""
