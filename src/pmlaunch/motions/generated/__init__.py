"""Generated motions: a walk, a wave and a squat, computed from formulas for any skeleton of SMPL's bodies."""
