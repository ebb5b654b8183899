"""What reports cost: seconds, bytes and memory to write them for 1, 20 and 1,000 motions, and how fast they play.

    python benchmarks/report.py [--browser] [--motions N ...]

Each run of motions of 5 s at 30 Hz with SMPL's 24 bodies is written in a process of its own. "own" is what a measured
run writes itself, with a limit on the motion in it; "whole" is `pmlaunch report`. With --browser the page is opened in
Chromium with software rendering (needs playwright): time to the first frame, and frames per second while it plays.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
_ONE = """
import json, sys, time
from pathlib import Path
start = time.perf_counter()
from pmlaunch.reporting import report
folder, output = map(Path, sys.argv[1:3])
if output.name == "own.html":
    assert report.own_report(folder) == ()
    made = [folder / "report.html", *folder.glob("report-*.js")]
else:
    report.write_report(output, report.report_of_runs([folder]), force=True)
    made = [output, *output.parent.glob(output.stem + "-*.js")]
seconds, busy = time.perf_counter() - start, time.process_time()
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) // 1024
print(json.dumps([seconds, busy, made[0].stat().st_size, sum(path.stat().st_size for path in made[1:]), len(made) - 1, peak]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--browser", action="store_true", help="also measure playback")
    parser.add_argument("--motions", type=int, nargs="+", default=[1, 20, 1000])
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; the best of {options.repeat}")
    print(
        f"{'motions':>7} {'report':>6} {'s':>6} {'cpu s':>6} {'page kB':>8} {'beside kB':>9} {'files':>5} {'peak MB':>8}"
    )
    with tempfile.TemporaryDirectory() as name:
        for count in options.motions:
            run = make_run(Path(name) / f"run{count}", count)
            for kind in ("own", "whole"):
                page = run / f"{kind}.html"
                seconds, busy, inside, beside, files, peak = min(measure(run, page) for _ in range(options.repeat))
                sizes = f"{inside / 1e3:>8.0f} {beside / 1e3:>9.0f} {files:>5.0f} {peak:>8.0f}"
                print(f"{count:>7} {kind:>6} {seconds:>6.2f} {busy:>6.2f} {sizes}", flush=True)
            if options.browser:
                play(page)


def make_run(folder: Path, count: int) -> Path:
    from recorded_runs import write_run

    names = [f"motion {number:04}" for number in range(count)]
    return write_run(folder, names, falls=names[::7])


def measure(run: Path, page: Path) -> list[float]:
    command = [sys.executable, "-c", _ONE, str(run), str(page)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: list[float] = json.loads(done.stdout)
    return found


def play(page: Path) -> None:
    """Print the time to the first frame and the frames per second over 3 s, once the player has settled."""
    from playwright.sync_api import sync_playwright

    from recorded_runs import CHROMIUM

    arguments = ["--disable-gpu", "--enable-unsafe-swiftshader", "--no-sandbox"]
    with sync_playwright() as started, started.chromium.launch(executable_path=CHROMIUM, args=arguments) as browser:
        for width, height in ((1280, 900), (390, 844)):
            opened = browser.new_page(viewport={"width": width, "height": height})
            opened.goto(page.as_uri())
            while not opened.evaluate("globalThis.pmlaunchPlayer && pmlaunchPlayer.statistics.first"):
                time.sleep(0.02)
            time.sleep(3)
            before, start = opened.evaluate("pmlaunchPlayer.statistics.frames"), time.perf_counter()
            time.sleep(3)
            rate = (opened.evaluate("pmlaunchPlayer.statistics.frames") - before) / (time.perf_counter() - start)
            first = opened.evaluate("pmlaunchPlayer.statistics.first") / 1000
            ratio = opened.evaluate("pmlaunchPlayer.state().ratio")
            print(f"        {width:>4} px: first frame {first:.2f} s, {rate:.0f} frames/s at {ratio:.2f} pixels per pixel, "
                  f"load {os.getloadavg()[0]:.1f}", flush=True)  # fmt: skip
            opened.close()


if __name__ == "__main__":
    main()
