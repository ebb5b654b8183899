"""The checks of the machine, one per file; see `pmlaunch.doctor.registry`."""
