"""The probe's reply is foreign data: a wrong shape must not break the checks that read it."""

from __future__ import annotations

from typing import Any

import pytest

from pmlaunch.running.probe_reply import InstalledPackage, ProbeReply, missing_module
from pmlaunch.support.json import from_json


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"packages": [], "imports": "no", "torch": 3, "process_group": None},
        {"packages": {"torch": None}, "imports": {"torch": []}, "torch": {"devices": 1, "nccl": "yes", "warnings": {}}},
        {"process_group": {"seconds": "long", "backend": None}},
    ],
)
def test_wrong_shapes_are_tolerated(document: dict[str, Any]) -> None:
    reply = from_json(ProbeReply, document)
    assert (reply.packages or {}, reply.imports) == ({}, {})


def test_reply_is_parsed() -> None:
    packages = {"numpy": {"version": "1.26.0", "complete": False}}
    imports = {"hydra": {"ok": False, "error": "ModuleNotFoundError: No module named 'hydra'"}}
    reply = from_json(ProbeReply, {"python": "3.11.7", "packages": packages, "imports": imports})
    assert (reply.python, reply.packages) == ("3.11.7", {"numpy": InstalledPackage("1.26.0", complete=False)})
    assert reply.imports["hydra"].missing == "hydra"


@pytest.mark.parametrize(
    ("error", "module"),
    [
        (None, None),
        ("ImportError: DLL load failed", None),
        ("ModuleNotFoundError: No module named 'torch'", "torch"),
        ("ModuleNotFoundError: No module named 'pkg_resources.extern'", "pkg_resources.extern"),
    ],
)
def test_missing_module_is_read_from_the_error(error: str | None, module: str | None) -> None:
    assert missing_module(error) == module
