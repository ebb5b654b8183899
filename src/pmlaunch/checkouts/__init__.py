"""What a ProtoMotions checkout is: which generation, where its things lie, how its program is told what to do."""
