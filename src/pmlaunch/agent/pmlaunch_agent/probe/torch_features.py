"""Ask torch what it was built with, what it finds here, and whether a process group forms."""

from __future__ import annotations

import importlib
import os
import time
import warnings
from typing import Any, Callable

from pmlaunch_agent.probe.imports import error_text

_PATIENCE = 60  # seconds for a process group of one to form
_LONGEST = 2000  # characters of a warning's text


def torch_features() -> dict[str, Any]:
    """What this torch was built with and what it finds here; {"error"} if it does not import."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            torch = importlib.import_module("torch")
            available = bool(torch.cuda.is_available())
            count = torch.cuda.device_count() if available else 0
            answer = {
                "version": str(torch.__version__),
                "file": torch.__file__,
                "cuda_build": torch.version.cuda,
                "cuda_available": available,
                "devices": [torch.cuda.get_device_name(index) for index in range(count)],
                **_distributed(torch),
            }
        except (Exception, SystemExit) as error:
            answer = {"error": error_text(error)}
    answer["warnings"] = [str(warning.message)[:_LONGEST] for warning in said]
    return answer


def _distributed(torch: Any) -> dict[str, Any]:
    """{distributed, nccl, gloo, libuv}; None where this torch cannot tell."""
    distributed = torch.distributed
    if not distributed.is_available():
        return {"distributed": False, "nccl": False, "gloo": False, "libuv": False}
    return {
        "distributed": True,
        "nccl": _asked(lambda: bool(distributed.is_nccl_available())),
        "gloo": _asked(lambda: bool(distributed.is_gloo_available())),
        "libuv": _has_libuv(distributed),
    }


def _asked(question: Callable[[], bool]) -> bool | None:
    try:
        return question()
    except AttributeError:  # an old torch has no such function
        return None


def _has_libuv(distributed: Any) -> bool | None:
    """Whether TCPStore has libuv: builds for Windows lacked it, and torch 2.4 to 2.6 use it by default."""
    try:
        distributed.TCPStore("127.0.0.1", 0, 1, True, use_libuv=True)
    except TypeError:  # before torch 2.3 there was no such choice
        return None
    except Exception as error:
        return None if "libuv" not in str(error).lower() else False
    return True


def try_process_group(backend: str) -> dict[str, Any]:
    """Form a process group of one, as Lightning does it (env://), and all-reduce one number in it."""
    import socket
    from datetime import timedelta

    start = time.monotonic()
    answer: dict[str, Any] = {"backend": backend, "ok": False, "error": None}
    try:
        torch = importlib.import_module("torch")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
        patience = timedelta(seconds=_PATIENCE)
        torch.distributed.init_process_group(backend, rank=0, world_size=1, timeout=patience)
        try:
            one = torch.ones(1, device="cuda" if "nccl" in backend else "cpu")
            torch.distributed.all_reduce(one)
            answer["ok"] = one.item() == 1.0
        finally:
            torch.distributed.destroy_process_group()
    except (Exception, SystemExit) as error:
        answer["error"] = error_text(error)
    answer["seconds"] = round(time.monotonic() - start, 3)
    return answer
