"""The history of runs: list, show, compare, share and remove run folders. Nothing in one is executed."""
