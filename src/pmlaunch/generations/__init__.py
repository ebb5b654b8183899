"""What differs between ProtoMotions 2, ProtoMotions 3 and the embedded demo, behind one interface."""
