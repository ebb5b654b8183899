"""What a run reports: the journal, its observers, and the files they write."""
