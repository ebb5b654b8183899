"""The Python that runs the simulator and how it is started."""
