"""Whatever a library holds, it is refused or upstream's reader can read what the run gets.

`reads` and `reads_3` ask of a library what the readers of ProtoMotions 2 and 3 ask of it.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.registry import GENERATIONS
from pmlaunch.model import Generation, MotionInfo

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.sampled_from([10**400, 0.5, -0.5, math.nan, math.inf, "", "1", "soon"]),
    st.lists(st.integers(0, 2), max_size=2),
)
TIMINGS = st.one_of(VALUES, st.dictionaries(st.sampled_from(["start", "end"]), VALUES))
PIECE = {
    "idx": VALUES,
    "weight": st.one_of(st.just(1.0), VALUES),
    "timings": TIMINGS,
    "labels": VALUES,
    "ref_respawn_offset": VALUES,
}
PIECES = st.lists(st.fixed_dictionaries({}, optional=PIECE), max_size=3)
ENTRY = st.fixed_dictionaries(
    {"file": st.sampled_from(["a.npy", "b.npy"])},
    optional={**PIECE, "fps": VALUES, "sub_motions": st.one_of(VALUES, PIECES)},
)


def reads(library: dict[str, Any]) -> bool:
    """Whether the reader of ProtoMotions 2 gets to the end of the library."""
    try:
        count = 0
        for item in sorted(library["motions"], key=lambda item: int(item["idx"]) if "idx" in item else 10**6):
            pieces = item.get("sub_motions", [{**item, "idx": count}])
            for piece in sorted(pieces, key=lambda piece: int(piece["idx"])):
                timings = piece.get("timings", {"start": 0, "end": -1})
                assert piece["weight"] >= 0
                assert piece["idx"] == count
                round(timings["start"] * 30.0), int(timings["end"] * 30.0)
                assert isinstance(piece.get("labels", []), (list, str))
                assert math.isfinite(float(piece.get("ref_respawn_offset", 0)))
                assert item.get("fps") is None or item["fps"] > 0
                count += 1
    except (AssertionError, KeyError, TypeError, ValueError, OverflowError):
        return False
    return count > 0


def reads_3(library: dict[str, Any]) -> bool:
    """Whether the reader of ProtoMotions 3 gets to the end of the library."""
    return all(
        isinstance(item["file"], str) and math.isfinite(float(item.get("weight", 1.0))) for item in library["motions"]
    )


def info(path: Path) -> MotionInfo:
    return MotionInfo(path.stem, path, frames=301, fps=30.0, seconds=10.0)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=st.lists(ENTRY, min_size=1, max_size=3))
def test_run_gets_a_library_that_upstream_reads(tmp_path: Path, entries: list[dict[str, Any]]) -> None:
    path = tmp_path / "l.yaml"
    path.write_text(yaml.safe_dump({"motions": entries}), encoding="utf-8")
    codes: set[str] = set()
    for generation, read_by in ((Generation.V2, reads), (Generation.V3, reads_3)):
        program = GENERATIONS[generation].program
        try:
            found = list(program.read_library(path, info))
        except PmlaunchError as error:
            codes.add(error.code)
            continue
        assert read_by(yaml.safe_load(program.library_text(found)))
        if all(entry.as_upstream_reads for entry in found):
            assert read_by({"motions": entries})
    assert codes <= {"PML120", "PML016"}
