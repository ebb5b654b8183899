"""Signals are counted while a run is in progress, and only then."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from pmlaunch.processes.interrupts import Interrupts

ASKED = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]


@pytest.fixture(autouse=True)
def _restore_handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in ASKED}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", ASKED)
def test_signal_is_counted_and_raises_nothing(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Interrupts() as interrupts:
        assert interrupts.count == 0
        signal.raise_signal(number)
        signal.raise_signal(number)
        assert interrupts.count == 2
    assert signal.getsignal(number) is before


def test_ctrl_c_raises_again_afterwards() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with Interrupts() as interrupts:
        pass
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert interrupts.count == 0


def test_handlers_are_restored_after_an_error() -> None:
    before = [signal.getsignal(number) for number in ASKED]
    with pytest.raises(ZeroDivisionError), Interrupts():
        raise ZeroDivisionError
    assert [signal.getsignal(number) for number in ASKED] == before


@pytest.mark.parametrize("number", ASKED)
def test_ignored_signals_stay_ignored(number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_IGN)
    with Interrupts() as interrupts:
        signal.raise_signal(number)
        assert interrupts.count == 0
    assert signal.getsignal(number) is signal.SIG_IGN


def test_off_the_main_thread_no_handler_is_set() -> None:
    before = [signal.getsignal(number) for number in ASKED]
    seen: list[object] = []

    def look() -> None:
        with Interrupts() as interrupts:
            seen.append([signal.getsignal(number) for number in ASKED])
            seen.append(interrupts.count)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before, 0]
