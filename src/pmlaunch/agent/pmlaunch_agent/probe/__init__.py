"""A program of its own: what is installed in this Python, and what works. See `__main__`."""
