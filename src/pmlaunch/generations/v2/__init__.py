"""ProtoMotions 2: a Hydra program (eval_agent.py). The embedded demo shares its conventions."""
