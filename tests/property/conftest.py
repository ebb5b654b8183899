"""Settings of the property tests: 500 examples, no limits of time (the machine may be busy) and no database.

On Windows there are 100: a file costs there, and under Wine even more, what hundreds cost on Linux.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "pmlaunch",
    max_examples=100 if os.name == "nt" else 500,
    deadline=None,
    database=None,
    print_blob=True,
    # the first example builds tables of all characters
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("pmlaunch")
