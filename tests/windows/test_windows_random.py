"""Two thousand random arguments reach the interpreter unchanged through CreateProcess."""

from __future__ import annotations

import json
import random
import subprocess
import sys

PROCESSES, VALUES = 10, 200  # a command line has at most 32,767 characters
_DUMP = "import json, sys; sys.stdout.write(json.dumps(sys.argv[1:]))"
# characters that matter to quoting are frequent; all of printable Unicode occurs
_SPECIAL = '"""\\\\\\\'\' \t%!^&|<>()[]{}=,;#~@`$*?-+:/.'


def random_value(generator: random.Random) -> str:
    """Return 0 to 60 characters: those that matter to quoting, ASCII, and anything printable."""
    kinds = (
        lambda: generator.choice(_SPECIAL),
        lambda: chr(generator.randrange(0x20, 0x7F)),
        lambda: _printable(generator),
    )
    return "".join(generator.choice(kinds)() for _ in range(generator.randrange(61)))


def _printable(generator: random.Random) -> str:
    while True:
        character = chr(generator.choice((generator.randrange(0xA0, 0x3000), generator.randrange(0x110000))))
        if character.isprintable():
            return character


def test_two_thousand_random_values_are_passed_unchanged() -> None:
    generator = random.Random(20240601)
    for _ in range(PROCESSES):
        values = [random_value(generator) for _ in range(VALUES)]
        done = subprocess.run([sys.executable, "-c", _DUMP, *values], capture_output=True, check=True)
        assert json.loads(done.stdout) == values
