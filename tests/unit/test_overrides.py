"""Parse a user's overrides in every form that Hydra accepts."""

from __future__ import annotations

import pytest

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.overrides import OverrideKind, UserOverride, group_choices
from pmlaunch.generations.v2.overrides import argument_of, parse_overrides

GROUPS = ("robot", "simulator", "terrain", "opt", "base")


def parse(text: str) -> UserOverride:
    (override,) = parse_overrides([text], GROUPS)
    return override


def refusal(text: str) -> PmlaunchError:
    with pytest.raises(PmlaunchError) as caught:
        parse(text)
    assert caught.value.code == "PML002"
    return caught.value


@pytest.mark.parametrize(
    ("text", "argument", "value", "added"),
    [
        ("seed=3", "++seed=3", 3, False),
        ("+seed=3", "++seed=3", 3, True),
        ("++seed=3", "++seed=3", 3, True),
        ("agent.config.lr=1e-3", "++agent.config.lr=1e-3", 0.001, False),
        ("headless=true", "++headless=true", True, False),
        ("checkpoint=null", "++checkpoint=null", None, False),
        ("name='a, b=c'", "++name='a, b=c'", "a, b=c", False),
        ("path=C:\\data\\walk.npy", "++path=C:\\data\\walk.npy", "C:\\data\\walk.npy", False),
        ("name='走路'", "++name='走路'", "走路", False),
        ("list=[1,two,'3']", "++list=[1,two,'3']", [1, "two", "3"], False),
        ("map={a:1,b:{c:x}}", "++map={a:1,b:{c:x}}", {"a": 1, "b": {"c": "x"}}, False),
        ("empty=", "++empty=", "", False),
        ("ref=${seed}", "++ref=${seed}", "${seed}", False),
        ("robot.control.control_type=torque", "++robot.control.control_type=torque", "torque", False),
    ],
)
def test_value_override_is_parsed_and_written_with_two_plusses(
    text: str, argument: str, value: object, added: bool
) -> None:
    override = parse(text)
    assert (override.kind, override.value, override.added) == (OverrideKind.VALUE, value, added)
    assert argument_of(override) == argument


@pytest.mark.parametrize("text", ["robot=amp", "+robot=amp", "++robot=amp"])
def test_group_override_is_written_with_one_plus(text: str) -> None:
    override = parse(text)
    assert (override.kind, override.choices, argument_of(override)) == (OverrideKind.GROUP, ["amp"], "+robot=amp")


def test_group_with_several_options() -> None:
    override = parse("+opt=[wandb,masked_mimic/constraints/vr]")
    assert override.choices == ["wandb", "masked_mimic/constraints/vr"]


def test_group_with_a_package() -> None:
    override = parse("+terrain@env.terrain=flat")
    assert (override.kind, override.key, override.value) == (OverrideKind.GROUP, "terrain@env.terrain", "flat")


def test_group_below_a_group() -> None:
    assert parse("+opt/masked_mimic=vr").kind is OverrideKind.GROUP


@pytest.mark.parametrize(
    ("text", "argument"), [("~seed", "~seed"), ("~seed=3", "~seed=3"), ("~terrain", "~terrain"), ("~a.b", "~a.b")]
)
def test_delete_override(text: str, argument: str) -> None:
    override = parse(text)
    assert (override.kind, argument_of(override)) == (OverrideKind.DELETE, argument)


def test_options_of_a_group_are_merged() -> None:
    overrides = parse_overrides(["+opt=wandb", "+opt=[vr,wandb]", "seed=1", "+terrain=flat"], GROUPS)
    assert group_choices(overrides, "opt") == ["wandb", "vr"]
    assert group_choices(overrides, "opt", ["pelvis"]) == ["pelvis", "wandb", "vr"]
    assert group_choices(overrides, "robot") == []


@pytest.mark.parametrize(
    "text", ["seed=1,2", "seed=choice(1,2)", "seed=range(1,5)", "lr=interval(0,1)", "+robot=amp,smpl"]
)
def test_sweep_is_refused(text: str) -> None:
    error = refusal(text)
    assert "sweep" in error.message
    assert error.hint == f"\"{text.split('=', maxsplit=1)[0].lstrip('+')}='...'\""


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("seed", 4),
        ("seed=[1,2", 9),
        ("name='open", 5),
        ("name=a=b", 6),
        ("path=C:\\Program Files (x86)", 21),
        ("path=(a", 5),
        ("key=a}b", 5),
        ("a b=c", 1),
        ("key=a&b", 5),
        ("key='a'b", 7),
        ("名=1", 0),
        ("name=走路", 5),
        ("seed=1)", 6),
    ],
)
def test_syntax_error_has_a_caret_under_the_position(text: str, place: int) -> None:
    error = refusal(text)
    reason, line, caret = error.message.split("\n")
    assert reason.startswith("Hydra cannot parse this override: ")
    assert " expecting " not in reason
    assert line == f"  {text}"
    assert caret == f"  {' ' * place}^"
    assert (error.subject, error.exit_code) == (text, 2)


@pytest.mark.parametrize("text", ["=3", "+=3", "++=3", ""])
def test_override_without_a_key_is_refused(text: str) -> None:
    refusal(text)


def test_parser_is_not_used_without_overrides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmlaunch.generations.v2.overrides._parsed", _forbidden)
    assert parse_overrides([], GROUPS) == []


TEXTS = ("seed=3", "+opt=[vr,wandb]", "~terrain", "map={a:[1,null]}", "name='走路'", "+terrain@env=flat", "x=")


def test_cached_overrides_equal_parsed_ones_without_importing_hydra(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = parse_overrides(TEXTS, GROUPS)
    monkeypatch.setattr("pmlaunch.generations.v2.overrides._parsed", _forbidden)
    monkeypatch.setitem(__import__("sys").modules, "hydra", None)  # importing Hydra would fail
    assert parse_overrides(TEXTS, GROUPS) == fresh
    assert parse_overrides(TEXTS, reversed(GROUPS)) == fresh


@pytest.mark.parametrize(("texts", "groups"), [(TEXTS[1:], GROUPS), (TEXTS, GROUPS[1:]), (TEXTS, ("robot", *TEXTS))])
def test_cache_misses_for_other_overrides_or_groups(
    texts: tuple[str, ...], groups: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    parse_overrides(TEXTS, GROUPS)
    monkeypatch.setattr("pmlaunch.generations.v2.overrides._parsed", _forbidden)
    with pytest.raises(AssertionError, match="parsed again"):
        parse_overrides(texts, groups)


def test_errors_are_not_cached() -> None:
    assert refusal("seed=(").message == refusal("seed=(").message


def _forbidden(*_: object) -> None:
    raise AssertionError("parsed again")
