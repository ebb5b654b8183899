"""The checks of pmlaunch doctor, one per file, registered in doctor/registry.py."""
