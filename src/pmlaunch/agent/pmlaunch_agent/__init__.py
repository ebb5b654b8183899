"""pmlaunch_agent: run an unmodified evaluation script inside the simulator's Python and report how it went.

Started as `python -m pmlaunch_agent`, with PMLAUNCH_SPEC naming a spec.json. Standard library only, Python 3.8 and
later. It imports neither torch nor a simulator, so the script keeps its own import order: a simulator must be imported
before torch.

    contract        spec.json
    report/         journal, observers, result.json, events.jsonl, metrics.json
    hooks/          act on the modules that the script imports; limits; shutdown
    artifacts/      motion.npz and the video
    protomotions2/  protomotions3/   what differs between the generations
    main            the course of a run
    probe/          a program of its own: what is installed in this Python, and what works

Each line imports only from those above it.
"""

import time

START = time.monotonic()
"""When the agent started, on the clock of `time.monotonic`: every time that it reports counts from here."""


def elapsed() -> float:
    """Seconds since the agent started, rounded to milliseconds."""
    return round(time.monotonic() - START, 3)
