"""Functions that draw results for people: one file per kind of result."""
