"""Procedural motions for SMPL's humanoid, computed from formulas."""
