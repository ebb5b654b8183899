"""README's picture of a terminal: shows what a run printed, and loads nothing from elsewhere."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

pictures: Any = importlib.import_module("make_pictures")
COMMITTED = (Path(__file__).resolve().parents[2] / "docs" / "images" / "demo-run.svg").read_text(encoding="utf-8")


def shown(picture: str) -> str:
    texts = (element.text or "" for element in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text"))
    return " ".join(texts).replace("\u00a0", " ")


@pytest.mark.parametrize("picture", [pictures.terminal_picture("\x1b[32m✓ done\x1b[0m in 1 s"), COMMITTED])
def test_picture_is_self_contained(picture: str) -> None:
    addresses = set(re.findall(r"https?://[^\s\"')<]+", picture))
    assert {address for address in addresses if "w3.org" not in address} <= {"https://www.textualize.io"}  # a comment
    assert "@font-face" not in picture


def test_text_is_shown() -> None:
    assert "✓ done" in shown(pictures.terminal_picture("\x1b[32m✓ done\x1b[0m in 1 s"))
    assert f"> pmlaunch {' '.join(pictures.COMMAND)}" in shown(COMMITTED)
