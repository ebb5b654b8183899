"""The machine state that doctor examines, resolved the way eval resolves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pmlaunch.agent.pmlaunch_agent.contract import ONE_RANK
from pmlaunch.catalog.presets import SimulatorPreset, presets
from pmlaunch.doctor.probe import PythonProbe, ask_python
from pmlaunch.errors import AmbiguousNameError, NoCheckoutError
from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.find import find_checkout
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.git.repository import git_folder
from pmlaunch.model import Finding, Generation, Severity, Sourced
from pmlaunch.planning.choices import process_group_backend
from pmlaunch.planning.launch import runs_folder
from pmlaunch.request import EvalRequest, require_choice
from pmlaunch.running.probe_reply import ProbeReply
from pmlaunch.runtimes.choose import RuntimeRequest, choose_runtime
from pmlaunch.runtimes.compatibility import Judgement, Verdict, Versions, judge
from pmlaunch.runtimes.interface import Runtime
from pmlaunch.runtimes.versions import combination
from pmlaunch.settings import Settings
from pmlaunch.support.names import choose
from pmlaunch.support.nvidia import has_nvidia
from pmlaunch.support.platforms import Platform, platform_named
from pmlaunch.trust import Untrusted

EMBEDDED = "mujoco"  # the demo's simulator; with ProtoMotions 3 it is one of upstream's


@dataclass(frozen=True)
class TargetRequest:
    """The flags of `pmlaunch doctor` that decide what is examined; None means not given."""

    simulator: str | None = None
    protomotions: str | None = None
    isaaclab: str | None = None
    python: str | None = None
    via: str | None = None
    runs: str | None = None
    device: str | None = None
    quick: bool = False


@dataclass(frozen=True)
class DoctorTarget:
    """What the checks examine.

    `problem` says why there is no checkout; `backend` is the process group backend a run would use; `embedded` is whether
    only `pmlaunch eval demo` is concerned; `quick` forbids starting a process. `untrusted` are files that name what would
    be started, without the user's agreement: nothing is then.
    """

    settings: Settings
    platform: Platform
    simulator: SimulatorPreset
    runtime: Runtime
    runs: Path
    checkout: Checkout | None = None
    problem: Finding | None = None
    device: str | None = None
    backend: str = "gloo"
    embedded: bool = False
    quick: bool = False
    untrusted: tuple[Untrusted, ...] = ()
    probe: PythonProbe | None = None

    @property
    def unanswered(self) -> str:
        """Why the simulator's Python has not answered."""
        if self.untrusted:
            return f"the simulator's Python was not started: {self.untrusted[0].file} is not trusted"
        return "the simulator's Python did not answer"

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variables of this process."""
        return self.settings.environment

    @property
    def windows(self) -> bool:
        """Whether this machine runs Windows."""
        return self.platform.windows

    @property
    def repository(self) -> Path | None:
        """The checkout, if it is a git repository of its own; one unpacked from an archive is not."""
        return self.checkout.root if self.checkout and git_folder(self.checkout.root) else None

    @property
    def gpu_needed(self) -> bool:
        """Whether a run would fail without a GPU."""
        return self.device != "cpu" and list(devices_of(self.simulator)) == ["gpu"]

    @property
    def generation(self) -> Generation:
        """The generation whose packages a run needs; without a checkout that of the default installation."""
        if self.embedded:
            return Generation.DEMO
        return self.checkout.generation if self.checkout else Generation.V2

    @property
    def judgement(self) -> Judgement:
        """What is known about the versions that a run would bring together, as files tell them."""
        if self.embedded:
            return Judgement(Verdict.WORKS, (), self.runtime.versions)
        return judge(combination(self.checkout.root if self.checkout else None, self.simulator.name, self.runtime))

    @property
    def reply(self) -> ProbeReply | None:
        """The reply of the simulator's Python, waited for; None if it gave none or was not asked."""
        return self.probe.answer().reply if self.probe else None


def devices_of(simulator: SimulatorPreset) -> Sequence[str]:
    """The devices the simulator runs on: gpu, cpu or both."""
    return simulator.devices or ("gpu",)


def resolve_target(request: TargetRequest, settings: Settings) -> DoctorTarget:
    """The machine as a run would find it. Raises PML001, PML010 and PML015 for invalid flags and settings."""
    platform = platform_named(None)
    known = presets("simulator", settings.preset_folders).values()
    wanted = _text(settings, "simulator", request.simulator) or "isaaclab"
    preset = choose("simulator", wanted, known, lambda item: item.names, listing="pmlaunch list simulators")
    checkout, problem = _checkout(settings, request.protomotions, preset.name == EMBEDDED)
    embedded = preset.name == EMBEDDED and (checkout is None or checkout.generation is Generation.V2)
    runtime_request = RuntimeRequest(
        settings,
        platform,
        beside=checkout.root if checkout else settings.folder,
        wanted=preset.runtime,
        via=_text(settings, "via", request.via) or "auto",
        isaaclab=request.isaaclab,
        python=request.python,
        own=embedded,
    )
    runtime = choose_runtime(runtime_request)
    device = _text(settings, "device", request.device)
    require_choice(EvalRequest, "device", device)
    target = DoctorTarget(
        settings,
        platform,
        preset,
        runtime,
        Path(runs_folder(settings, request.runs).value),
        checkout,
        problem,
        device,
        _backend(settings, platform, runtime.versions, on_cpu=device == "cpu" or "gpu" not in devices_of(preset)),
        embedded,
        request.quick,
        _untrusted(settings, runtime, None if embedded else checkout, preset),
    )
    return target if request.quick or target.untrusted else replace(target, probe=_probe(target))


def _untrusted(
    settings: Settings, runtime: Runtime, checkout: Checkout | None, preset: SimulatorPreset
) -> tuple[Untrusted, ...]:
    """What the probe would execute without the user's agreement: the Python, the checkout's packages, named modules."""
    uses = [Sourced(runtime.facts.path, runtime.facts.source)]
    uses += [Sourced(str(checkout.script), checkout.source)] if checkout else []
    uses += [Sourced(str(preset.path), preset.source)] if preset.modules else []
    return settings.untrusted(*uses)


def _probe(target: DoctorTarget) -> PythonProbe:
    """The probe of what a run would use: its imports, its folders and its process group."""
    own = GENERATIONS[target.checkout.generation].own_packages if target.checkout and not target.embedded else ()
    arguments = ["--packages", "--import", ",".join(("lightning", *own, *target.simulator.modules)), "--torch"]
    if target.backend != ONE_RANK:  # the agent's own, which needs no trial
        arguments += ["--backend", target.backend]
    return PythonProbe(
        partial(ask_python, target.runtime, target.platform, target.environment, target.checkout, arguments)
    )


def _text(settings: Settings, key: str, flag: str | None = None) -> str | None:
    chosen = settings.get(key, flag)
    return None if chosen is None else str(chosen.value)


def _checkout(settings: Settings, flag: str | None, embedded: bool) -> tuple[Checkout | None, Finding | None]:
    """The checkout, or why there is none: an error, unless only the demo is concerned."""
    try:
        return find_checkout(settings, flag), None
    except (NoCheckoutError, AmbiguousNameError) as error:
        severity = Severity.NOTE if embedded and flag is None else Severity.ERROR
        return None, Finding(error.code, severity, error.message, error.hint, error.fix, error.subject)


def _backend(settings: Settings, platform: Platform, versions: Versions, *, on_cpu: bool) -> str:
    """The backend of a run's process group: the configured one, the platform's, or else Lightning's choice."""
    chosen = process_group_backend(settings.get("ddp_backend"), platform, versions, devices=1).value
    return chosen or ("gloo" if on_cpu or not has_nvidia(settings.environment) else "nccl")
