"""Try what works in this Python: imports, torch's features, and a process group."""

from __future__ import annotations

import importlib
import importlib.util
import os
import time
import warnings
from typing import Any

from pmlaunch_agent.report.ending import error_text

_STARTS_A_SIMULATOR = ("isaaclab", "isaacsim", "omni", "isaacgym")
_PATIENCE = 60  # seconds for a process group of one to form
_LONGEST = 2000  # characters of a warning's text


def try_import(name: str) -> dict[str, Any]:
    """Import a module and report how it went; only locate one that would start a simulator.

    Returns {ok, imported, version, file, error, seconds}: if `imported` is False, `ok` means that it was found.
    """
    start = time.monotonic()
    answer: dict[str, Any] = {"ok": False, "imported": False, "version": None, "file": None, "error": None}
    package = name.partition(".")[0]
    try:
        if package in _STARTS_A_SIMULATOR:
            spec = importlib.util.find_spec(package)
            answer.update(ok=spec is not None, file=spec.origin if spec else None)
            if spec is None:
                answer["error"] = f"ModuleNotFoundError: No module named '{package}'"
        else:
            module = importlib.import_module(name)
            version = getattr(module, "__version__", None)
            answer.update(ok=True, imported=True, version=str(version) if version is not None else None)
            answer["file"] = getattr(module, "__file__", None)
    except (Exception, SystemExit) as error:
        answer["error"] = error_text(error)
    answer["seconds"] = round(time.monotonic() - start, 3)
    return answer


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
        return dict.fromkeys(("distributed", "nccl", "gloo", "libuv"), False)
    # an old torch has no such functions
    nccl, gloo = (getattr(distributed, f"is_{name}_available", lambda: None)() for name in ("nccl", "gloo"))
    return {"distributed": True, "nccl": nccl, "gloo": gloo, "libuv": _has_libuv(distributed)}


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
