"""Feed mutated files to every reader of foreign data: `python scripts/fuzz.py --seconds 3600 [--seed N] [READER ...]`.

A reader may refuse what it is given (PmlaunchError, or what it documents). Anything else is a crash; more than 2 s of CPU
is a hang; more than 200 MB of memory above the start is a bomb. Every such input is saved below --save with its reader's
name, and `--replay FILE` runs it again. The mutations depend on --seed alone. Run it with the demo extra installed.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import pickle
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType

import numpy as np

import pmlaunch
from pmlaunch.catalog.motions import read_info
from pmlaunch.catalog.presets import presets
from pmlaunch.cli.pasted import translate
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.find import find_checkout
from pmlaunch.generations.source_names import SourceNames
from pmlaunch.generations.v2 import motion_library as library2
from pmlaunch.generations.v2.arithmetic import NotArithmeticError, evaluate
from pmlaunch.generations.v2.compose import config_report
from pmlaunch.generations.v2.overrides import parse_overrides
from pmlaunch.generations.v3 import FROZEN_CONFIGS
from pmlaunch.generations.v3 import motion_library as library3
from pmlaunch.generations.v3.assignments import parse_assignments
from pmlaunch.generations.v3.checkout import v3_checkout
from pmlaunch.generations.v3.frozen_configs import read_frozen, training
from pmlaunch.git.lfs_pointer import read_pointer
from pmlaunch.git.progress import git_progress
from pmlaunch.git.queries import read_head, setting_in_files
from pmlaunch.git.repository import find_repository
from pmlaunch.installing.python.outstanding import _with_included
from pmlaunch.installing.python.requirements import TargetEnvironment, requirements_for
from pmlaunch.model import Generation, Origin, Source
from pmlaunch.motions.poselib_motion import read_motion
from pmlaunch.motions.readers import read_outline
from pmlaunch.motions.recorded_motion import SavedMotion, read_saved, write_saved
from pmlaunch.motions.torch_file import tensor_file
from pmlaunch.running.agent_reports import EventTail, agent_result
from pmlaunch.running.diagnosis import diagnose_exception
from pmlaunch.running.metrics import metrics_findings, read_metrics
from pmlaunch.running.probe_reply import ProbeReply
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.runtimes.python_files import version_of_prefix
from pmlaunch.settings import Settings
from pmlaunch.support.json import from_json, read_mapping, to_json
from pmlaunch.support.torch_pickles import UnverifiableError, calls_of
from pmlaunch.support.yaml_file import yaml_mapping

CPU_S, MEMORY_KB = 2.0, 200_000
_DEMO = Path(pmlaunch.__file__).parent / "demo"
_MOTION = next(_DEMO.glob("data/motions/*.npy"))
_TRAINED = next(_DEMO.rglob("config.yaml"))
_SOURCE = Source(Origin.DEFAULT, "fuzz")
_TOKENS = (
    *(b"&a ", b"*a", b"${", b"${a}", b"<<: *a", b"!!python/object/apply:os.system", b"? ", b"- ", b"[", b"{", b"]", b"}", b": "),
    *(b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n", b"\\u0000", b"\\ud800", b"\x1b[2J", b"NaN", b"-Infinity", b"1e999"),
    *(b"9" * 400, b"-1", b"null", b"\x80\x04", b"\x93", b"cos\nsystem\n", b"R.", b"b."),
    *(b"\x95" + b"\xff" * 8, b"\x8e" + b"\xff" * 8),
    *(b"PK\x05\x06", b"PK\x06\x07", b"\x93NUMPY\x02\x00", b"../", b"//host/share", b"ref: refs/heads/", b"-r ", b"--output=x"),
    *(b"size 99999999999999999999", b"<!ENTITY a \"b\">", b"<body>", b"(" * 200, b"[" * 600, b"999999999"),
)  # fmt: skip
Read = Callable[[Path], object]


@dataclass(frozen=True)
class Reader:
    """A reader of one file: how the file is called, valid contents, and what is done with its path."""

    name: str
    seeds: tuple[bytes, ...]
    read: Read
    refuses: tuple[type[Exception], ...] = ()


@dataclass
class Result:
    """How often each reader was tried, and how often each trouble was found."""

    cases: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)


class HangError(BaseException):
    """A case took too much CPU."""


def _library(read: Callable[..., Iterator[object]], path: Path) -> object:
    return list(read(path, partial(read_info, available=())))


def _settings(path: Path) -> object:
    settings = Settings(path.parent)
    return [settings.get(key) for key in ("python", "num_envs", "timeout", "headless", "runs", "protomotions")]


def _config(path: Path) -> object:
    return config_report(_DEMO / "config", path, ["+robot=smpl", "+simulator=mujoco"], ["robot"])


def _git(path: Path) -> object:
    root = path.parent.parent
    for name in ("objects", "refs"):
        (path.parent / name).mkdir(exist_ok=True)
    if path.name != "HEAD":
        (path.parent / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
    find_repository(root, above=False)
    return read_head(root), setting_in_files(root, "core", "longpaths", root)


def _robots(path: Path) -> object:
    root = path.parents[3]
    robots = root / "protomotions" / "robot_configs"
    robots.mkdir(parents=True, exist_ok=True)
    (robots / "g1.py").write_text("asset = dict(asset_file_name='g1.xml')\n", encoding="utf-8")
    checkout = v3_checkout(root, _SOURCE)
    return checkout.robots(), checkout.body_positions("g1"), checkout.pointer_meshes("g1")


def _requirements(path: Path) -> object:
    text = _with_included(path.parent, path, (), set())
    return requirements_for(text, Generation.V2, TargetEnvironment({}, "3.11"))


def _events(path: Path) -> object:
    return to_json(EventTail(path).read())


def _metrics(path: Path) -> object:
    measured = read_metrics(RunFolder(path.parent))
    return json.dumps(to_json(measured)), list(metrics_findings(measured))


def _result(path: Path) -> object:
    result = agent_result(read_mapping(path))
    return to_json(result), diagnose_exception({"type": "E", "message": path.read_text("utf-8", "replace")}, [])


def _lines(read: Callable[[str], object], path: Path) -> object:
    return [read(line) for line in path.read_text("utf-8", "replace").splitlines()[:50]]


def _motion_file() -> bytes:
    positions = np.zeros((4, 3, 3), np.float32)
    return tensor_file({"rigid_body_pos": positions, "fps": 30})


def _packed() -> bytes:
    lengths = np.array([1.0, 2.0], np.float32)
    return tensor_file({"gts": np.zeros((4, 3, 3), np.float32), "motion_lengths": lengths})


def _saved() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "motion.npz"
        shape = (4, 1, 3)
        names = ("a", "b", "c")
        saved = SavedMotion(
            np.zeros((*shape, 3)),
            np.zeros((*shape, 4)),
            None,
            30.0,
            names,
            np.array([-1, 0, 1]),
            ("walk",),
            np.array([4]),
        )
        write_saved(path, saved)
        return path.read_bytes()


_RESULT = {
    "status": "finished",
    "exit_code": 0,
    "steps": 5,
    "versions": {"torch": "2"},
    "exception": {"type": "E", "message": "m"},
}
_METRICS = {
    "metrics": {"gt_err": 0.1},
    "common": {"success_rate": 1.0},
    "per_motion": [{"motion": "a", "metrics": {"x": 1}}],
}
_LIBRARY = b"motions:\n- {file: a.npy, fps: 30, idx: 0, sub_motions: [{idx: 0, timings: {start: 0.0, end: 1.0}, weight: 1.0}]}\n"
_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 12\n"
_YAML = b"a: &a [1, 2.5, x]\nb: *a\nc: {d: null, e: '${a}'}\nf: |\n  text\n"


def readers() -> Mapping[str, Reader]:
    """The readers by name. A name is the path of the file, below a folder that is new for every case."""
    arrays, plain = pickle.dumps(np.arange(9.0), 4), pickle.dumps({"a": [1, 2.5, "x", (b"y",)]}, 2)
    with io.BytesIO() as written:
        np.save(written, np.arange(5.0))
        array = written.getvalue()
    found = (
        Reader("config.yaml", (_TRAINED.read_bytes(), _YAML), _config),
        Reader("plain.yaml", (_YAML, _TRAINED.read_bytes()), yaml_mapping),
        Reader("pmlaunch.yaml", (b"python: x\nnum_envs: 4\ntimeout: 5\nheadless: yes\n",), _settings),
        Reader("configs/model/mine.yaml", (b"name: mine\ncheckpoint: x.ckpt\naliases: [a]\n",),
               lambda path: presets("model", ((_SOURCE, path.parents[1]),))),
        Reader("library2.yaml", (_LIBRARY,), partial(_library, partial(library2.read_entries, thinning=library2.Thinning()))),
        Reader("library3.yaml", (_LIBRARY,), partial(_library, library3.read_entries)),
        Reader("walk.npy", (_MOTION.read_bytes()[:20_000], _MOTION.read_bytes(), array), read_motion),
        Reader("walk.motion", (_motion_file(),), read_outline),
        Reader("packed.pt", (_packed(), _motion_file()), lambda path: read_info(path, ())),
        Reader("motion.npz", (_saved(),), read_saved, (ValueError,)),
        Reader("last.ckpt", (_packed(), arrays, plain), calls_of, (UnverifiableError,)),
        Reader(FROZEN_CONFIGS, (_packed(), plain), lambda path: (read_frozen(path), training(path, {}))),
        Reader("resolved_configs_inference.yaml", (_YAML,), lambda path: training(path, {})),
        Reader("protomotions/module.py", (b"class A:\n    pass\n\n\ndef b(): return 1\n",),
               lambda path: SourceNames(path.parents[1]).kinds({"protomotions.module.A", "protomotions.module.b.c"})),
        Reader("protomotions/data/assets/g1.xml",
               (b'<mujoco><worldbody><body name="a" pos="0 0 1"><joint/><body name="b"/></body></worldbody></mujoco>',), _robots),
        Reader("pointer.bin", (_POINTER,), read_pointer),
        Reader("r/.git/HEAD", (b"ref: refs/heads/main\n", b"a" * 40), _git),
        Reader("r/.git/config", (b"[core]\n\tlongpaths = true\n[remote \"origin\"]\n\turl = x\n",), _git),
        Reader("r/.git/packed-refs", (b"# pack-refs with: peeled\n" + b"a" * 40 + b" refs/heads/main\n",), _git),
        Reader("r/.git/commondir", (b"../x\n",), _git),
        Reader(".gitmodules", (b"[submodule \"a\"]\n\tpath = a\n\turl = x\n",),
               lambda path: find_checkout(Settings(path.parent))),
        Reader("requirements_isaaclab.txt",
               (b"torch>=2.5\nlightning==2.5.0.post0\nx @ git+https://h/y\n-r other.txt\n",), _requirements),
        Reader("result.json", (json.dumps(_RESULT).encode(),), _result),
        Reader("events.jsonl", (b'{"event": "step", "t": 1.0}\n{"event": "motion", "done": 1, "of": 2}\n',), _events),
        Reader("metrics.json", (json.dumps(_METRICS).encode(),), _metrics),
        Reader("probe.json", (b'{"python": "3.11", "packages": {"torch": {"version": "2"}}, "imports": {"a": {"ok": true}}}',),
               lambda path: to_json(from_json(ProbeReply, read_mapping(path)))),
        Reader("prefix/pyvenv.cfg", (b"home = /usr\nversion = 3.11.2\n",), lambda path: version_of_prefix(path.parent)),
        Reader("progress.txt", (b"Receiving objects:  50% (5/10), 1.00 MiB | 1.00 MiB/s\r",),
               partial(_lines, lambda line: git_progress(line, "x"))),
        Reader("words.txt", (b"python protomotions/eval_agent.py +robot=smpl motion_file=x.npy\n",),
               partial(_lines, lambda line: translate(line.split()))),
        Reader("overrides2.txt", (b"++a.b='c'\n+opt=[a,b]\n~x\nk={a: 1}\n",),
               partial(_lines, lambda line: parse_overrides([line], ["opt"]))),
        Reader("overrides3.txt", (b"a.b=1\nnum_envs=[1, 2]\n",), partial(_lines, lambda line: parse_assignments([line]))),
        Reader("eval.txt", (b"1+2*(3-4)\n2**10\n",), partial(_lines, evaluate), (NotArithmeticError, ArithmeticError)),
    )  # fmt: skip
    return {reader.name: reader for reader in found}


def mutated(chance: random.Random, seeds: tuple[bytes, ...]) -> bytes:
    """One of the seeds after one to eight changes."""
    content = bytearray(chance.choice(seeds))
    for _ in range(chance.choice((1, 1, 2, 3, 5, 8))):
        at, length = chance.randrange(len(content) + 1), chance.choice((1, 2, 4, 8, 30, 200))
        kind = chance.randrange(8)
        if kind == 0:
            content[at : at + length] = b""
        elif kind == 1:
            content[at:at] = chance.choice(_TOKENS)
        elif kind == 2:
            content[at : at + length] = chance.choice(_TOKENS)
        elif kind == 3:
            content[at : at + 1] = bytes([chance.randrange(256)])
        elif kind == 4:
            content[at:at] = content[at : at + length] * chance.choice((1, 2, 10, 1000))
        elif kind == 5:
            other = chance.choice(seeds)
            start = chance.randrange(len(other) + 1)
            content[at:at] = other[start : start + length * 4]
        elif kind == 6:
            content[at : at + 1] = bytes([content[at] ^ 1 << chance.randrange(8)]) if at < len(content) else b"\xff"
        else:
            del content[at:]
        if len(content) > 8 << 20:
            break
    return bytes(content)


def _hang(_signal: int, _frame: FrameType | None) -> None:
    raise HangError


def trouble_of(reader: Reader, content: bytes, folder: Path) -> str | None:
    """What a case came to, if it is trouble: "hang", "memory", or the exception's type and place."""
    path = folder / reader.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    refused: tuple[type[Exception], ...] = (PmlaunchError, OSError, *reader.refuses)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.setitimer(signal.ITIMER_PROF, CPU_S * 1.5)
    begin = time.process_time()
    try:
        reader.read(path)
    except refused:
        pass
    except HangError:
        return "hang"
    except Exception as error:  # noqa: BLE001 (that is what is looked for)
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}: {str(error)[:80]}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    if time.process_time() - begin > CPU_S:
        return "hang"
    return "memory" if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before > MEMORY_KB else None


def fuzz(chosen: list[Reader], seconds: float, seed: int, save: Path) -> Result:
    """Try mutated contents in turn until the time is over; save what makes trouble, ten inputs of a kind at most."""
    result, end = Result(), time.monotonic() + seconds
    chance = random.Random(seed)  # noqa: S311 (no secret)
    while time.monotonic() < end:
        for reader in chosen:
            content = mutated(chance, reader.seeds)
            folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
            trouble = trouble_of(reader, content, folder)
            shutil.rmtree(folder, ignore_errors=True)
            result.cases[reader.name] += 1
            if trouble is None:
                continue
            kind = f"{reader.name}: {trouble}"
            result.found[kind] += 1
            if result.found[kind] <= 10:
                place = save / reader.name.replace("/", "+")
                place.mkdir(parents=True, exist_ok=True)
                (place / f"{seed}-{sum(result.cases.values())}").write_bytes(content)
                print(kind, flush=True)
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save", type=Path, default=Path("fuzz-findings"))
    parser.add_argument("--replay", type=Path, help="a saved input; its reader is told by the folder's name")
    parser.add_argument("readers", nargs="*", metavar="READER")
    options = parser.parse_args()
    os.environ["PMLAUNCH_CACHE"] = "off"
    signal.signal(signal.SIGPROF, _hang)
    known = readers()
    if options.replay:
        reader = known[options.replay.parent.name.replace("+", "/")]
        print(trouble_of(reader, options.replay.read_bytes(), Path(tempfile.mkdtemp(prefix="fuzz-"))))
        return 0
    chosen = [known[name] for name in options.readers or known]
    result = fuzz(chosen, options.seconds, options.seed, options.save)
    for kind, count in result.found.most_common():
        print(f"{count:6} {kind}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    hangs = sum(count for kind, count in result.found.items() if kind.endswith(": hang"))
    bombs = sum(count for kind, count in result.found.items() if kind.endswith(": memory"))
    crashes = sum(result.found.values()) - hangs - bombs
    print(f"{sum(result.cases.values())} cases, {crashes} crashes, {hangs} hangs, {bombs} over memory, peak {peak} MB")
    return 1 if result.found else 0


if __name__ == "__main__":
    sys.exit(main())
