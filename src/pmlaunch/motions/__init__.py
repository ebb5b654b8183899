"""Readers and writers of motion files, kinematics, recorded motion and its picture."""
