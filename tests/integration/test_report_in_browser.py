"""Reports in Chromium, from file://: they play, scrub, sort and switch motions without an error or a request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import pmlaunch.reporting.page as page_module
from foreign_readers import MM, in_axes, read_bvh, read_glb
from pmlaunch.motions.recorded_motion import read_saved, write_saved
from pmlaunch.reporting.report import report_of_runs, view_of_motion, write_report
from pmlaunch.sweeping.model import Reference, Suite
from pmlaunch.sweeping.report import report_of_sweep
from recorded_runs import SHARED, write_run
from sweep_folders import make_sweep

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Position

FALL, TURN, WALK = "fall", "turn", "walk"
PARTS = {"policy": "positions", "reference": "reference"}


@dataclass
class Seen:
    """A page, what its console said, and what it asked for."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.page.evaluate("pmlaunchPlayer.state()")
        return state

    def wait(self, condition: str) -> None:
        """Wait until a JavaScript condition holds. Playwright's own waiting evaluates text, which the policy forbids."""
        for _ in range(600):
            if self.page.evaluate(f"Boolean({condition})"):
                return
            self.page.wait_for_timeout(50)
        pytest.fail(f"never: {condition}")

    def names(self) -> list[str]:
        return self.page.locator("#table tbody th").all_inner_texts()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    path = folder / "report of ü & 100%.html"
    write_report(path, report_of_runs([write_run(folder / "run", [WALK, TURN, FALL], falls=[FALL])]))
    return path


@pytest.fixture(scope="module")
def sweep_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweep")
    axes = {
        "model": ("a", "b"),
        "checkpoint": ("epoch_1", "epoch_5"),
        "constraint": ("full_body", "vr"),
        "seed": ("0",),
    }
    path = folder / "sweep.html"
    rows = (
        Reference("1", "ours", {"model": ("a",)}, {"success_rate": 0.9}, "a wiki"),
        Reference("1", "x", values={"y": 1}),
    )
    made = make_sweep(folder / "s", axes, motions=(WALK, TURN, FALL), suite=Suite("A suite", rows, limit=0.5))
    write_report(path, report_of_sweep(made))
    return path


@pytest.fixture
def see(browser: Browser) -> Iterator[Any]:
    opened = []

    def open_page(path: Path, **context: Any) -> Seen:
        page = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True, **context).new_page()
        opened.append(page)
        seen = Seen(page)
        page.on("console", lambda message: seen.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on("request", lambda request: seen.requests.append(request.url))
        page.goto(path.as_uri())
        return seen

    yield open_page
    for page in opened:
        page.context.close()


@pytest.fixture
def seen(see: Any, report: Path) -> Seen:
    made = see(report, reduced_motion="reduce")
    made.wait("globalThis.pmlaunchPlayer?.statistics.first")
    return made  # type: ignore[no-any-return]


def test_opens_without_an_error_or_a_request(seen: Seen, report: Path) -> None:
    assert seen.errors == []
    assert seen.requests == [report.as_uri()]
    assert seen.state()["name"] == FALL  # the worst one
    assert "Lost at" in seen.page.inner_text("#motion-says")


def test_plays_by_itself_and_pauses(see: Any, report: Path) -> None:
    seen = see(report)
    seen.wait("globalThis.pmlaunchPlayer?.state().frame > 10")
    seen.page.keyboard.press(" ")
    assert seen.state()["isPlaying"] is False
    frame = seen.state()["frame"]
    seen.page.wait_for_timeout(200)
    assert seen.state()["frame"] == frame
    assert seen.page.get_attribute("#play", "aria-label") == "Play"


def test_reduced_motion_waits_to_be_started(seen: Seen) -> None:
    assert seen.state()["isPlaying"] is False
    seen.page.click("#play")
    seen.wait("pmlaunchPlayer.state().frame > 3")


def test_scrubs_steps_and_jumps_to_the_failure(seen: Seen) -> None:
    seen.page.fill("#scrub", "100")
    assert seen.state()["frame"] == 100
    seen.page.focus("#stage")
    seen.page.keyboard.press("ArrowRight")
    seen.page.keyboard.press("Shift+ArrowLeft")
    assert seen.state()["frame"] == 91
    seen.page.click("#forward")
    assert seen.state()["frame"] == 92
    seen.page.focus("#stage")
    seen.page.keyboard.press("Home")
    assert seen.state()["frame"] == 0
    assert seen.page.is_visible("#failure")
    seen.page.keyboard.press("l")
    lost_at = float(re.findall(r"Lost at ([\d.]+) s", seen.page.inner_text("#motion-says"))[0])
    assert (seen.state()["frame"] + 1) / 30 == pytest.approx(lost_at, abs=0.006)
    seen.wait("document.querySelector('#readout .lost')")


def test_scrolling_past_the_picture_scrolls_the_page(seen: Seen) -> None:
    box = seen.page.locator("#stage").bounding_box()
    assert box
    seen.page.mouse.move(box["x"] + 50, box["y"] + 150)
    seen.page.mouse.wheel(0, 300)
    seen.wait("scrollY > 100")
    seen.page.focus("#stage")
    before = seen.page.evaluate("scrollY")
    seen.page.mouse.wheel(0, 300)
    seen.page.wait_for_timeout(300)
    assert seen.page.evaluate("scrollY") == before  # it zooms now


def test_curve_and_poses_seek(seen: Seen) -> None:
    box = seen.page.locator("#curve svg").bounding_box()
    assert box
    middle: Position = {"x": 52 + 0.5 * (box["width"] - 62), "y": 60.0}
    seen.page.locator("#curve svg").click(position=middle)
    assert seen.state()["frame"] == pytest.approx(75, abs=2)
    seen.page.locator("#strip g.pose").last.click()
    assert seen.state()["frame"] == 149


def test_sorts_filters_and_switches(seen: Seen) -> None:
    assert seen.names()[0] == FALL
    seen.page.click("th[data-key=name] button")
    assert seen.names() == [FALL, TURN, WALK]
    seen.page.click("th[data-key=name] button")
    assert seen.names() == [WALK, TURN, FALL]
    assert seen.page.get_attribute("th[data-key=name]", "aria-sort") == "descending"
    seen.page.fill("#find", "ur")
    assert seen.names() == [TURN]
    seen.page.click(f"#table >> text={TURN}")
    seen.wait(f"pmlaunchPlayer.state().name === '{TURN}'")
    assert "Tracked" in seen.page.inner_text("#motion-says")
    seen.page.fill("#find", "")
    seen.page.select_option("#show", "false")
    assert seen.names() == [FALL]
    assert seen.page.inner_text("#count") == "1 of 3 motions"
    assert seen.errors == []


def test_picture_changes_with_the_time(seen: Seen) -> None:
    pictures = set()
    for frame in ("0", "60", "120"):
        seen.page.fill("#scrub", frame)
        seen.page.wait_for_timeout(400)
        pictures.add(seen.page.locator("#stage").screenshot())
    assert len(pictures) == 3


def test_theme_follows_the_system_and_the_button(see: Any, report: Path) -> None:
    seen = see(report, color_scheme="dark", reduced_motion="reduce")
    assert seen.page.evaluate("document.documentElement.dataset.theme") == "dark"
    seen.page.click("#theme")
    assert seen.page.evaluate("document.documentElement.dataset.theme") == "light"


def test_downloads(seen: Seen, tmp_path: Path) -> None:
    for label, start in (("Metrics (CSV)", "motion,success"), ("Positions (CSV)", "time [s]")):
        with seen.page.expect_download() as waiting:
            seen.page.click(f"text={label}")
        waiting.value.save_as(tmp_path / "saved.csv")
        assert (tmp_path / "saved.csv").read_text(encoding="utf-8-sig").startswith(start)


def test_positions_in_the_page_are_those_of_the_run(seen: Seen, report: Path, tmp_path: Path) -> None:
    with seen.page.expect_download() as waiting:
        seen.page.click("text=Positions (CSV)")
    waiting.value.save_as(tmp_path / "saved.csv")
    rows = np.loadtxt(tmp_path / "saved.csv", delimiter=",", skiprows=1, encoding="utf-8-sig")
    with np.load(report.parent / "run" / "motion.npz") as arrays:
        np.testing.assert_allclose(rows[:, 1:73], arrays["positions"][:, 2].reshape(150, 72), atol=0.001)
        np.testing.assert_allclose(rows[:, 73:], arrays["reference"][:, 2].reshape(150, 72), atol=0.001)


def test_glb_and_bvh_of_the_page_hold_the_motion(seen: Seen, report: Path, tmp_path: Path) -> None:
    with np.load(report.parent / "run" / "motion.npz") as arrays:
        wanted = {name: in_axes(arrays[key][:, 2], "y") for name, key in PARTS.items()}
        bodies = arrays["body_names"].tolist()
    read: dict[str, Any] = {
        "GLB": read_glb,
        "BVH": lambda path, _: read_bvh(path),
        "BVH (reference)": lambda path, _: read_bvh(path),
    }
    for label, reader in read.items():
        with seen.page.expect_download() as waiting:
            seen.page.click(f"#motion-downloads >> text='{label}'")
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        for part in PARTS if label == "GLB" else ["reference" if "(" in label else "policy"]:
            names, parents, found, fps = reader(path, part)
            assert sorted(names) == sorted(bodies)
            assert parents[names.index("L_Knee")] == "L_Hip"
            assert fps == pytest.approx(30.0, rel=1e-4)
            assert np.linalg.norm(found[:, [names.index(name) for name in bodies]] - wanted[part], axis=-1).max() < MM
    assert {path.name for path in tmp_path.iterdir()} == {"fall.glb", "fall.bvh", "fall-reference.bvh"}
    assert seen.errors == []


def test_what_the_page_cannot_save_names_the_command(see: Any, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [WALK])
    saved = read_saved(run / "motion.npz")
    write_saved(run / "motion.npz", replace(saved, rotations=np.zeros_like(saved.rotations)))
    write_report(tmp_path / "r.html", report_of_runs([run]))
    seen = see(tmp_path / "r.html")
    seen.wait("globalThis.pmlaunchPlayer?.statistics.first")
    assert seen.page.inner_text("#motion-downloads").split("\n")[-1].endswith("pmlaunch export run --to glb")


def test_without_webgl_a_sentence_and_the_figures(see: Any, report: Path) -> None:
    seen = see(report)
    seen.page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    seen.page.reload()
    seen.wait("!document.getElementById('trouble').hidden")
    assert "WebGL" in seen.page.inner_text("#trouble")
    assert seen.names()[0] == FALL


def test_motions_beside_the_page(see: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "INLINE", 10)
    path = tmp_path / "r #1.html"
    write_report(path, report_of_runs([write_run(tmp_path / "run", [WALK, TURN], falls=[TURN])]))
    seen = see(path)
    seen.wait("globalThis.pmlaunchPlayer?.statistics.first")
    seen.page.click(f"#table >> text={WALK}")
    seen.wait(f"pmlaunchPlayer.state().name === '{WALK}'")
    assert seen.errors == []
    (tmp_path / "r #1-001.js").unlink()
    seen.page.reload()
    seen.wait("globalThis.pmlaunchPlayer?.statistics.first")
    seen.page.click(f"#table >> text={WALK}")
    seen.wait("!document.getElementById('trouble').hidden")
    assert "must lie beside this page" in seen.page.inner_text("#trouble")


@pytest.mark.hostile
def test_hostile_names_run_nothing(see: Any, tmp_path: Path) -> None:
    names = ["<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "javascript:alert(1)"]
    path = tmp_path / "r.html"
    write_report(path, report_of_runs([write_run(tmp_path / "<b>run", names, falls=names[:1])]))
    seen = see(path)
    seen.page.on("dialog", lambda dialog: seen.errors.append(dialog.message))
    seen.wait("globalThis.pmlaunchPlayer?.statistics.first")
    assert seen.names()[0] == names[0]
    assert seen.page.locator("#table img, h1 b, #motion-name *").count() == 0
    assert seen.errors == []
    assert seen.page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'hit = 1'}));"
                              "typeof hit") == "undefined"  # the policy stops what is not the page's own  # fmt: skip


def test_thousand_motions_stay_responsive(see: Any, tmp_path: Path) -> None:
    entries = [
        {"motion": f"m{number:04}", "success": number % 7 > 0, "metrics": {"eval/gt_err": number / 1e4}}
        for number in range(1000)
    ]
    path = tmp_path / "r.html"
    write_report(path, report_of_runs([write_run(tmp_path / "run", ["m0003"], metrics={"per_motion": entries})]))
    seen = see(path, reduced_motion="reduce")
    seen.wait("globalThis.pmlaunchPlayer?.statistics.first")
    assert len(seen.names()) == 50
    seen.page.click("#next")
    assert seen.page.inner_text("#page") == "Page 2 of 20"
    took = seen.page.evaluate(
        "(() => { const start = performance.now(); document.querySelector('th[data-key=error] button').click();"
        " document.body.offsetHeight; return performance.now() - start; })()"
    )
    assert took < 1000
    assert seen.names()[0] == "m0000"


def test_view_of_a_motion_file(see: Any, tmp_path: Path) -> None:
    from pmlaunch.demo import MOTIONS

    path = tmp_path / "view.html"
    write_report(path, view_of_motion(MOTIONS / "smpl_humanoid_walk.npy"))
    seen = see(path)
    seen.wait("globalThis.pmlaunchPlayer?.state().frame > 3")
    assert seen.errors == []
    assert not seen.page.is_visible("#ghost")
    assert not seen.page.is_visible("#curve")


def test_fits_a_phone(see: Any, report: Path) -> None:
    seen = see(report, reduced_motion="reduce")
    seen.page.set_viewport_size({"width": 390, "height": 844})
    seen.wait("globalThis.pmlaunchPlayer?.statistics.first")
    assert seen.page.evaluate("document.documentElement.scrollWidth") == 390


def test_print_shows_poses_and_table_without_the_player(seen: Seen) -> None:
    seen.page.emulate_media(media="print")
    assert not seen.page.is_visible("#player")
    assert seen.page.is_visible("#strip svg")
    assert seen.page.is_visible("#table")


def test_sweep_keeps_filters_in_the_address(see: Any, sweep_report: Path) -> None:
    seen = see(sweep_report, reduced_motion="reduce")
    seen.wait("globalThis.pmlaunchPlayer?.statistics.first")
    assert seen.page.url == sweep_report.as_uri()
    assert seen.page.locator("#heat tbody tr").count() == 4
    assert seen.page.locator("#curves svg").count() == 2
    seen.page.select_option("#axes >> select >> nth=2", "b")  # the models
    seen.page.select_option("#measure", "error")
    seen.page.fill("#find", WALK)
    seen.page.click("th[data-key=error] button")
    assert seen.page.locator("#heat tbody tr").count() == 2
    assert seen.page.inner_text("#count") == "4 of 21 cells"
    shown = seen.page.inner_text("#table tbody")
    again = see(Path(sweep_report), reduced_motion="reduce")
    again.page.goto(seen.page.url)
    again.wait("document.getElementById('count').textContent")
    assert again.page.inner_text("#table tbody") == shown
    assert again.page.input_value("#measure") == "error"
    assert again.page.inner_text("#heat tbody") == seen.page.inner_text("#heat tbody")
    assert seen.errors == again.errors == []
    assert all(address.split("#")[0] == sweep_report.as_uri() for address in seen.requests + again.requests)


def test_heat_map_with_the_keyboard(see: Any, sweep_report: Path) -> None:
    seen = see(sweep_report, reduced_motion="reduce")
    seen.wait("globalThis.pmlaunchPlayer?.statistics.first")
    assert seen.page.locator("#heat button[tabindex='0']").count() == 1
    seen.page.focus("#heat button[tabindex='0']")
    for key in ("ArrowDown", "End"):
        seen.page.keyboard.press(key)
    told = seen.page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert told.startswith("a · epoch_5, vr: 3 cells missing.")
    seen.page.keyboard.press("Home")
    told = seen.page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert told.startswith("a · epoch_5, full_body: success ")
    assert "95 % interval" in told
    assert told.endswith("Success: failed if eval/gt_err_max > 0.5 m; whole motions.")
    seen.page.keyboard.press("Enter")
    assert seen.page.inner_text("#count") == "3 of 21 cells"
    seen.wait("location.hash.includes('cell=2')")
    seen.page.click("#all")
    assert seen.page.inner_text("#count") == "21 cells"


def test_two_policies_side_by_side(see: Any, sweep_report: Path) -> None:
    seen = see(sweep_report, reduced_motion="reduce")
    seen.wait("globalThis.pmlaunchPlayer?.statistics.first")
    seen.page.select_option("#two", index=2)
    seen.wait("pmlaunchPlayer.state().sides.length === 2")
    names = [seen.page.inner_text(f"#{place} .side") for place in ("legend", "readout")]
    assert names[0] != names[1]
    left, right = seen.page.evaluate("pmlaunchPlayer.state().sides")
    assert f"play={left}-{right}" in seen.page.url
    again = see(sweep_report, reduced_motion="reduce")
    again.page.goto(seen.page.url)
    again.wait("pmlaunchPlayer?.state().sides.length === 2")
    seen.page.fill("#scrub", "100")
    assert seen.state()["frame"] == 100
    seen.page.select_option("#two", "-1")
    seen.wait("pmlaunchPlayer.state().sides.length === 1")
    assert seen.errors == []


def test_sweep_fits_a_phone_and_prints(see: Any, sweep_report: Path) -> None:
    seen = see(sweep_report, reduced_motion="reduce")
    seen.page.set_viewport_size({"width": 390, "height": 844})
    seen.wait("globalThis.pmlaunchPlayer?.statistics.first")
    assert seen.page.evaluate("document.documentElement.scrollWidth") == 390
    measured = seen.page.locator("#published tbody tr >> nth=0 >> td >> nth=1").bounding_box()
    assert measured["x"] + measured["width"] <= 390, "the measured value is beside the published one without scrolling"
    assert seen.page.locator("#published tbody td.none").first.inner_text() == "not measured"
    seen.page.emulate_media(media="print")
    assert not seen.page.is_visible("#axes")
    assert seen.page.is_visible("#heat")


@pytest.mark.hostile
def test_hostile_names_and_addresses_of_a_sweep_run_nothing(see: Any, tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    folder = make_sweep(tmp_path / "s", {"model": (hostile, "b"), hostile: (hostile, "y")}, motions=(hostile,))
    write_report(tmp_path / "r.html", report_of_sweep(folder))
    seen = see(tmp_path / "r.html", reduced_motion="reduce")
    seen.page.on("dialog", lambda dialog: seen.errors.append(dialog.message))
    for address in (
        "find=%3Cimg%20src=x%20onerror=alert(1)%3E",
        "play=99-x&sort=__proto__&cell=constructor.a&columns=q",
    ):
        seen.page.goto(f"{seen.page.url.split('#')[0]}#{address}")
        seen.wait("globalThis.pmlaunchPlayer?.statistics.first")
    assert seen.page.locator("main img").count() == 0
    assert hostile in seen.page.inner_text("#heat thead")
    assert seen.errors == []


@pytest.mark.skipif(SHARED is None, reason="skipped: the real run is not beside this checkout")
def test_real_fall(see: Any, tmp_path: Path) -> None:
    assert SHARED is not None
    path = tmp_path / "fall.html"
    write_report(path, report_of_runs([SHARED]))
    seen = see(path, reduced_motion="reduce")
    seen.wait("globalThis.pmlaunchPlayer?.statistics.first")
    assert seen.page.inner_text("h1") == "Lost 1 of 1 motions. Mean error 2.52 m, 91.1 degrees."
    assert seen.page.inner_text("#motion-says").startswith("Lost at 1.23 s.")
    assert "L_Hand" in seen.page.inner_text("#motion-says")
    assert seen.page.locator("#curve text.lost").text_content() == "lost at 1.23 s"
    assert seen.errors == []
