"""Settings of the property tests: 500 examples, no limits of time (the machine may be busy) and no database."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "pmlaunch",
    max_examples=500,
    deadline=None,
    database=None,
    print_blob=True,
    # the first example builds tables of all characters
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("pmlaunch")
