"""What is particular to ProtoMotions 2."""
