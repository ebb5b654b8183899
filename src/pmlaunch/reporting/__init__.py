"""The report of a run: one HTML file with figures, tables and 3D playback, which opens without network or server."""
