"""The command line: one file a command; each parses, calls, and hands a result to the renderer."""
