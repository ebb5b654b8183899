"""Property tests: five hundred examples each, without a deadline (the machine may be busy) and without a database."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("pmlaunch", max_examples=500, deadline=None, database=None, print_blob=True)
settings.load_profile("pmlaunch")
