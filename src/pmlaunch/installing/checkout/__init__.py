"""The installation step that provides the ProtoMotions checkout."""
