"""Calls to the job object API, with a fake kernel32; scripts/kill_trials.py shows on Windows that they work."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from typing import Any

import pytest

from pmlaunch.processes import job_object as jobs

JOB, PROCESS = 77, 2**64 - 1  # GetCurrentProcess() is -1 as a handle: 64 bits, all set


class Kernel:
    """A fake kernel32 whose functions return given values and record their arguments."""

    def __init__(self, **answers: int):
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self._answers = {
            "CreateJobObjectW": JOB,
            "SetInformationJobObject": 1,
            "GetCurrentProcess": PROCESS,
            "AssignProcessToJobObject": 1,
            **answers,
        }

    def __getattr__(self, name: str) -> Any:
        def function(*arguments: Any) -> int:
            self.calls.append((name, arguments))
            return self._answers[name]

        setattr(self, name, function)  # the same one each time, as ctypes does
        return function

    def argument(self, name: str, index: int) -> Any:
        return next(arguments[index] for called, arguments in self.calls if called == name)


@pytest.fixture(autouse=True)
def _not_yet_joined() -> Iterator[None]:
    jobs.join_job.cache_clear()
    yield
    jobs.join_job.cache_clear()


def joined(monkeypatch: pytest.MonkeyPatch, kernel: Kernel) -> bool:
    monkeypatch.setattr(os, "name", "nt")
    monkeypatch.setattr(ctypes, "WinDLL", lambda *_, **__: kernel, raising=False)
    result = jobs.join_job()
    monkeypatch.undo()
    return result


@pytest.mark.skipif(os.name == "nt", reason="skipped: pytest itself would join a job that ends it")
def test_no_job_elsewhere() -> None:
    assert not jobs.join_job()


def test_process_joins_a_job_that_is_killed_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel()
    assert joined(monkeypatch, kernel)
    assert [name for name, _ in kernel.calls] == [
        "CreateJobObjectW", "SetInformationJobObject", "GetCurrentProcess", "AssignProcessToJobObject",
    ]  # fmt: skip
    limits = kernel.argument("SetInformationJobObject", 2)._obj
    assert limits.basic.flags == 0x2000 | 0x0800  # KILL_ON_JOB_CLOSE; BREAKAWAY_OK, for the guardian
    assert kernel.argument("SetInformationJobObject", 1) == 9
    assert kernel.argument("AssignProcessToJobObject", 0).value == JOB
    assert kernel.argument("AssignProcessToJobObject", 1).value == PROCESS
    # by default ctypes truncates a handle to 32 bits
    assert kernel.CreateJobObjectW.restype is kernel.GetCurrentProcess.restype is ctypes.c_void_p


def test_joins_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert joined(monkeypatch, Kernel())
    assert jobs.join_job()


@pytest.mark.parametrize("refused", ["CreateJobObjectW", "SetInformationJobObject", "AssignProcessToJobObject"])
def test_refusal_is_no_error(monkeypatch: pytest.MonkeyPatch, refused: str) -> None:
    kernel = Kernel(**{refused: 0})
    assert not joined(monkeypatch, kernel)
    assert kernel.calls[-1][0] == refused


def test_size_of_structures() -> None:
    # sizeof(JOBOBJECT_EXTENDED_LIMIT_INFORMATION) in winnt.h: 144 bytes where pointers have 8
    pointers = {8: (64, 144), 4: (48, 112)}[ctypes.sizeof(ctypes.c_void_p)]
    assert (ctypes.sizeof(jobs._BasicLimits), ctypes.sizeof(jobs._ExtendedLimits)) == pointers
