"""One file a check; each looks at one thing and changes nothing. They are registered in `doctor.py`."""
