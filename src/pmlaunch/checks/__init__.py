"""Preflight checks: whether a plan can start. One check per file; checks change nothing."""
