"""Starting, watching and stopping a run, and recording its outcome."""
