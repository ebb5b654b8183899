"""The step that proves the installation: what a run imports is imported, in the simulator's own Python."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pmlaunch import __version__
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.find import generation_of
from pmlaunch.generations.v2.checkout import v2_checkout
from pmlaunch.installing.python.package_changes import BEFORE
from pmlaunch.installing.python.target_python import (
    Look,
    is_there,
    look_inside,
    packages_of,
    python_named,
    typed_python,
)
from pmlaunch.installing.step import Progress, Report, Site, Todo
from pmlaunch.model import UNKNOWN, Generation
from pmlaunch.support.cache import JsonCache, content_key, tree_content

_COMPAT = ("mutable_dataclass_defaults",)  # what a run of pmlaunch switches on, too
_LIBRARIES = ("hydra", "lightning", "torch")


class ImportsStep:
    """Imports proven with the repairs that a run uses, and torch's CUDA still there when it was before.

    Importing takes seconds, so a proof is remembered: it holds until a package or a line of the checkout changes.
    """

    name = "imports"
    title = "imports"

    def __init__(self) -> None:
        self._look: Look | None = None

    def todo(self, site: Site) -> Todo | None:
        modules = modules_of(site)
        remembered = JsonCache("imports").get(_key(site, _installed(site))) if is_there(site.checkout) else None
        if isinstance(remembered, str):
            site.said[self.name] = remembered
            return None
        command = typed_python(site, "-c", f"import {', '.join(modules)}")
        return Todo(f"import {', '.join(modules)}", (command,))

    def do(self, site: Site, report: Report) -> None:
        report(Progress(f"import {', '.join(modules_of(site))}"))
        self._look = _import(site)

    def prove(self, site: Site) -> str:
        look = self._look or _import(site)
        failed = {name: entry for name, entry in look.reply.get("imports", {}).items() if not entry.get("ok")}
        if failed:
            raise _import_fails(site, look, failed)
        _refuse_lost_cuda(site, look)
        text = _in_words(look)
        JsonCache("imports").put(_key(site, look), text)
        return text


def modules_of(site: Site) -> tuple[str, ...]:
    """What is imported: the checkout's packages, the libraries, and where the agent watches a run of 2.x."""
    simulator = ("genesis",) if site.request.simulator == "genesis" else ()
    if not is_there(site.checkout):
        return ("protomotions", *_LIBRARIES, *simulator)
    own = [package.name for package in packages_of(site.checkout)]
    if generation_of(site.checkout) is not Generation.V2:
        return (*own, *_LIBRARIES, *simulator)
    modules = [point.module for point in v2_checkout(site.checkout, UNKNOWN).watch]
    watched = [name for name in modules if (site.checkout / f"{name.replace('.', '/')}.py").is_file()]
    return tuple(dict.fromkeys((*_LIBRARIES, *own, *watched, "moviepy.editor", *simulator)))


def _import(site: Site) -> Look:
    questions = ("--packages", "--import", ",".join(modules_of(site)), "--torch")
    return look_inside(site, *questions, compat=_COMPAT, name="imports")


def _installed(site: Site) -> Look:
    return look_inside(site, "--packages", name="imports-look")


def _key(site: Site, look: Look) -> str:
    """Everything that an import depends on, as far as it is cheap to tell."""
    facts = [look.reply.get("executable"), look.python, look.packages, modules_of(site), __version__]
    folders = ("protomotions", "isaac_utils", "poselib")  # everything of the checkout that is imported
    sources = (part for name in folders for part in (name, *tree_content(site.checkout / name, ".py")))
    return content_key(json.dumps(facts, sort_keys=True, default=str), *sources)


def _import_fails(site: Site, look: Look, failed: Mapping[str, Mapping[str, Any]]) -> PmlaunchError:
    words = "; ".join(f"import {name}: {entry.get('error')}" for name, entry in failed.items())
    missing = [str(entry.get("error")) for entry in failed.values()]
    name = next((text.split("'")[1].split(".")[0] for text in missing if "No module named '" in text), None)
    hint = typed_python(site, "-m", "pip", "install", name) if name else f"read {look.inside.log}"
    site.log = look.inside.log
    message = f"Not everything can be imported in {python_named(site)}: {words}. Its output: {look.inside.log}"
    return PmlaunchError("PML438", message, hint=hint, subject=next(iter(failed)))


def _refuse_lost_cuda(site: Site, look: Look) -> None:
    """Raises PML440 when torch had CUDA before pip and has it no more."""
    before = _before(site.logs)
    lost = [
        what
        for key, what in (("cuda_build", "its CUDA build"), ("cuda_available", "the GPU"))
        if before.get(key) and not look.torch.get(key)
    ]
    if lost:
        was, now = before.get("version"), look.torch.get("version") or look.torch.get("error")
        message = f"torch has lost {' and '.join(lost)}: {was} before, {now} now."
        back = typed_python(site, "-m", "pip", "install", "--force-reinstall", f"torch=={was}")
        raise PmlaunchError("PML440", message, hint=f"{back} (with the --index-url that it came from)", subject="torch")


def _before(logs: Path) -> Mapping[str, Any]:
    try:
        document = json.loads((logs / BEFORE).read_text(encoding="utf-8"))
        return dict(document.get("torch") or {})
    except (OSError, ValueError, AttributeError):
        return {}


def _in_words(look: Look) -> str:
    imports: Mapping[str, Mapping[str, Any]] = look.reply["imports"]
    names = [name for name in imports if "." not in name]
    seconds = sum(float(entry.get("seconds") or 0) for entry in imports.values())
    torch = look.torch
    cuda = f"CUDA {torch.get('cuda_build')}" if torch.get("cuda_build") else "no CUDA in it"
    gpu = f", {', '.join(torch['devices'])}" if torch.get("devices") else ""
    text = f"{', '.join(names)} import in Python {look.python} ({seconds:.1f} s); torch {torch.get('version')}, {cuda}{gpu}"
    healed = _healed(look.inside.hooks)
    if healed:
        text += f"; with pmlaunch's repair for {', '.join(healed)}, which Python 3.11 and later would refuse"
    return text


def _healed(hooks: Sequence[Mapping[str, Any]]) -> list[str]:
    """The classes that exist only because of the repair."""
    classes: list[str] = []
    for hook in hooks:
        if hook.get("hook") in _COMPAT:
            classes = [str(name).rpartition(".")[2] for name in hook.get("classes") or ()]
    return classes
