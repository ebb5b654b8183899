"""How much pmlaunch adds: its start, the config check, the launch, the log. Paired with what it is compared to.

    python benchmarks/startup.py [--checkout DIR] [--repeat N]

Run it with the Python of an environment that has pmlaunch. Each pair is run N times in turn, so that both meet
the same weather; the figures are medians, the ratio is that of the medians. `--checkout` is a ProtoMotions 2.x
checkout (default: PMLAUNCH_PROTOMOTIONS); without one the two config rows are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.model import FLAG, Generation

BARE_TYPER = """
import typer
app = typer.Typer()
@app.command()
def main(): print("bare 0.1.0")
app()
"""
# What anyone would write to look at the config that a run will have.
BARE_COMPOSE = """
import sys
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
OmegaConf.register_new_resolver("eval", eval)
OmegaConf.register_new_resolver("len", len)
config_dir, trained, overrides = sys.argv[1], sys.argv[2], sys.argv[3:]
with initialize_config_dir(config_dir, version_base="1.1"):
    composed = compose(overrides=overrides)
config = OmegaConf.load(trained)
config = OmegaConf.merge(OmegaConf.merge(config, config.eval_overrides), composed)
OmegaConf.resolve(config)
print(len(config))
"""
WRITER = "import sys\nfor i in range(1_000_000): print('line', i, 'of a simulator that has much to say about itself')\n"


@dataclass(frozen=True)
class Row:
    """One comparison: seconds of pmlaunch and of the other, medians; `limit` on their ratio or difference."""

    what: str
    seconds: float
    other: float
    limit: float
    difference: bool = False

    def __str__(self) -> str:
        figure = self.seconds - self.other if self.difference else self.seconds / self.other
        ratio = f"{figure:.2f} x (limit {self.limit:g} x)"
        shown = f"+{figure:.3f} s (limit {self.limit:g} s)" if self.difference else ratio
        verdict = "ok" if figure <= self.limit else "OVER"
        return f"{self.what:<52} {self.seconds:7.3f} s {self.other:7.3f} s  {shown:<26} {verdict}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkout", type=Path, default=os.environ.get("PMLAUNCH_PROTOMOTIONS"))
    parser.add_argument("--repeat", type=int, default=11)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = list(version(options.repeat))
        if options.checkout:
            rows += config(Path(options.checkout).resolve(), Path(folder), options.repeat)
        rows += launch(Path(folder), max(options.repeat // 2, 3))
        rows += lines(Path(folder), max(options.repeat // 2, 3))
    print(f"{'':<52} {'pmlaunch':>9} {'other':>9}")
    for row in rows:
        print(row)


def version(repeat: int) -> list[Row]:
    ours = [sys.executable, "-m", "pmlaunch", "--version"]
    mine, other = paired(lambda: call(ours), lambda: call([sys.executable, "-c", BARE_TYPER]), repeat)
    return [Row("--version / a bare typer app", mine, other, 1.3)]


def config(checkout: Path, folder: Path, repeat: int) -> list[Row]:
    """The dry run with its whole check against a bare script; first with nothing remembered, then again."""
    command = [sys.executable, "-m", "pmlaunch", "eval", "maskmimic", "--motion", "walk"]
    command += [
        "--protomotions",
        str(checkout),
        "--target-os",
        "windows",
        "--dry-run",
        "--json",
        "--no-check",
        "PML101",
    ]
    planned = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["data"]["plan"]
    trained = Path(planned["checkpoint"]).parent / "config.yaml"
    bare = [sys.executable, "-c", BARE_COMPOSE, str(checkout / "protomotions" / "config"), str(trained)]
    bare += planned["overrides"]
    cold, other = paired(lambda: call(command, PMLAUNCH_CACHE="off"), lambda: call(bare), repeat)
    kept = str(folder / "cache")
    call(command, PMLAUNCH_CACHE=kept)
    warm, again = paired(lambda: call(command, PMLAUNCH_CACHE=kept), lambda: call(bare), repeat)
    return [
        Row("dry run, config checked / bare compose+merge+resolve", cold, other, 1.1),
        Row("the same again, nothing changed", warm, again, 0.3),
    ]


def launch(folder: Path, repeat: int) -> list[Row]:
    """From "start" to the child's first line, through the agent, against the same script started directly."""
    script = folder / "clock.py"
    script.write_text("import time; print(time.time(), flush=True)\n", encoding="utf-8")
    return [Row("launch: start to the child's first line", *_launch(script, folder, repeat), 0.5, difference=True)]


def _launch(script: Path, folder: Path, repeat: int) -> tuple[float, float]:
    def through() -> float:
        begin = time.time()
        record = run_script(script, folder)
        return float((Path(record) / "output.log").read_text().split()[0]) - begin

    def directly() -> float:
        begin = time.time()
        done = subprocess.run([sys.executable, str(script)], check=True, capture_output=True, text=True)
        return float(done.stdout.split()[0]) - begin

    return paired(through, directly, repeat)


def lines(folder: Path, repeat: int) -> list[Row]:
    """A child that writes a million lines, run by pmlaunch, against the same child into a file."""
    script = folder / "writer.py"
    script.write_text(WRITER, encoding="utf-8")

    def through() -> float:
        begin = time.perf_counter()
        run_script(script, folder)
        return time.perf_counter() - begin

    def into_file() -> float:
        begin = time.perf_counter()
        with (folder / "lines.txt").open("wb") as file:
            subprocess.run([sys.executable, str(script)], check=True, stdout=file)
        return time.perf_counter() - begin

    mine, other = paired(through, into_file, repeat)
    return [Row("1,000,000 lines, run to record / into a file", mine, other, 1.2)]


def run_script(script: Path, folder: Path) -> Path:
    """Run any script as an evaluation's program; returns the run folder."""
    from pmlaunch.cli.live.run_display import RunDisplay
    from pmlaunch.model import LaunchPlan
    from pmlaunch.planning.launch import agent_environment
    from pmlaunch.running.run import run_plan
    from pmlaunch.runtimes.interface import python_runtime
    from pmlaunch.support.platforms import platform_named

    platform, runtime = platform_named(None), python_runtime(sys.executable, FLAG)
    plan = LaunchPlan(
        model="benchmark", robot=None, simulator="none", terrain=None, checkpoint=script, motions=(), overrides=(),
        command=runtime.command(), env=agent_environment(platform, runtime, os.environ), cwd=folder, script=script,
        import_path=(), python_path=(), ddp_backend=None, runtime=runtime.facts, provenance={},
        platform=platform.name, foreign=False, generation=Generation.V2, headless=False, max_steps=None, timeout=None,
        silence=None, runs=folder / "runs",
    )  # fmt: skip
    return run_plan(plan, (), RunDisplay(plan)).folder


def paired(one: Callable[[], float], other: Callable[[], float], repeat: int) -> tuple[float, float]:
    """Medians of `repeat` runs of each, in turn, after one of each that does not count."""
    one(), other()
    pairs = [(one(), other()) for _ in range(repeat)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def call(command: list[str], **variables: str) -> float:
    """Seconds of a command that succeeds."""
    # an installed pmlaunch has its bytecode beside it, as everything that it is compared to
    environment: Mapping[str, str] = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", **variables}
    begin = time.perf_counter()
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
