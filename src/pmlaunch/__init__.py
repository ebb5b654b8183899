"""pmlaunch: evaluate ProtoMotions humanoid policies with one command, Windows first."""

__version__ = "0.1.0"
