"""Motion files: readers and writers, kinematics, recorded and generated motions, the picture of poses."""
