"""Run a module in the simulator's Python and believe its own verdict: pip, a probe, a look at what imports.

Through the agent, as an evaluation is: `isaaclab.bat -p -m pip install ...` returns 0 when pip fails, and would split
the arguments at `=`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmlaunch.agent.pmlaunch_agent.contract import SPEC_VARIABLE, Hooks, Limits, Spec, to_document
from pmlaunch.model import Finding
from pmlaunch.planning.launch import agent_environment, import_path
from pmlaunch.processes.child import Child
from pmlaunch.processes.guardian import Guardian
from pmlaunch.processes.interrupts import Interrupts
from pmlaunch.processes.job_object import join_job
from pmlaunch.running.agent_folder import provide_agent_in
from pmlaunch.running.diagnosis import diagnose_exit
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.runtimes.batch_rules import BatchFile
from pmlaunch.runtimes.interface import Runtime
from pmlaunch.support.platforms import Platform

_PERIOD = 0.05  # seconds between two looks at the child


@dataclass(frozen=True)
class Inside:
    """What came of a module that ran inside.

    `exit_code` is the module's own (1 for an exception), None without a verdict; `exception` is {type, message,
    traceback}; `tail` the last lines of its output, the whole of which is in `log`; `finding` says why there is no
    verdict; `reply` is the JSON document that the module was asked to write, None when it wrote none; `hooks` are the
    agent's hooks that took effect, each {hook, ...}.
    """

    exit_code: int | None
    exception: Mapping[str, str] | None
    tail: tuple[str, ...]
    log: Path
    seconds: float
    timed_out: bool = False
    finding: Finding | None = None
    reply: Mapping[str, Any] | None = None
    hooks: tuple[Mapping[str, Any], ...] = ()

    @property
    def ok(self) -> bool:
        return self.exit_code == 0


def run_inside(
    runtime: Runtime,
    platform: Platform,
    module: str,
    argv: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    cwd: Path | None = None,
    python_path: Sequence[Path] = (),
    compat: Sequence[str] = (),
    reply: Path | None = None,
    timeout: float | None = None,
    listener: Callable[[bytes], None] | None = None,
) -> Inside:
    """Run `python -m module argv...` in the runtime's Python and wait for its end.

    `folder` gets spec.json, result.json and output.log. `compat` names the agent's repairs to switch on (see
    pmlaunch_agent.hooks.repairs), as an evaluation does. `listener` hears the output in pieces, on another thread.
    Ctrl+C ends the module and everything below it, then raises KeyboardInterrupt; a launcher that is killed leaves
    nothing behind either.

    Raises PML204 when `folder` cannot be written and PML205 when the program cannot be started.
    """
    place = RunFolder(folder)
    changes = agent_environment(platform, runtime, environment)
    provide_agent_in(Path(str(changes["PYTHONPATH"])))
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in ("result.json", *([] if reply is None else [reply.name])):
        (folder / leftover).unlink(missing_ok=True)
    spec = Spec(
        script=None,
        module=module,
        argv=tuple(argv),
        cwd=str(cwd or folder),
        import_path=import_path(platform, runtime, environment),
        python_path=tuple(str(path) for path in python_path),
        env={name: value for name, value in changes.items() if name != "PYTHONPATH"},
        hooks=Hooks(compat=tuple(compat)),
        limits=Limits(),
        result=str(place.file("result.json")),
        events=None,
    )
    place.write("spec.json", to_document(spec))
    place.write("record.json", {"state": "running"})  # for the guardian: ended while it says so is an accident
    start = time.monotonic()
    with Interrupts() as interrupts:
        guardian = Guardian(folder)
        join_job()
        try:
            child = Child(
                runtime.command(),
                environment=_environment(environment, changes, place),
                cwd=folder,
                log=place.file("output.log"),
                listener=listener or _silent,
            )
            guardian.watch(child.pid)
            exit_code, timed_out = _wait(child, interrupts, start, timeout)
        finally:
            place.write("record.json", {"state": "ended"})
            guardian.dismiss()
        if interrupts.count:
            raise KeyboardInterrupt
    seconds, batch = time.monotonic() - start, BatchFile.of(runtime.facts)
    return _came_of_it(place, child, exit_code, timed_out, seconds, reply, batch)


def _environment(own: Mapping[str, str], changes: Mapping[str, str | None], place: RunFolder) -> dict[str, str]:
    merged = {**own, **{name: value for name, value in changes.items() if value is not None}}
    kept = {name: value for name, value in merged.items() if changes.get(name, "") is not None}
    return {**kept, SPEC_VARIABLE: str(place.file("spec.json"))}


def _wait(child: Child, interrupts: Interrupts, start: float, timeout: float | None) -> tuple[int | None, bool]:
    """(the exit code, whether the time was over); the child and everything below it has ended."""
    exit_code, timed_out = None, False
    while exit_code is None and not interrupts.count and not timed_out:
        exit_code = child.wait(_PERIOD)
        timed_out = exit_code is None and timeout is not None and time.monotonic() - start > timeout
    if exit_code is None:
        exit_code = child.end_tree()
    child.close()
    return exit_code, timed_out


def _came_of_it(
    place: RunFolder,
    child: Child,
    exit_code: int | None,
    timed_out: bool,
    seconds: float,
    reply: Path | None,
    batch: BatchFile | None,
) -> Inside:
    result = place.read("result.json")
    tail, log = tuple(child.tail()), place.file("output.log")
    if result is None or result.get("status") not in ("finished", "closing"):
        finding = None if timed_out else diagnose_exit(exit_code, result is not None, tail, batch)
        return Inside(None, None, tail, log, seconds, timed_out, finding)
    answer = _read(reply) if reply is not None else None
    hooks = tuple(hook for hook in result.get("hooks_applied") or () if isinstance(hook, dict))
    code = int(result.get("exit_code") or 0)
    return Inside(code, result.get("exception"), tail, log, seconds, reply=answer, hooks=hooks)


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def _silent(_chunk: bytes) -> None:
    """Nobody listens: the log has it all."""
