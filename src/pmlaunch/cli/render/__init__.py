"""Printing of results, as tables and sentences or as JSON."""
