"""The step that installs ProtoMotions into the simulator's Python: its requirements, then its own packages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from packaging.utils import canonicalize_name

from pmlaunch.checks.compatibility import failures
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.find import generation_of
from pmlaunch.git.progress import Reporter
from pmlaunch.installing.context import InstallContext, Learned
from pmlaunch.installing.python.outstanding import Outstanding, PipRun, outstanding_in, pip_runs
from pmlaunch.installing.python.pip import UnsolvableError, pip, pip_is_missing
from pmlaunch.installing.python.requirements import TORCH_FAMILY, constraints_for, lowered
from pmlaunch.installing.python.target_python import (
    OwnPackage,
    PythonReport,
    inspect_python,
    packages_of,
    planned_python,
    python_named,
    typed_python,
    usable_runtime,
)
from pmlaunch.installing.step import AlreadyDone, Done, Todo
from pmlaunch.model import Finding, Severity
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.runtimes.compatibility import judge
from pmlaunch.runtimes.versions import combination

_SHOWN = 8  # packages named in a sentence


class PackagesStep:
    """Install protomotions, isaac_utils and poselib in editable form, and the checkout's requirements.

    Planning looks at metadata only, so it is quick if everything is there. pip must keep the installed torch and numpy,
    and must not lower any other version unless there is no other way; what it changed is reported.
    """

    name = "packages"
    title = "Python packages"

    def plan(self, context: InstallContext) -> AlreadyDone | Todo:
        """Raises PML430 to PML433, PML441, PML442 and PML449."""
        report = planned_python(context, "--packages", "--requires", name="packages-look")
        if report is None:
            text = (
                f"install ProtoMotions and the packages that {python_named(context)} lacks; its files do not show which"
            )
            return Todo(text, (typed_python(context, "-m", "pip", "install", "-e", str(context.checkout)),))
        if "pip" not in report.packages:
            raise pip_is_missing(context)
        if not generation_of(context.checkout):
            _refuse_without_torch(context, report, "torch")
            command = typed_python(context, "-m", "pip", "install", "-e", str(context.checkout))
            return Todo("install ProtoMotions and its requirements", (command,))
        outstanding, unfit = outstanding_in(context, report), tuple(_unfit(context))
        if not outstanding:
            return AlreadyDone(_describe(context, report), unfit)
        _refuse_without_torch(context, report, outstanding.requirements.torch)
        notes = [Finding("PML443", Severity.NOTE, f"{change}.") for change in outstanding.requirements.changes]
        return Todo(
            f"install {_describe_outstanding(outstanding)} into {python_named(context)}",
            tuple(_typed_pip(context, run) for run in pip_runs(outstanding, report)),
            findings=(*notes, *_other_checkouts(outstanding.packages, report), *unfit),
        )

    def do(self, context: InstallContext, report: Reporter) -> Done:
        """Raises PML204, PML432, PML437, PML439 and what pip raises."""
        before = inspect_python(context, "--packages", "--requires", "--torch", name="packages-before")
        outstanding = outstanding_in(context, before)
        _refuse_without_torch(context, before, outstanding.requirements.torch)
        document = {"schema": 1, "python": before.python, "packages": before.versions, "torch": before.torch}
        RunFolder(context.logs).write("packages-before.json", document)  # for a person who wants it back
        for run in pip_runs(outstanding, before):
            _install(context, before, run, report)
        after = inspect_python(context, "--packages", "--requires", name="packages-after")
        report.findings += lowered_findings(context, before.versions, after.versions)
        refuse_changed_torch(context, before.versions, after.versions)
        refuse_incomplete(context, after)
        changes = describe_changes(before.versions, after.versions)
        text = _describe(context, after) + (f"; {changes}" if changes else "")
        return Done(text, Learned(torch_before=before.torch))


def _unfit(context: InstallContext) -> Iterator[Finding]:
    """PML246 as a warning if the versions here are known to fail together, which pip does not change."""
    runtime = usable_runtime(context)
    judgement = judge(combination(context.checkout, context.request.simulator, runtime))
    return (replace(found, severity=Severity.WARNING) for found in failures(judgement, runtime.facts.python))


def refuse_incomplete(context: InstallContext, after: PythonReport) -> None:
    """Raise PML437 if something is missing although pip reported success."""
    missing = outstanding_in(context, after).missing
    if missing:
        message = f"pip reported success, but {python_named(context)} lacks: {', '.join(missing)}."
        raise PmlaunchError("PML437", message).retrying({})


def _install(context: InstallContext, before: PythonReport, run: PipRun, report: Reporter) -> None:
    """Run pip so that it lowers nothing; if it finds no solution, run it again without that constraint."""
    exempt = [canonicalize_name(re.split(r"[<>=!~ \[@]", word)[0]) for word in run.words if "<" in word]
    folder, name = RunFolder(context.logs), f"constraints-{run.name}.txt"
    for floors in (True, False):
        folder.write_text(name, constraints_for(before.versions, exempt=exempt, floors=floors))
        try:
            pip(context, run, folder.file(name), report)
            return
        except UnsolvableError as error:
            # with a distribution: what pip says if a package of a package wants a lower version than the installed one
            named = error.distribution
            if not floors or (named and canonicalize_name(named) not in before.versions):
                raise


def _refuse_without_torch(context: InstallContext, report: PythonReport, asked: str | None) -> None:
    """Raise PML432 if torch is missing. It is not installed here: the build depends on the GPU, and it takes gigabytes."""
    if "torch" in report.packages or asked is None:
        return
    command = typed_python(context, "-m", "pip", "install", asked)
    hint = f"{command} (pytorch.org shows the --index-url for your GPU)"
    if context.request.simulator == "isaaclab":
        hint += "; Isaac Lab: isaaclab -i"
    raise PmlaunchError("PML432", f"{python_named(context)} has no torch.", hint=hint, subject="torch")


def _typed_pip(context: InstallContext, run: PipRun) -> str:
    """The pip command to type by hand, in any folder."""
    places = {package.relative: str(package.place) for package in packages_of(context.checkout)}
    words = [places.get(word, word) for word in run.words] if run.in_checkout else run.words
    return typed_python(context, "-m", "pip", *words)


def _other_checkouts(packages: Sequence[OwnPackage], report: PythonReport) -> list[Finding]:
    """PML444 for each package that is currently installed from another folder."""
    found = []
    for package in packages:
        other = report.packages.get(package.distribution)
        if other:
            where = other.editable or other.location
            message = f"{package.name} is installed from {where} and will point to {package.place} instead."
            found.append(Finding("PML444", Severity.WARNING, message, subject=str(where)))
    return found


def _describe_outstanding(outstanding: Outstanding) -> str:
    """Count and name what is outstanding: "5 requirements and protomotions, poselib"."""
    count = len(outstanding.requirements.first) + len(outstanding.requirements.then)
    parts = [f"{count} requirements"] if count else []
    parts += [", ".join(package.name for package in outstanding.packages)] if outstanding.packages else []
    if outstanding.interrupted:
        parts.append(f"{', '.join(outstanding.interrupted)} (interrupted earlier)")
    return " and ".join(parts)


def _describe(context: InstallContext, report: PythonReport) -> str:
    names = ", ".join(package.name for package in packages_of(context.checkout))
    torch = report.versions.get("torch", "none")
    return f"{names} from {context.checkout}, in editable form; torch {torch}"


def describe_changes(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """What pip changed, given {name: version} before and after: "pip: 3 new; changed: a 1.0 -> 1.1"."""
    new = [name for name in after if name not in before]
    both = {name: (before[name], after[name]) for name in before if name in after}
    changed = [f"{name} {old} -> {now}" for name, (old, now) in both.items() if old != now]
    gone = [name for name in before if name not in after]
    parts = [f"{len(new)} new"] if new else []
    parts += [f"changed: {_some(changed)}"] if changed else []
    parts += [f"removed: {_some(gone)}"] if gone else []
    return f"pip: {'; '.join(parts)}" if parts else ""


def lowered_findings(context: InstallContext, before: Mapping[str, str], after: Mapping[str, str]) -> list[Finding]:
    """PML448 for each package whose version pip lowered, with the command that undoes it."""
    findings = []
    for name in lowered(before, after):
        message = f"pip replaced {name} {before[name]} with {after[name]}, because a requirement demands it."
        back = typed_python(context, "-m", "pip", "install", f"{name}=={before[name]}")
        findings.append(Finding("PML448", Severity.WARNING, message, hint=f"back: {back}", subject=name))
    return findings


def _some(items: Sequence[str]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(items[:_SHOWN]) + more


def refuse_changed_torch(context: InstallContext, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Raise PML439, with the command that undoes it, if torch or a package of its family has another version."""
    changed = [name for name in TORCH_FAMILY if before.get(name) != after.get(name)]
    if not changed or "torch" not in before:
        return
    words = "; ".join(f"{name} {before.get(name)} -> {after.get(name)}" for name in changed)
    pins = [f"{name}=={before[name]}" for name in TORCH_FAMILY if name in before]
    build = re.search(r"\+(cu\d+|cpu)$", before["torch"])
    index = ["--index-url", f"https://download.pytorch.org/whl/{build[1]}"] if build else []
    back = typed_python(context, "-m", "pip", "install", "--force-reinstall", "--no-deps", *pins, *index)
    raise PmlaunchError(
        "PML439", f"pip replaced packages that it was told to keep: {words}.", hint=back, subject="torch"
    )
