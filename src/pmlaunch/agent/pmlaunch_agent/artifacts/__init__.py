"""What a run leaves on request: motion.npz and a video."""
