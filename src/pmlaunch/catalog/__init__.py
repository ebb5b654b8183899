"""Presets, and the models, robots, motions and constraints of a checkout."""
