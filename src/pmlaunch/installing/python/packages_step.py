"""The step that installs ProtoMotions into the simulator's Python: its requirements, then its own packages."""

from __future__ import annotations

import re
from collections.abc import Sequence

from packaging.utils import canonicalize_name

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.progress import Reporter
from pmlaunch.installing.context import InstallContext, Learned
from pmlaunch.installing.python.outstanding import Outstanding, PipRun, outstanding_in, pip_runs
from pmlaunch.installing.python.package_changes import (
    describe_changes,
    lowered_findings,
    refuse_changed_torch,
    save_packages,
    write_to_logs,
)
from pmlaunch.installing.python.pip import (
    NoMatchingDistributionError,
    PipConflictError,
    pip,
    pip_is_missing,
)
from pmlaunch.installing.python.requirements import constraints_for
from pmlaunch.installing.python.target_python import (
    OwnPackage,
    PythonReport,
    ask_python,
    is_there,
    packages_of,
    python_named,
    typed_python,
)
from pmlaunch.installing.step import AlreadyDone, Done, Todo
from pmlaunch.model import Finding, Severity


class PackagesStep:
    """Install protomotions, isaac_utils and poselib in editable form, and the checkout's requirements.

    Planning looks at metadata only, so it is quick if everything is there. pip must keep the installed torch and numpy,
    and must not lower any other version unless there is no other way; what it changed is reported.
    """

    name = "packages"
    title = "Python packages"

    def plan(self, context: InstallContext) -> AlreadyDone | Todo:
        """Raises PML430 to PML433, PML441, PML442 and PML449."""
        report = ask_python(context, "--packages", "--requires", name="packages-look")
        if "pip" not in report.packages:
            raise pip_is_missing(context)
        if not is_there(context.checkout):
            _refuse_without_torch(context, report, "torch")
            command = typed_python(context, "-m", "pip", "install", "-e", str(context.checkout))
            return Todo("install ProtoMotions and what its requirements ask for", (command,))
        outstanding = outstanding_in(context, report)
        if not outstanding:
            return AlreadyDone(_describe(context, report))
        _refuse_without_torch(context, report, outstanding.requirements.torch)
        notes = [Finding("PML443", Severity.NOTE, f"{change}.") for change in outstanding.requirements.changes]
        return Todo(
            f"install {_describe_outstanding(outstanding)} into {python_named(context)}",
            tuple(_typed_pip(context, run) for run in pip_runs(outstanding, report)),
            findings=(*notes, *_other_checkouts(outstanding.packages, report)),
        )

    def do(self, context: InstallContext, report: Reporter) -> Done:
        """Raises PML432, PML437, PML439 and what pip raises."""
        before = ask_python(context, "--packages", "--requires", "--torch", name="packages-before")
        outstanding = outstanding_in(context, before)
        _refuse_without_torch(context, before, outstanding.requirements.torch)
        save_packages(context, before)
        for run in pip_runs(outstanding, before):
            _install(context, before, run, report)
        after = ask_python(context, "--packages", "--requires", name="packages-after")
        report.findings += lowered_findings(context, before.versions, after.versions)
        refuse_changed_torch(context, before.versions, after.versions)
        refuse_incomplete(context, after)
        changes = describe_changes(before.versions, after.versions)
        text = _describe(context, after) + (f"; {changes}" if changes else "")
        return Done(text, Learned(torch_before=before.torch))


def refuse_incomplete(context: InstallContext, after: PythonReport) -> None:
    """Raise PML437 if something is missing although pip reported success."""
    missing = outstanding_in(context, after).missing
    if missing:
        message = f"pip said that all went well, but in {python_named(context)} this is missing: {', '.join(missing)}."
        raise PmlaunchError("PML437", message, hint="the same command again")


def _install(context: InstallContext, before: PythonReport, run: PipRun, report: Reporter) -> None:
    """Run pip so that it lowers nothing; if it finds no solution, run it again without that constraint."""
    exempt = [canonicalize_name(re.split(r"[<>=!~ \[@]", word)[0]) for word in run.words if "<" in word]
    for floors in (True, False):
        text = constraints_for(before.versions, exempt=exempt, floors=floors)
        constraints = write_to_logs(context, f"constraints-{run.name}.txt", text)
        try:
            pip(context, run, constraints, report)
            return
        except PipConflictError:
            if not floors:
                raise
        except NoMatchingDistributionError as error:
            # what pip says if a package of a package wants a lower version than the installed one
            if not floors or canonicalize_name(error.distribution) not in before.versions:
                raise


def _refuse_without_torch(context: InstallContext, report: PythonReport, asked: str | None) -> None:
    """Raise PML432 if torch is missing. It is not installed here: the build depends on the GPU, and it takes gigabytes."""
    if "torch" in report.packages or asked is None:
        return
    command = typed_python(context, "-m", "pip", "install", asked)
    hint = f"{command} (pytorch.org tells which --index-url fits a GPU)"
    if context.request.simulator != "genesis":
        hint += "; Isaac Lab: isaaclab -i"
    raise PmlaunchError("PML432", f"There is no torch in {python_named(context)}.", hint=hint, subject="torch")


def _typed_pip(context: InstallContext, run: PipRun) -> str:
    """The run of pip as a person types it, in any folder."""
    places = {package.relative: str(package.place) for package in packages_of(context.checkout)}
    words = [places.get(word, word) for word in run.words] if run.in_checkout else run.words
    return typed_python(context, "-m", "pip", *words)


def _other_checkouts(packages: Sequence[OwnPackage], report: PythonReport) -> list[Finding]:
    """PML444 for each package that is installed from somewhere else now."""
    found = []
    for package in packages:
        other = report.packages.get(package.distribution)
        if other:
            where = other.editable or other.location
            message = f"{package.name} is installed from {where} and will lead to {package.place} instead."
            found.append(Finding("PML444", Severity.WARNING, message, subject=str(where)))
    return found


def _describe_outstanding(outstanding: Outstanding) -> str:
    """Count and name what is outstanding: "5 requirements and protomotions, poselib"."""
    count = len(outstanding.requirements.first) + len(outstanding.requirements.then)
    parts = [f"{count} requirements"] if count else []
    parts += [", ".join(package.name for package in outstanding.packages)] if outstanding.packages else []
    if outstanding.interrupted:
        parts.append(f"again, since it was broken off: {', '.join(outstanding.interrupted)}")
    return " and ".join(parts)


def _describe(context: InstallContext, report: PythonReport) -> str:
    names = ", ".join(package.name for package in packages_of(context.checkout))
    torch = report.versions.get("torch", "none")
    return f"{names} from {context.checkout}, in editable form; torch {torch}"
