"""Files that stand for more than they hold, or are no files, end with one sentence: in time and without memory."""

from __future__ import annotations

import io
import os
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from unit_help import OVERRIDES, report_on, with_line

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.v2.compose import config_report
from pmlaunch.generations.v3.checkout import v3_checkout
from pmlaunch.git.lfs_pointer import read_pointer
from pmlaunch.git.queries import read_head
from pmlaunch.installing.python.outstanding import _with_included
from pmlaunch.model import Origin, Source
from pmlaunch.motions.outline import MAX_BYTES
from pmlaunch.motions.poselib_file import read_file
from pmlaunch.motions.readers import read_outline
from pmlaunch.motions.recorded_motion import read_saved
from pmlaunch.support.files import open_ordinary, read_bytes
from pmlaunch.support.json import read_json
from soon import soon
from standin3 import make_library

pytestmark = pytest.mark.hostile
PIPES = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="not applicable: Windows has no such pipes")
DOUBLING = [f"z{n}: '${{z{n - 1}}}${{z{n - 1}}}'" for n in range(1, 40)]
COPYING = [f"z{n}: {{p: '${{z{n - 1}}}', q: '${{z{n - 1}}}'}}" for n in range(1, 40)]


@pytest.fixture(autouse=True)
def _at_once() -> Iterator[None]:
    from hydra import compose  # noqa: F401 (its import takes seconds on a busy machine, and is not what is tested)

    with soon():
        yield


@pytest.fixture
def _small() -> Iterator[None]:
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200_000_000


@PIPES
def test_special_files_are_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(OSError, match="not a regular file"):
            open_ordinary(path)
        with pytest.raises(OSError, match="not a regular file"):
            read_pointer(path)
        with pytest.raises(PmlaunchError, match=r"not a regular file|a folder|a pipe"):
            read_outline(path.rename(path.with_suffix(".npy")))
        assert read_json(path.with_suffix(".npy")) is None


def test_large_files_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.npy"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(OSError, match="larger than 10 bytes"):
        read_bytes(path, 10)
    with pytest.raises(PmlaunchError, match=f"larger than {MAX_BYTES} bytes"):
        read_file(path)


@pytest.mark.parametrize("lines", [["z0: aaaa", *DOUBLING], [*DOUBLING[::-1], "z0: aaaa"], ["z0: {a: 1}", *COPYING]])
def test_interpolations_that_double_are_not_resolved(config: Path, lines: list[str]) -> None:
    (finding,) = report_on(with_line(config, "\n".join(lines))).findings
    assert (finding.code, "expand to more values" in finding.message) == ("PML109", True)


@pytest.mark.parametrize(
    "line",
    [
        "x: '" + "${" * 300 + "a" + "}" * 300 + "'",
        "x: ${eval:'9**9**9**9'}",
        "x: [" + "1," * 30_000 + "1]",
        "x: &x [*x]",
    ],
)
def test_other_bombs_in_a_config_are_one_sentence(config: Path, line: str) -> None:
    findings = report_on(with_line(config, line)).findings
    assert [finding.code for finding in findings] in (["PML107"], ["PML109"])
    assert len(findings[0].message) < 700


@PIPES
def test_pipe_among_the_groups_is_not_left_to_hydra(config: Path) -> None:
    folder = config.parents[4] / "protomotions/config"
    os.mkfifo(folder / "robot" / "pipe.yaml")
    (finding,) = config_report(folder, config, OVERRIDES, []).findings
    assert (finding.code, "not a regular file" in finding.message) == ("PML109", True)


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("name", ["motion.npz", "walk.motion", "packed.pt"])
def test_archives_that_inflate_are_refused(tmp_path: Path, name: str, method: int) -> None:
    path = tmp_path / name
    with zipfile.ZipFile(path, "w", method) as archive:
        for entry in ("a/data.pkl",) if name != "motion.npz" else ("positions.npy",):
            with archive.open(entry, "w", force_zip64=True) as file:
                for _ in range(80):
                    file.write(bytes(1 << 20))
    with pytest.raises((PmlaunchError, ValueError)):
        (read_saved if name == "motion.npz" else read_outline)(path)


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("shape", [(10**12,), (-5,), (2**62, 4)])
def test_arrays_of_a_huge_declared_shape_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
    (tmp_path / "walk.npy").write_bytes(header.getvalue())
    with pytest.raises(PmlaunchError, match="is not a motion"):
        read_outline(tmp_path / "walk.npy")
    with zipfile.ZipFile(tmp_path / "motion.npz", "w") as archive:
        archive.writestr("positions.npy", header.getvalue())
    with pytest.raises(ValueError, match="shape"):
        read_saved(tmp_path / "motion.npz")


@pytest.mark.usefixtures("_small")
def test_archive_with_a_huge_directory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "packed.pt"
    make_library(path, 3, {"a": 1.0}, fps=30)
    content = path.read_bytes()
    size = (200 << 20).to_bytes(4, "little")
    end = content.rindex(b"PK\x05\x06")
    path.write_bytes(content[:end] + bytes(1000) + content[end : end + 12] + size + content[end + 16 :])
    with pytest.raises(PmlaunchError):
        read_outline(path)


@pytest.mark.parametrize(
    "mjcf",
    [
        b"<mujoco><worldbody>" + b'<body name="a">' * 50_000 + b"</body>" * 50_000 + b"</worldbody></mujoco>",
        b'<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><mujoco>&b;</mujoco>',
        b"\xff\xfe<",
    ],
)
def test_robots_files_that_nest_or_multiply_are_no_robots(checkout3: Path, mjcf: bytes) -> None:
    (checkout3 / "protomotions/data/assets/mjcf/g1.xml").write_bytes(mjcf)
    checkout = v3_checkout(checkout3, Source(Origin.DEFAULT, "here"))
    assert not checkout.body_positions("g1")
    assert list(checkout.pointer_meshes("g1")) == []


def test_requirements_that_include_each_other_are_read_once(tmp_path: Path) -> None:
    for n in range(40):
        (tmp_path / f"r{n}.txt").write_text(f"-r r{n + 1}.txt\n-r ./r{n + 1}.txt\nname{n}\n", encoding="utf-8")
    (tmp_path / "r40.txt").write_text("last\n", encoding="utf-8")
    assert _with_included(tmp_path, tmp_path / "r0.txt", (), set()).split().count("last") == 1


@pytest.mark.parametrize(
    "head", [b"ref: refs/heads/a\0b", b"ref: " + b"x" * 10_000, b"\xff\xfe", b"ref: ../../../../etc/passwd"]
)
def test_odd_heads_name_no_commit(tmp_path: Path, head: bytes) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/HEAD").write_bytes(head)
    found = read_head(tmp_path)
    assert found is None or found.commit is None
