"""pmlaunch doctor: whether this machine can run an evaluation, and what is missing."""
