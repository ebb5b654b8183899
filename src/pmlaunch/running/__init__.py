"""Start a plan, watch it, stop it, and say what came of it."""
