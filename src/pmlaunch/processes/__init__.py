"""Child processes: start one, stream its output, enforce its limits, and leave nothing behind.

`supervise.supervised` is the way to run a child. The rest are its parts.
"""
