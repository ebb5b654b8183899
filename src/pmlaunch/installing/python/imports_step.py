"""The step that verifies the installation: it imports in the simulator's own Python what a run imports."""

from __future__ import annotations

from collections.abc import Mapping

from pmlaunch import __version__
from pmlaunch.agent.pmlaunch_agent.contract import MUTABLE_DATACLASS_DEFAULTS
from pmlaunch.catalog.presets import presets
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.find import generation_of
from pmlaunch.generations.v2.checkout import v2_checkout
from pmlaunch.git.progress import Progress, Reporter
from pmlaunch.installing.context import InstallContext
from pmlaunch.installing.python.target_python import (
    PythonReport,
    inspect_python,
    packages_of,
    python_named,
    typed_python,
)
from pmlaunch.installing.step import AlreadyDone, Done, Todo
from pmlaunch.model import UNKNOWN, Generation, RuntimeKind
from pmlaunch.running.probe_reply import ImportAttempt
from pmlaunch.runtimes.missing_modules import cure_for
from pmlaunch.support.cache import JsonCache, content_key, tree_content
from pmlaunch.support.json import dumps

_COMPAT = (MUTABLE_DATACLASS_DEFAULTS,)  # a run of pmlaunch switches this on, too
_LIBRARIES = ("hydra", "lightning", "torch")


class ImportsStep:
    """Import everything with the repairs that a run uses, and check that torch has not lost its CUDA.

    Importing takes seconds, so the result is cached until a package or a line of the checkout changes.
    """

    name = "imports"
    title = "imports"

    def plan(self, context: InstallContext) -> AlreadyDone | Todo:
        """Raises PML430, PML441 and PML449."""
        modules = modules_of(context)
        if generation_of(context.checkout) and not context.dry:  # the answer is the key of what is known
            report = inspect_python(context, "--packages", name="imports-look")
            cached = JsonCache("imports").get(proof_key(context, report))
            if isinstance(cached, str):
                return AlreadyDone(cached)
        text = f"import {', '.join(modules)}"
        return Todo(text, (typed_python(context, "-c", text),))

    def do(self, context: InstallContext, report: Reporter) -> Done:
        """Raises PML438 and PML440."""
        modules = modules_of(context)
        report.progress(Progress(f"import {', '.join(modules)}"))
        python = inspect_python(
            context, "--packages", "--import", ",".join(modules), "--torch", compat=_COMPAT, name="imports"
        )
        failed = {name: attempt for name, attempt in python.reply.imports.items() if not attempt.ok}
        if failed:
            report.last_log = python.log
            raise _import_error(context, python, failed)
        _refuse_lost_cuda(context, python)
        text = _describe(python)
        JsonCache("imports").put(proof_key(context, python), text)
        return Done(text)


def modules_of(context: InstallContext) -> tuple[str, ...]:
    """The modules to import: the checkout's packages, the libraries, and for 2.x the modules that the agent watches."""
    checkout = context.checkout
    preset = presets("simulator", context.settings.preset_folders).get(context.request.simulator)
    simulator = preset.modules if preset and preset.runtime is RuntimeKind.PYTHON else ()
    generation = generation_of(checkout)
    own = [package.name for package in packages_of(checkout)] if generation else ["protomotions"]
    if generation is not Generation.V2:
        return (*own, *_LIBRARIES, *simulator)
    modules = [point.module for point in v2_checkout(checkout, UNKNOWN).watch]
    watched = [name for name in modules if (checkout / f"{name.replace('.', '/')}.py").is_file()]
    return tuple(dict.fromkeys((*_LIBRARIES, *own, *watched, "moviepy.editor", *simulator)))


def proof_key(context: InstallContext, report: PythonReport) -> str:
    """The cache key: everything the imports depend on that is cheap to determine."""
    facts = [report.reply.executable, report.python, report.packages, modules_of(context), __version__]
    folders = ("protomotions", "isaac_utils", "poselib")  # everything of the checkout that is imported
    sources = (part for name in folders for part in (name, *tree_content(context.checkout / name, ".py")))
    return content_key(dumps(facts), *sources)


def _import_error(context: InstallContext, report: PythonReport, failed: Mapping[str, ImportAttempt]) -> PmlaunchError:
    words = "; ".join(f"import {name}: {attempt.error}" for name, attempt in failed.items())
    missing = next((attempt for attempt in failed.values() if attempt.missing), None)
    hint = f"read {report.log}"
    if missing is not None and missing.missing:
        hint = cure_for(missing.missing, typed_python(context), traceback=missing.error)
    message = f"{python_named(context)} cannot import everything: {words}. Its output: {report.log}"
    return PmlaunchError("PML438", message, hint=hint, subject=next(iter(failed)))


def _refuse_lost_cuda(context: InstallContext, report: PythonReport) -> None:
    """Raise PML440 if torch had CUDA before pip and has lost it."""
    before, now = context.learned.torch_before, report.torch
    if before is None:
        return
    lost = ["its CUDA build"] if before.cuda_build and not now.cuda_build else []
    lost += ["the GPU"] if before.cuda_available and not now.cuda_available else []
    if lost:
        was = before.version
        message = f"torch lost {' and '.join(lost)}: {was} before, {now.version or now.error} now."
        back = typed_python(context, "-m", "pip", "install", "--force-reinstall", f"torch=={was}")
        raise PmlaunchError("PML440", message, hint=f"{back} (with its original --index-url)", subject="torch")


def _describe(report: PythonReport) -> str:
    names = [name for name in report.reply.imports if "." not in name]
    seconds = sum(attempt.seconds for attempt in report.reply.imports.values())
    torch = report.torch
    cuda = f"CUDA {torch.cuda_build}" if torch.cuda_build else "no CUDA"
    gpu = f", {', '.join(torch.devices)}" if torch.devices else ""
    text = f"{', '.join(names)} import in Python {report.python} ({seconds:.1f} s); torch {torch.version}, {cuda}{gpu}"
    hooks = [hook for hook in report.hooks if hook.get("hook") in _COMPAT]
    repaired = [str(name).rpartition(".")[2] for name in (hooks[-1].get("repaired") or () if hooks else ())]
    if repaired:
        text += f"; with pmlaunch's repair for {', '.join(repaired)}, which Python 3.11 and later would reject"
    return text
