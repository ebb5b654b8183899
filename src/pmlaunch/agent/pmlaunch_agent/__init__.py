"""pmlaunch_agent: runs an unmodified evaluation script inside the simulator's Python and leaves a verdict.

Started as `python -m pmlaunch_agent`, with PMLAUNCH_SPEC naming a spec.json. Standard library only, Python
3.8 and later; it imports neither torch nor a simulator, so the script keeps its own import order (a simulator
must be imported before torch).
"""

import time

START = time.monotonic()
"""The moment the agent started, in seconds of `time.monotonic`: every time it reports counts from here."""


def elapsed() -> float:
    """Seconds since the agent started, to the millisecond."""
    return round(time.monotonic() - START, 3)
