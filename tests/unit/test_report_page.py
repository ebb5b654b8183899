"""The page: what is in it, how large it is, that its policy fits its scripts, and that hostile texts are inert."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import tempfile
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import pmlaunch.reporting.page as page_module
from pmlaunch.cli.app import run as run_cli
from pmlaunch.demo import MOTIONS
from pmlaunch.errors import PmlaunchError
from pmlaunch.motions.recorded_motion import read_saved, write_saved
from pmlaunch.reporting.contents import read_run
from pmlaunch.reporting.downloads import figures_table
from pmlaunch.reporting.page import Page, make_page
from pmlaunch.reporting.report import own_report, report_of_runs, view_of_motion, write_report
from recorded_runs import write_run

HOSTILE = "</script><script>alert(1)</script>\" ' onload=alert(1) <!-- \x00\x1b[31m\u202e\ud800 ]]> {{ 7*7 }} ="
EVENTS = re.compile(r"on\w+", re.IGNORECASE)


class Parsed(HTMLParser):
    """The elements of a page with their attributes, and the texts of scripts and styles."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.raw: list[tuple[str, dict[str, str], str]] = []
        self.texts: list[str] = []
        self._inside: tuple[str, dict[str, str]] | None = None
        self.feed(page.html.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append((tag, given))
        self._inside = (tag, given) if tag in ("script", "style") else None
        if self._inside:
            self.raw.append((*self._inside, ""))

    def handle_data(self, data: str) -> None:
        if self._inside:
            tag, given, text = self.raw.pop()
            self.raw.append((tag, given, text + data))
        else:
            self.texts.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = None

    def script(self, name: str) -> str:
        return next(text for tag, given, text in self.raw if given.get("id") == name)

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.script("data"))
        return data

    @property
    def policy(self) -> str:
        return next(given["content"] for _, given in self.elements if given.get("http-equiv"))


def page_of(*folders: Path) -> Page:
    return make_page(report_of_runs(folders), "report")


def digest(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return page_of(write_run(tmp_path_factory.mktemp("one") / "run", ["walk"]))


def test_one_motion_takes_less_than_350_kilobytes(walk: Page) -> None:
    assert len(walk.html) <= 350_000
    assert walk.beside == {}


def test_twenty_motions_take_less_than_2_megabytes(tmp_path: Path) -> None:
    made = page_of(write_run(tmp_path / "run", [f"clip {number}" for number in range(20)], falls=["clip 7"]))
    assert len(made.html) <= 2_000_000
    assert made.beside == {}
    assert Parsed(made).data["rows"][0][1] == "clip 7"


def test_policy_allows_the_pages_own_scripts_and_nothing_else(walk: Page) -> None:
    parsed = Parsed(walk)
    loader = next(text for tag, given, text in parsed.raw if tag == "script" and not given)
    style = next(text for tag, _, text in parsed.raw if tag == "style")
    code = zlib.decompress(base64.b64decode(parsed.script("code")), -15).decode()
    rules = dict(rule.split(" ", 1) for rule in parsed.policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"{digest(loader)} {digest(code)}"
    assert rules["style-src"] == digest(style)


def test_page_has_no_inline_handler_style_or_address(walk: Page) -> None:
    for tag, attributes in Parsed(walk).elements:
        assert not [name for name in attributes if EVENTS.fullmatch(name) or name in ("style", "src", "srcset")], tag
        assert attributes.get("href", "#").startswith("#"), tag


def test_what_the_vendored_files_are(walk: Page) -> None:
    folder = Path(page_module.__file__).parent / "assets" / "vendor"
    recorded = json.loads((folder / "vendor.json").read_text(encoding="utf-8"))
    for name, expected in recorded["sha256"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == expected, "run scripts/build_viewer.py"
    assert sum(path.stat().st_size for path in folder.glob("*.js")) <= 600_000
    licences = (folder / "LICENSES.txt").read_text(encoding="utf-8")
    assert licences.count("Permission is hereby granted, free of charge") == 2
    assert "three.js authors" in licences.replace("\n", " ")
    assert "three.js authors" in "".join(Parsed(walk).texts)  # every copy carries the notice


def test_page_without_javascript_still_has_verdict_table_and_log(tmp_path: Path) -> None:
    texts = " ".join(" ".join(Parsed(page_of(write_run(tmp_path / "run", ["walk", "turn"], ["turn"]))).texts).split())
    for expected in ("Lost 1 of 2 motions.", "turn", "lost", "torch", "2.7.1", "last line", "eval/gt_err"):
        assert expected in texts


def test_motions_that_do_not_fit_are_beside_the_page_the_worst_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "INLINE", 60_000)
    monkeypatch.setattr(page_module, "_CHUNK", 60_000)
    names = [f"clip {number}" for number in range(8)]
    made = page_of(write_run(tmp_path / "run", names, falls=["clip 5"]))
    data = Parsed(made).data
    inside = [int(number) for number in data["inline"]]
    assert data["rows"][0][1] == "clip 5"
    assert inside == list(range(len(inside)))
    assert 0 < len(inside) < 8
    assert " file:" in Parsed(made).policy
    found = set(inside)
    for number, track in enumerate(data["tracks"]):
        assert (track["file"] is None) == (number in inside)
    for name, content in made.beside.items():
        text = content.decode("ascii")
        assert re.fullmatch(r"report-\d{3}\.js", name)
        assert text.startswith("addMotions({")
        held = json.loads(text.removeprefix("addMotions(").removesuffix(");\n"))
        assert {data["tracks"][int(number)]["file"] for number in held} == {name}
        found |= set(map(int, held))
    assert found == set(range(8))


def test_thousand_rows_with_a_page_of_them_for_readers_without_javascript(tmp_path: Path) -> None:
    entries = [{"motion": f"m{number}", "success": True, "metrics": {"eval/gt_err": 0.01}} for number in range(1000)]
    run = write_run(tmp_path / "run", ["m3"], metrics={"per_motion": entries})
    parsed = Parsed(page_of(run))
    assert len(parsed.data["rows"]) == 1000
    assert sum(tag == "tr" for tag, _ in parsed.elements) < 80


@pytest.mark.hostile
def test_hostile_texts_in_every_field_are_inert(tmp_path: Path) -> None:
    long = HOSTILE + "x" * 10_000
    finding = {"code": long, "severity": long, "message": long, "hint": long}
    documents: dict[str, dict[str, Any]] = {
        "record": {"state": "failed", "exception": {"type": long, "message": long}, "started": long, "asked": {"command": [long]},
                   "seconds": float("nan"), "steps": long, "findings": [finding, "x", {"code": {"a": 1}}]},
        "plan": {"model": long, "robot": [long], "simulator": {"a": long}, "generation": long, "platform": long,
                 "motions": [{"name": long}, long], "measuring": long, "plain_command": {"bash": long},
                 "provenance": {long: {"value": [long] * 50, "source": long}, "b": long}},
        "environment": {"pmlaunch": long, "system": long, "checkout_commit": long},
        "result": {"versions": {long: long, "x": {"y": long}}},
        "metrics": {"metrics": {long: 1.0, "eval/gt_err": float("inf")}, "units": {long: long, "eval/gt_err": long},
                    "notes": [long, 3], "generation": long,
                    "per_motion": [{"motion": long, "success": False, "metrics": {"eval/gt_err": float("nan")}}],
                    "common": {"motions": float("inf"), "failed": [long], "success_rate": float("nan"),
                               "mean_position_error_m": 1e308, "mean_rotation_error_deg": "x"}},
    }  # fmt: skip
    run = write_run(tmp_path / "run", ["walk"], **{name: _ascii(document) for name, document in documents.items()})
    (run / "output.log").write_bytes(HOSTILE.encode("utf-8", "surrogatepass") * 100)
    made = page_of(run)
    parsed = Parsed(made)
    assert [tag for tag, _ in parsed.elements if tag in ("script", "style", "img", "iframe", "link", "object")] == [
        "style", "script", "script", "script",
    ]  # fmt: skip
    assert not any(EVENTS.fullmatch(name) for _, given in parsed.elements for name in given)
    assert "49" not in re.findall(r"\d+", "".join(text for text in parsed.texts if "7*7" in text))
    assert not set("\x00\x1b\u202e") & set(made.html.decode())
    assert len(made.html) < 600_000
    assert parsed.data["rows"][0][1].startswith("</script><script>alert(1)")
    assert figures_table(read_run(run)).decode("utf-8-sig").count("\r\n") == 3


def _ascii(value: Any) -> Any:
    """The document with surrogates as JSON can hold them."""
    return json.loads(json.dumps(value))


def test_run_that_failed_before_it_measured_anything(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ["walk"], record={"state": "failed", "exception": {"message": "no GPU"}})
    for name in ("metrics.json", "motion.npz", "plan.json", "environment.json", "result.json"):
        (run / name).unlink()
    texts = "".join(Parsed(page_of(run)).texts)
    assert "The run failed: no GPU." in texts
    assert "last line" in texts


@pytest.mark.hostile
@pytest.mark.parametrize("content", ["[]", "3", '{"state": ' + "[" * 5000, "\ud800", "{}"])
def test_documents_of_a_wrong_kind_do_no_harm(tmp_path: Path, content: str) -> None:
    run = write_run(tmp_path / "run", ["walk"])
    for name in ("plan", "environment", "result"):
        (run / f"{name}.json").write_text(content, encoding="utf-8", errors="surrogatepass")
    assert b"Tracked 1 of 1" in page_of(run).html


def test_table_of_figures_is_safe_in_a_spreadsheet(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ["=cmd()", "walk"], falls=["=cmd()"])
    lines = figures_table(read_run(run)).decode("utf-8-sig").split("\r\n")
    assert lines[0].startswith("motion,success,failed_at [s],worst_body,eval/gt_err")
    assert lines[1].startswith("'=cmd(),false,1.")
    assert lines[2].startswith("walk,true,,")


def test_rigs_of_the_worst_motions_travel_with_them(tmp_path: Path) -> None:
    subject = report_of_runs([write_run(tmp_path / "r", ["walk", "fall"], falls=["fall"])])
    inline = Parsed(make_page(replace(subject, files=1), "r")).data["inline"]
    assert [part["name"] for part in inline["0"][2][0]["parts"]] == ["policy", "reference"]
    assert inline["1"][2] is None


def test_own_report_of_a_large_motion_reads_no_rotations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_run(tmp_path / "run", ["walk"])
    for largest, has_files in ((10, False), (1 << 30, True)):
        monkeypatch.setattr("pmlaunch.reporting.report._OWN_LARGEST", largest)
        assert own_report(run) == ()
        assert (b'"name": "policy"' in (run / "report.html").read_bytes()) is has_files


def test_rotations_of_another_shape_cost_only_the_files(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r", ["walk"])
    saved = read_saved(run / "motion.npz")
    for rotations in (saved.rotations[:9], saved.rotations[..., :2], saved.rotations[0, 0, 0]):
        write_saved(run / "motion.npz", replace(saved, rotations=rotations))
        assert Parsed(page_of(run)).data["inline"]["0"][2] is None


def test_existing_files_are_kept_unless_forced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = report_of_runs([write_run(tmp_path / "run", ["walk", "turn"])])
    (tmp_path / "a-001.js").write_text("mine", encoding="utf-8")
    monkeypatch.setattr(page_module, "INLINE", 10)
    with pytest.raises(PmlaunchError) as raised:
        write_report(tmp_path / "a.html", subject)
    assert raised.value.code == "PML351"
    assert not (tmp_path / "a.html").exists()
    assert (tmp_path / "a-001.js").read_text(encoding="utf-8") == "mine"
    write_report(tmp_path / "a.html", subject, force=True)
    assert (tmp_path / "a-001.js").read_bytes().startswith(b"addMotions(")


def test_report_that_cannot_be_written(tmp_path: Path) -> None:
    subject = report_of_runs([write_run(tmp_path / "run", ["walk"])])
    with pytest.raises(PmlaunchError) as raised:
        write_report(tmp_path / "none" / "a.html", subject)
    assert raised.value.code == "PML352"


def test_own_report_of_a_run(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ["walk"])
    assert own_report(run) == ()
    assert b"Tracked 1 of 1 motions" in (run / "report.html").read_bytes()


def test_own_report_that_fails_is_a_note(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ["walk"])
    (run / "report.html").mkdir()
    (finding,) = own_report(run)
    assert (finding.code, finding.severity.value) == ("PML352", "note")


def test_own_report_of_a_large_run_leaves_playback_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmlaunch.reporting.report._OWN_LIMIT", 40_000)
    run = write_run(tmp_path / "run", ["a", "b", "c", "d"])
    assert own_report(run) == ()
    assert b"The playback of 2 more motions was left out" in (run / "report.html").read_bytes()


def test_view_of_a_motion_file(tmp_path: Path) -> None:
    made = make_page(view_of_motion(MOTIONS / "smpl_humanoid_walk.npy"), "view")
    parsed = Parsed(made)
    assert parsed.data["runs"] == []
    assert parsed.data["tracks"][0]["reference"] is False
    assert "smpl_humanoid_walk" in parsed.texts
    run = write_run(tmp_path / "run", ["walk", "turn"])
    assert len(Parsed(make_page(view_of_motion(run / "motion.npz"), "view")).data["rows"]) == 2


@pytest.mark.parametrize("name", ["odd.npz", "odd.npy", "odd.motion"])
def test_view_of_what_is_no_motion(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"nothing")
    with pytest.raises(PmlaunchError) as raised:
        view_of_motion(tmp_path / name)
    assert raised.value.code == "PML122"


def test_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    write_run(tmp_path / "runs" / "20260728-1-walk", ["walk"])
    write_run(tmp_path / "runs" / "20260729-1-walk", ["walk"])
    assert run_cli(["report"]) == 0
    assert (tmp_path / "20260729-1-walk.html").is_file()
    assert run_cli(["report"]) == 2
    assert "--force" in capsys.readouterr().err
    assert run_cli(["report", "20260728", "latest", "-o", "two.html", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["data"]["files"] == ["two.html"]
    assert b"Report of 2 runs" in (tmp_path / "two.html").read_bytes()
    assert run_cli(["report", "nothing"]) == 3
    assert run_cli(["report", "-o", "none/x.html"]) == 5
    for wanted in ("latest", "walk", str(MOTIONS / "smpl_humanoid_walk.npy")):
        assert run_cli(["view", wanted, "--no-open", "-o", "view.html", "--force"]) == 0
        assert (tmp_path / "view.html").stat().st_size > 200_000
    assert run_cli(["view", "walk", "--no-open"]) == 0
    assert len(list(tmp_path.glob("pmlaunch-*/view.html"))) == 1
    assert run_cli(["view", "no such thing", "--no-open"]) == 3
