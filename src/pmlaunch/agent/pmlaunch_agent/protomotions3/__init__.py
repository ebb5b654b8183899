"""What is particular to ProtoMotions 3."""
