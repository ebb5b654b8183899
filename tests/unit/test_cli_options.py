"""Options are declared once, as dataclass fields; Typer, settings and hints agree on them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_type_hints

import pytest
import typer

from pmlaunch.cli.app import app, run
from pmlaunch.cli.commands.install import InstallOptions
from pmlaunch.cli.commands.smoke import SmokeOptions
from pmlaunch.cli.options import Invocation, read_invocation
from pmlaunch.cli.result import CommandResult
from pmlaunch.errors import PmlaunchError
from pmlaunch.installing.context import InstallRequest
from pmlaunch.planning.command_line import typed_options
from pmlaunch.request import SETTINGS, EvalRequest, parameters, require_choice, shared

pytestmark = pytest.mark.usefixtures("typed_in")

# every option of `pmlaunch eval`
EVERYTHING = (
    *("eval", "demo", "seed=1", "+opt=x", "--motion", "a", "--motion", "b", "--checkpoint", "c", "--robot", "r"),
    *("--simulator", "s", "--terrain", "flat", "--constraint", "v", "--num-envs", "4", "--devices", "2", "--window"),
    *("--max-steps", "3", "--seed", "7", "--device", "cpu", "--ddp-backend", "gloo", "--protomotions", "p"),
    *("--isaaclab", "i", "--python", "y", "--via", "python", "--runs", "u", "--timeout", "2.5", "--silence", "9"),
    *("--target-os", "linux", "--no-check", "PML101", "--no-check", "PML102", "--verify", "--no-metrics"),
    *("--skip-bad", "--exclude", "q", "--save-motion", "--record", "--endless", "--trust-workspace"),
)


@pytest.fixture
def requested(monkeypatch: pytest.MonkeyPatch) -> list[EvalRequest]:
    """The requests that reach the planner, where the command ends."""
    requests: list[EvalRequest] = []

    def note(request: EvalRequest, _: object) -> None:
        requests.append(request)
        raise PmlaunchError("PML010", "enough")

    monkeypatch.setattr("pmlaunch.planning.plan.make_plan", note)
    return requests


def test_every_option_reaches_the_request(requested: list[EvalRequest]) -> None:
    run([*EVERYTHING, "--dry-run"])
    (request,) = requested
    assert [item.name for item in fields(request) if getattr(request, item.name) == item.default] == []
    assert request.motions == ("a", "b")
    assert request.overrides == ("seed=1", "+opt=x")
    assert (request.num_envs, request.timeout, request.headless, request.metrics) == (4, 2.5, False, False)


def test_what_is_not_typed_keeps_its_default(requested: list[EvalRequest]) -> None:
    run(["eval", "demo"])
    assert requested == [EvalRequest("demo")]


def test_request_written_back_is_the_command_line_it_came_from(requested: list[EvalRequest]) -> None:
    run([*EVERYTHING, "--dry-run"])
    words = typed_options(requested[0], same_model=True)
    run(["eval", "demo", "--motion", "a", "--motion", "b", "--dry-run", *words])
    assert requested[1] == requested[0]
    other = typed_options(requested[0], same_model=False)
    assert set(words) - set(other) == {"--checkpoint", "c", "--robot", "r"}


def test_default_request_is_written_back_as_nothing() -> None:
    assert typed_options(EvalRequest("demo", ("walk",)), same_model=True) == []


def test_settings_are_options_of_eval() -> None:
    assert set(SETTINGS) == {
        *("protomotions", "isaaclab", "python", "runs", "simulator", "via", "device", "ddp_backend"),
        *("num_envs", "headless", "timeout", "silence"),
    }
    assert SETTINGS["ddp_backend"].variable == "PMLAUNCH_DDP_BACKEND"


def test_smoke_passes_shared_options_on(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[EvalRequest] = []

    def note(request: EvalRequest, *_: object) -> None:
        requests.append(request)
        raise PmlaunchError("PML010", "enough")

    monkeypatch.setattr("pmlaunch.smoke.smoke.run_smoke", note)
    run(["smoke", "-m", "walk", "--seed", "3", "--runs", "r"])
    expected = EvalRequest(
        "masked_mimic", ("walk",), seed=3, runs="r", timeout=1800.0, headless=True, verify=True, no_check=("PML160",)
    )
    assert requests == [expected]


def test_options_that_smoke_shares_have_the_type_of_the_request() -> None:
    own, request = get_type_hints(SmokeOptions), get_type_hints(EvalRequest)
    assert {name for name in own if name in request and own[name] != request[name]} == {"timeout"}  # never None


def test_with_options_reach_the_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[InstallRequest] = []

    def note(request: InstallRequest, *_: object) -> CommandResult:
        requests.append(request)
        return CommandResult("install")

    monkeypatch.setattr("pmlaunch.cli.commands.install._install", note)
    assert run(["install", "--with", "smpl_sim", "--with", "open3d"]) == 0
    assert requests[0].extras == ("smpl_sim", "open3d")


@pytest.mark.parametrize(
    ("record", "name", "sentence"),
    [
        (EvalRequest, "device", "--device cannot be 'tpu': it is gpu or cpu."),
        (EvalRequest, "ddp_backend", "--ddp-backend cannot be 'tpu': it is auto, gloo, nccl or none."),
        (InstallOptions, "kind", "--as cannot be 'tpu': it is submodule, clone or auto."),
    ],
)
def test_value_outside_the_choices_is_refused(record: type[Any], name: str, sentence: str) -> None:
    for choice in (None, *parameters(record)[name].option.choices):
        require_choice(record, name, choice)
    with pytest.raises(PmlaunchError) as caught:
        require_choice(record, name, "tpu")
    assert (caught.value.code, caught.value.message) == ("PML001", sentence)


def test_shared_option_may_change_its_help() -> None:
    (changed,) = shared("simulator", help="other").metadata.values()
    assert (changed.help, changed.setting) == ("other", parameters(EvalRequest)["simulator"].option.setting)


INVOCATIONS = [
    ([], Invocation()),
    (["list"], Invocation(command="list")),
    (["list", "models", "--json"], Invocation(True, command="list")),
    (["--json", "list", "models"], Invocation(True, command="list")),
    (["-v", "list", "--json", "models"], Invocation(True, True, "list")),
    (["eval", "demo", "--motion", "--json"], Invocation(command="eval")),  # the name of a motion
    (["eval", "demo", "--", "--json", "-v"], Invocation(command="eval")),  # overrides
    (["eval", "demo", "--json", "--num-env", "4", "-v"], Invocation(True, True, "eval")),
    (["eval", "demo", "--num-envs", "many", "--json"], Invocation(True, command="eval")),
    (["eval", "demo", "--verify=yes", "--json"], Invocation(True, command="eval")),
    (["eval", "demo", "--json", "--motion"], Invocation(True, command="eval")),
    (["eval", "demo", "-qv"], Invocation(verbose=True, command="eval")),
    (["evall", "--json", "--motion", "walk"], Invocation(True, command="evall")),
    (["--bogus", "eval", "--json"], Invocation(True, command="eval")),
]


@pytest.mark.parametrize(("words", "expected"), INVOCATIONS, ids=str)
def test_output_options_are_read_as_typer_reads_them(words: list[str], expected: Invocation) -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    assert read_invocation(group, words) == expected
