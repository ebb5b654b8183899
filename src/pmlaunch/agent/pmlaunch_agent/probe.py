"""A look at the Python that this runs in: what is installed, what imports, what torch can do.

    python -m pmlaunch_agent.probe REPLY [--packages] [--requires] [--import NAME,NAME] [--torch] [--backend NAME]

Writes one JSON document to REPLY, replaced as a whole after every answer; only what was asked for is in it:

    {"schema": 1, "python": "3.11.7", "executable", "prefix", "base_prefix", "platform", "seconds",
     "packages": {name: {"version", "location", "editable": path or null, "complete", "requires": [...]}},
     "imports": {module: {"ok", "imported", "version", "file", "error", "seconds"}},
     "torch": {"version", "file", "cuda_build", "cuda_available", "devices": [...], "distributed", "nccl", "gloo",
               "libuv", "warnings": [...]} or {"error"},
     "process_group": {"backend", "ok", "seconds", "error"}}

The standard library only; torch is imported only by the questions that are about it. Isaac Lab and Isaac Sim are
looked up and never imported: that would start the simulator.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
import time

from pmlaunch_agent.installed import installed_packages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

SCHEMA = 1
_STARTS_A_SIMULATOR = ("isaaclab", "isaacsim", "omni", "isaacgym")
_PATIENCE = 60  # seconds for a process group of one to form
_LONGEST = 2000  # characters of an error's text


def main(argv: list[str] | None = None) -> int:
    """Answer what `argv` asks; returns 0 also when an answer is bad: the reply says so."""
    options = _options(sys.argv[1:] if argv is None else argv)
    start = time.monotonic()
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "python": sys.version.split()[0],
        "executable": sys.executable,
        "prefix": sys.prefix,
        "base_prefix": sys.base_prefix,
        "platform": sys.platform,
    }

    def answered(**answer: Any) -> None:
        document.update(answer, seconds=round(time.monotonic() - start, 3))
        _write(options.reply, document)

    answered()
    if options.packages:
        answered(packages=installed_packages(requires=options.requires))
    imports: dict[str, Any] = {}
    for name in [name for name in options.imports.split(",") if name]:
        print(f"import {name}", flush=True)  # the log's last line names it, should it end the process
        imports[name] = try_import(name)
        answered(imports=imports)
    if options.torch:
        answered(torch=look_at_torch())
    if options.backend:
        print(f"process group {options.backend}", flush=True)
        answered(process_group=try_process_group(options.backend))
    return 0


def _options(argv: list[str]) -> Any:
    import argparse

    parser = argparse.ArgumentParser(prog="pmlaunch_agent.probe")
    parser.add_argument("reply")
    parser.add_argument("--packages", action="store_true")
    parser.add_argument("--requires", action="store_true")
    parser.add_argument("--import", dest="imports", default="")
    parser.add_argument("--torch", action="store_true")
    parser.add_argument("--backend")
    return parser.parse_args(argv)


def _write(path: str, document: dict[str, Any]) -> None:
    beside = f"{path}.{os.getpid()}.tmp"
    with open(beside, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, default=str)
    os.replace(beside, path)


def try_import(name: str) -> dict[str, Any]:
    """Import a module and say how it went; one that would start a simulator is only looked for.

    Returns {ok, imported, version, file, error, seconds}: `imported` is False where `ok` means "found".
    """
    start = time.monotonic()
    answer: dict[str, Any] = {"ok": False, "imported": False, "version": None, "file": None, "error": None}
    try:
        if name.split(".")[0] in _STARTS_A_SIMULATOR:
            spec = importlib.util.find_spec(name.split(".")[0])
            answer.update(ok=spec is not None, file=spec.origin if spec else None)
            if spec is None:
                answer["error"] = f"ModuleNotFoundError: No module named '{name.split('.')[0]}'"
        else:
            module = importlib.import_module(name)
            version = getattr(module, "__version__", None)
            answer.update(ok=True, imported=True, version=str(version) if version is not None else None)
            answer["file"] = getattr(module, "__file__", None)
    except (Exception, SystemExit) as error:
        answer["error"] = _text(error)
    answer["seconds"] = round(time.monotonic() - start, 3)
    return answer


def look_at_torch() -> dict[str, Any]:
    """What this torch was built with and what it finds here; {"error"} when it does not import."""
    import warnings

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
            answer = {"error": _text(error)}
    answer["warnings"] = [str(warning.message)[:_LONGEST] for warning in said]
    return answer


def _distributed(torch: Any) -> dict[str, Any]:
    """{distributed, nccl, gloo, libuv}; None where this torch cannot be asked."""
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
    except AttributeError:  # an old torch has no such question
        return None


def _has_libuv(distributed: Any) -> bool | None:
    """Whether TCPStore can be asked for libuv: builds for Windows lacked it, and torch 2.4 to 2.6 ask for it."""
    try:
        distributed.TCPStore("127.0.0.1", 0, 1, True, use_libuv=True)
    except TypeError:  # before torch 2.3 there was no such choice
        return None
    except Exception as error:
        return None if "libuv" not in str(error).lower() else False
    return True


def try_process_group(backend: str) -> dict[str, Any]:
    """Form a process group of one, as Lightning does it (env://), and add up one number in it."""
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
        answer["error"] = _text(error)
    answer["seconds"] = round(time.monotonic() - start, 3)
    return answer


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:_LONGEST]


if __name__ == "__main__":
    sys.exit(main())
