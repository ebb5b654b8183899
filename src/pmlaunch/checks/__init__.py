"""Preflight: whether a plan can start. One check per file; checks change nothing. doctor shares some of them."""
