"""ProtoMotions 3: an argparse program (inference_agent.py) with frozen configs beside each checkpoint."""
