"""Results are readable on every console: wide or narrow, UTF-8 or not."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pmlaunch.agent.pmlaunch_agent.contract import AGENT_TARGET
from pmlaunch.cli.commands.explain import draw_code
from pmlaunch.cli.render.encoding import can_show, replace_unencodable
from pmlaunch.cli.render.layout import short
from pmlaunch.cli.render.list import draw_list
from pmlaunch.cli.render.plan import draw_plan
from pmlaunch.cli.render.record import draw_record
from pmlaunch.cli.result import CommandResult, show
from pmlaunch.codes import CODES
from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Finding, RunRecord, RunState, Severity
from pmlaunch.planning.plan import Planned
from pmlaunch.support.json import to_json
from standin import smpl_motion


class Screen:
    """A stdout and a stderr with an encoding and a width."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, encoding: str, width: int):
        self._bytes = {name: io.BytesIO() for name in ("stdout", "stderr")}
        self._encoding = encoding
        self._streams: dict[str, io.TextIOWrapper] = {}
        for name, raw in self._bytes.items():
            self._streams[name] = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
            replace_unencodable(self._streams[name])  # as app.run() does
        # not sys itself: pytest restores its own streams between a fixture and its test
        monkeypatch.setattr("pmlaunch.cli.result.sys", SimpleNamespace(**self._streams))
        monkeypatch.setenv("COLUMNS", str(width))

    def text(self, name: str = "stdout") -> str:
        self._streams[name].flush()
        return self._bytes[name].getvalue().decode(self._encoding)


def draw(function: Callable[..., None], *shown: object, findings: Sequence[Finding] = ()) -> None:
    """Show a result that is drawn by `function`."""
    show(CommandResult("any", findings=findings, draw=partial(function, *shown)), as_json=False)


@pytest.fixture(params=["utf-8", "cp936", "ascii"])
def encoding(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[20, 120])
def screen(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, encoding: str) -> Screen:
    return Screen(monkeypatch, encoding, request.param)


def record(tmp_path: Path, state: RunState = RunState.DONE, **more: Any) -> RunRecord:
    given: dict[str, Any] = {
        "seconds": 12.34,
        "steps": 153,
        "steps_per_second": 61.2,
        "metrics": {
            "eval/gt_err": 0.04321,
            "eval/gt_err_min": 0.01,
            "eval/gt_err_max": 0.1,
            "eval/dv_rew": 1.0,
            "fall": 0.0,
        },
        "units": {"eval/gt_err": "m"},
        "repairs": ("mutable_dataclass_defaults: a.B",),
    }
    return RunRecord(tmp_path / "走路", state, 0, "2025-01-02T03:04:05+00:00", **{**given, **more})


FINDING = Finding(
    "PML101", Severity.ERROR, "last.ckpt 走路 ✓ is a pointer", "git lfs pull", "git lfs pull", "last.ckpt"
)


@pytest.mark.parametrize("state", RunState)
def test_record(screen: Screen, tmp_path: Path, state: RunState) -> None:
    draw(draw_record, record(tmp_path, state), findings=[FINDING])
    text = " ".join(screen.text().split())
    assert state.value.replace("_", " ") in text
    assert "12.3 s" in text
    assert ("output.log" in text) == (state is not RunState.DONE)
    assert "error PML101 " in screen.text("stderr")
    assert "next: git lfs pull" in screen.text("stderr")


def test_record_of_a_run_without_results(screen: Screen, tmp_path: Path) -> None:
    draw(draw_record, RunRecord(tmp_path, RunState.ABNORMAL, 8, ""))
    assert "abnormal" in screen.text()


def test_verdict_counts_skipped_motions(screen: Screen, tmp_path: Path) -> None:
    draw(draw_record, record(tmp_path, not_evaluated=("broken", "cut")))
    assert "2 motions not evaluated." in " ".join(screen.text().split())


def test_metrics_have_range_and_unit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    screen = Screen(monkeypatch, "utf-8", 100)
    draw(draw_record, record(tmp_path))
    row = next(line for line in screen.text().splitlines() if "eval/gt_err" in line)
    assert row.split() == ["eval/gt_err", "0.04321", "0.01", "0.1", "m"]
    assert "eval/dv_rew" not in screen.text()


def test_header_tells_extremes_from_their_means(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With several motions, _min and _max are means over the motions, except in 3.x and for the demo's own metrics."""
    motions = [{"motion": name, "success": True, "metrics": {}} for name in "ab"]
    demo = {"demo/root_force_mean": 20.0, "demo/root_force_max": 400.0}
    metrics = {"eval/gt_err": 0.02, "eval/gt_err_min": 0.01, "eval/gt_err_max": 0.03} | demo

    def table(**more: Any) -> list[str]:
        screen = Screen(monkeypatch, "utf-8", 100)
        draw(draw_record, record(tmp_path, **more))
        return [" ".join(line.split()) for line in screen.text().splitlines()]

    several = table(metrics=metrics, evaluation={"per_motion": motions})
    assert "metric value mean of min mean of max unit" in several
    assert {"demo/root_force_mean 20", "demo/root_force_max 400"} <= set(several)
    one = table(metrics=metrics, evaluation={"per_motion": motions[:1]})
    assert {"metric value min max unit", "demo/root_force_mean 20 400"} <= set(one)
    metrics = {f"eval/gt_error/{part}": 0.1 for part in ("mean", "min", "max")}
    assert "metric value min max unit" in table(metrics=metrics, evaluation={"per_motion": motions})


@pytest.mark.parametrize("code", ["PML101", "PML209"])
def test_code(screen: Screen, code: str) -> None:
    draw(draw_code, CODES[code])
    assert code in screen.text()


@pytest.mark.usefixtures("composed_at_once")
def test_plan(screen: Screen, plan: Callable[..., Planned]) -> None:
    planned = plan("tracker", "name='走路 ✓'", "+opt=wandb")
    draw(draw_plan, planned.plan)
    text = screen.text()
    assert "+robot=smpl\n" in text  # a line to copy is never wrapped
    for override in planned.plan.overrides:
        if override.isascii():
            assert f"  {override}\n" in text


def test_plan_shows_what_a_run_adds_and_the_plain_command_lacks(
    monkeypatch: pytest.MonkeyPatch, plan: Callable[..., Planned], tmp_path: Path
) -> None:
    clip = smpl_motion(tmp_path / "mine.npy")

    def shown(**options: Any) -> str:
        screen = Screen(monkeypatch, "utf-8", 100)
        draw(draw_plan, plan(**options).plan)
        return screen.text()

    measured = shown(headless=True, motions=("walk",))
    assert f"  ++agent._target_={AGENT_TARGET}\n" in measured
    assert "It measures, keeps and records nothing" in measured
    assert "needs motions.yaml" not in measured
    assert "needs motions.yaml: save the list above" in shown(headless=True, motions=("walk", str(clip)))
    played = shown(metrics=False, motions=("walk",))
    assert "_target_" not in played
    assert "It measures" not in played


@pytest.mark.usefixtures("composed_at_once")
@pytest.mark.parametrize(("name", "encodings"), [("walk", ["utf-8", "cp936", "ascii"]), ("走路", ["utf-8", "cp936"])])
def test_warning_for_a_line_that_the_console_cannot_show(
    screen: Screen, encoding: str, plan: Callable[..., Planned], name: str, encodings: list[str]
) -> None:
    planned = plan("tracker", f"name='{name}'")
    draw(draw_plan, planned.plan)
    assert screen.text().count("do not paste it; --json has it whole") == (encoding not in encodings)


@pytest.mark.parametrize("name", ["walk", "走路", "e\u0301t", "🚶", "走 é b"])
@pytest.mark.parametrize("code_page", ["cp1252", "ascii", "cp936", "utf-8"])
def test_columns_stay_aligned_in_every_encoding(monkeypatch: pytest.MonkeyPatch, name: str, code_page: str) -> None:
    from rich.cells import cell_len

    screen = Screen(monkeypatch, code_page, 100)
    rows = [{"name": each, "robot": "smpl", "frames": 31} for each in (name, "a_longer_name")]
    draw(draw_list, "motions", None, rows)
    lines = [line for line in screen.text().splitlines() if "smpl" in line]
    assert len({cell_len(line[: line.index("smpl")]) for line in lines}) == 1, lines
    lost = "".join(character for character in name if not can_show(code_page, character))
    assert lines[0].count("?") == cell_len(lost)


LISTS: list[tuple[str, list[dict[str, Any]]]] = [
    ("models", [{"name": "m", "robot": None, "simulator": "isaaclab", "state": "pointer", "size": 303_850_268}]),
    ("models", []),
    ("motions", [{"name": "走路", "robot": "smpl", "frames": 31, "fps": 29.97, "seconds": 1.001, "problem": None}]),
    (
        "motions",
        [
            {"name": it, "problem": {"code": "PML127", "message": "...", "fix": f"pmlaunch fetch x/{it}"}}
            for it in ("a", "走")
        ],
    ),
    ("robots", [{"name": "smpl", "title": "SMPL", "bodies": 24, "actions": 69}]),
    ("simulators", [{"name": "genesis", "title": "Genesis", "runtime": "python", "devices": ["gpu", "cpu"]}]),
    (
        "constraints",
        [{"name": "vr", "parses": True, "problem": None}, {"name": "x", "parses": False, "problem": "a: ["}],
    ),
]


@pytest.mark.parametrize(("kind", "rows"), LISTS)
@pytest.mark.parametrize("root", [None, Path("/a/走路")])
def test_list(screen: Screen, kind: str, rows: list[dict[str, Any]], root: Path | None) -> None:
    draw(draw_list, kind, root, rows)
    text = screen.text()
    assert ("no ProtoMotions checkout here" in text) == (root is None)
    assert (f"no {kind} here" in text) == (not rows)


def test_list_formats_values(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(monkeypatch, "utf-8", 100)
    for kind, rows in LISTS:
        draw(draw_list, kind, None, rows)
    text = screen.text()
    for words in (
        "LFS pointer",
        "304 MB",
        "1.00",
        "29.97",
        "gpu, cpu",
        "yes",
        "PML127 motion is a Git LFS pointer: a, 走",
        "next, for a: pmlaunch fetch x/a",
        "a: [: x",
    ):
        assert words in text


def test_numbers_are_aligned_to_the_right(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(monkeypatch, "utf-8", 100)
    rows = [{"name": "a", "robot": "smpl", "frames": frames, "fps": 30, "seconds": 1.5} for frames in (7, 12345)]
    draw(draw_list, "motions", None, rows)
    short, long = (line for line in screen.text().splitlines() if "smpl" in line)
    assert short.index("7") == long.index("12345") + 4


def test_error_is_not_read_as_markup(screen: Screen) -> None:
    error = PmlaunchError("PML002", "Hydra cannot read [bold]x=[1,2[/bold]\n  x\n  ^", hint="[red]y[/red]")
    show(CommandResult("eval", 2, errors=[error]), as_json=False)
    assert screen.text() == ""
    assert screen.text("stderr").startswith("error PML002 Hydra cannot read [bold]x=[1,2[/bold]\n      x\n      ^\n")
    assert "hint: [red]y[/red]" in screen.text("stderr")


def test_json_is_one_document_in_every_encoding(screen: Screen, encoding: str) -> None:
    result = CommandResult("eval", 4, {"path": "C:\\走路 ✓ \U0001f600"}, [FINDING])
    show(result, as_json=True)
    document = json.loads(screen.text())
    assert document == to_json(result)
    assert screen.text("stderr") == ""
    assert screen.text().isascii() == (encoding != "utf-8")


def test_symbols_are_ascii_on_an_ascii_console(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    screen = Screen(monkeypatch, "ascii", 80)
    draw(draw_record, record(tmp_path, metrics={}, repairs=()))
    assert screen.text().startswith("ok Done. Nothing was measured.\ndone in 12.3 s")


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, "-"),
        (False, "no"),
        ((), "-"),
        (("walk", "wave"), "walk, wave"),
        (tuple(range(1, 9)), "1, 2, 3, 4, and 4 more"),
        (RunState.DONE, "done"),
    ],
)
def test_cell(value: object, cell: str) -> None:
    assert short(value) == cell
