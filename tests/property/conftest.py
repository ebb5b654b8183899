"""Settings of the property tests: 500 examples, no deadline (the machine may be busy) and no database."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("pmlaunch", max_examples=500, deadline=None, database=None, print_blob=True)
settings.load_profile("pmlaunch")
