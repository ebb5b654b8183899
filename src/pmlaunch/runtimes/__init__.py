"""Which Python runs the simulator, and how it is started."""
