"""Sweeps: many evaluations of one plan, with few starts of the simulator, that survive interruptions."""
