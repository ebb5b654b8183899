"""`pmlaunch smoke`: what is refused or reported without examining the machine or starting a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

Json = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    "words", [("--model", "demo", "--motion", "walkx"), ("--model", "nosuch"), ("--model", "demo", "--simulator", "x")]
)
def test_unknown_name_does_not_blame_the_machine(as_json: Json, tmp_path: Path, words: tuple[str, ...]) -> None:
    document = as_json("smoke", *words, "--min-success", "1", "--junit", str(tmp_path / "smoke.xml"))
    cases = document["data"]["cases"]
    assert (document["exit_code"], {case["code"] for case in cases}) == (3, {"PML010", None})
    suites = {
        suite.get("name"): [case[0].tag for case in suite] for suite in ET.parse(tmp_path / "smoke.xml").getroot()
    }
    assert suites == {"evaluation": ["error"], "thresholds": ["skipped"]}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--min-success", "1", "--max-steps", "10"), "--max-steps"),
        (("--max", "gt_err"), "NAME=NUMBER"),
        (("--max-gt-err", "nan"), "--max-gt-err cannot be nan"),
        (("--junit", "no/such/folder/smoke.xml"), "folder"),
    ],
)
def test_invalid_options_are_refused_before_anything_starts(as_json: Json, words: tuple[str, ...], text: str) -> None:
    document = as_json("smoke", "--model", "demo", *words)
    assert document["exit_code"] in (2, 5)
    assert text in document["errors"][0]["message"]
