"""From an empty folder to a proven set-up: steps that say whether they are done, do it, and prove it."""
