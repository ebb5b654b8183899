"""`pmlaunch runs rerun`: the recorded request with other options, and nothing that somebody else recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pmlaunch.errors import PmlaunchError
from pmlaunch.request import Asked, EvalRequest
from pmlaunch.running.asked import asked_for, is_own
from pmlaunch.runs.rerun import repeated
from pmlaunch.settings import Settings
from pmlaunch.support.json import from_json, to_json
from run_folders import make_run

Json = Callable[..., dict[str, Any]]

REQUEST = EvalRequest("demo", ("walk",), seed=1, overrides=("++agent.x=1", "num_envs=2"), timeout=60.0)
NOTHING = EvalRequest("latest")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path, {}, tmp_path / "user")


def recorded(settings: Settings, requested: EvalRequest = REQUEST, **changes: Any) -> Path:
    """A run of a request, with a changed record of how it was asked for."""
    asked = replace(asked_for(("eval", requested.model), settings, requested), **changes)
    return make_run(settings.folder / "runs", "one", asked=to_json(asked))


def test_recorded_request_is_repeated_beside_the_run(settings: Settings) -> None:
    folder = recorded(settings)
    request, there = repeated(folder, NOTHING, settings)
    assert request == replace(REQUEST, runs=str(folder.parent))
    assert there == settings


def test_given_options_replace_the_recorded_ones(settings: Settings) -> None:
    given = EvalRequest("latest", motions=("run",), seed=3, overrides=("num_envs=8",), save_motion=True)
    request, _ = repeated(recorded(settings), given, settings)
    assert (request.model, request.motions, request.seed, request.timeout) == ("demo", ("run",), 3, 60.0)
    assert request.overrides == ("++agent.x=1", "num_envs=8")
    assert request.save_motion


def test_repeated_run_never_contradicts_itself(settings: Settings) -> None:
    """A new option replaces the recorded override that means the same, and the other way round."""
    folder = recorded(settings, replace(REQUEST, headless=True))
    request, _ = repeated(folder, EvalRequest("latest", num_envs=8, overrides=("headless=false",)), settings)
    assert (request.num_envs, request.headless) == (8, None)
    assert request.overrides == ("++agent.x=1", "headless=false")


def test_paths_are_relative_to_where_they_were_typed(settings: Settings, tmp_path: Path) -> None:
    folder = recorded(settings, EvalRequest("clips/last.ckpt", ("clips/a.npy",)))
    now = replace(settings, folder=tmp_path / "now")
    (now.folder / "b.npy").parent.mkdir()
    (now.folder / "b.npy").touch()
    given = EvalRequest("one", motions=("b.npy", "walk"), protomotions="checkout", runs="here")
    request, there = repeated(folder, given, now)
    assert there.folder == tmp_path
    assert request.model == "clips/last.ckpt"
    assert request.motions == (str(now.folder / "b.npy"), "walk")
    assert (request.protomotions, request.runs) == (str(now.folder / "checkout"), str(now.folder / "here"))


def test_run_without_recorded_options_is_refused(settings: Settings, tmp_path: Path) -> None:
    old = make_run(tmp_path / "runs", "old")
    by_smoke = make_run(tmp_path / "runs", "smoke", asked=to_json(asked_for(("smoke",), settings, None)))
    for folder in (old, by_smoke):
        with pytest.raises(PmlaunchError, match="does not record") as caught:
            repeated(folder, NOTHING, settings)
        assert caught.value.code == "PML357"


def test_secret_is_not_recorded_and_has_to_be_given_again(settings: Settings) -> None:
    secret = "wandb.api_key=0123456789abcdef"
    folder = recorded(settings, replace(REQUEST, overrides=(secret,)))
    assert "0123456789abcdef" not in (folder / "record.json").read_text(encoding="utf-8")
    with pytest.raises(PmlaunchError, match=r"wandb\.api_key contained a secret") as caught:
        repeated(folder, NOTHING, settings)
    assert caught.value.code == "PML357"
    assert repeated(folder, EvalRequest("one", overrides=(secret,)), settings)[0].overrides == (secret,)


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": None},
        {"signature": "0" * 64},
        {"request": {"model": "demo", "python": "/evil"}},
        {"folder": "/evil"},
    ],
)
def test_somebody_elses_run_is_not_repeated(settings: Settings, changes: dict[str, Any]) -> None:
    folder = recorded(settings, **changes)
    with pytest.raises(PmlaunchError) as caught:
        repeated(folder, NOTHING, settings)
    assert caught.value.code == "PML359"
    assert str(caught.value.hint).startswith("pmlaunch eval demo")


def test_signature_belongs_to_a_user(settings: Settings, tmp_path: Path) -> None:
    asked = asked_for(("eval", "demo"), settings, REQUEST)
    written: Asked = from_json(Asked, to_json(asked))
    assert is_own(written, settings)
    assert not is_own(written, replace(settings, user_folder=tmp_path / "other"))
    assert not is_own(written, replace(settings, user_folder=None))
    assert asked_for(("eval",), replace(settings, user_folder=None), REQUEST).signature is None


def test_key_that_was_cut_short_is_made_again(settings: Settings) -> None:
    assert settings.user_folder is not None
    settings.user_folder.mkdir(parents=True, exist_ok=True)
    asked_for(("eval", "demo"), settings, EvalRequest("demo"))
    (key,) = settings.user_folder.glob("*.key")
    key.write_bytes(key.read_bytes()[:5])
    asked = asked_for(("eval", "demo"), settings, EvalRequest("demo"))
    assert is_own(asked, settings)


def test_rerun_takes_every_option_of_eval(as_json: Json, typed_in: Path) -> None:
    folder = make_run(
        typed_in / "runs",
        "one",
        asked=to_json(asked_for(("eval", "demo"), Settings.here(), EvalRequest("demo", ("walk",)))),
    )
    result = as_json("runs", "rerun", "latest", "--dry-run", "--seed", "3", "--max-steps", "20")
    assert (result["command"], result["exit_code"]) == ("runs rerun", 0)
    plan = result["data"]["plan"]
    assert (plan["measuring"]["seed"], plan["max_steps"], plan["runs"]) == (3, 20, str(folder.parent))
