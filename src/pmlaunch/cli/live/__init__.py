"""Progress shown while a run or an installation is in progress."""
