"""Two thousand random values, given to the interpreter as a list: CreateProcess hands each of them on unchanged."""

from __future__ import annotations

import json
import random
import subprocess
import sys

PROCESSES, VALUES = 40, 50
_DUMP = "import json, sys; sys.stdout.write(json.dumps(sys.argv[1:]))"
# the signs that quoting is about come often; all of Unicode but surrogates comes, too
_SIGNS = '"""\\\\\\\'\' \t%!^&|<>()[]{}=,;#~@`$*?-+:/.'


def random_value(chance: random.Random) -> str:
    """A value of 0 to 60 characters: quoting's signs, ASCII, and anything printable."""
    kinds = (
        lambda: chance.choice(_SIGNS),
        lambda: chr(chance.randrange(0x20, 0x7F)),
        lambda: _printable(chance),
    )
    return "".join(chance.choice(kinds)() for _ in range(chance.randrange(61)))


def _printable(chance: random.Random) -> str:
    while True:
        character = chr(chance.choice((chance.randrange(0xA0, 0x3000), chance.randrange(0x110000))))
        if character.isprintable():
            return character


def test_two_thousand_random_values_arrive() -> None:
    chance = random.Random(20240601)
    for _ in range(PROCESSES):
        values = [random_value(chance) for _ in range(VALUES)]
        done = subprocess.run([sys.executable, "-c", _DUMP, *values], capture_output=True, check=True)
        assert json.loads(done.stdout) == values
