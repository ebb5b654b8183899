"""What can be launched: the presets by name, and what a checkout really holds."""
