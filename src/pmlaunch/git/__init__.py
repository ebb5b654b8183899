"""Safe use of git and Git LFS: queries, commands, progress and error messages."""
