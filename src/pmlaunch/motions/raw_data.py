"""Recognise motions of other projects, which have to be converted before ProtoMotions can play them."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path

from pmlaunch.support.file_kind import start_of
from pmlaunch.support.files import open_ordinary


class RawFormat(Enum):
    """A format that ProtoMotions cannot play; the value is its display name."""

    AMASS = "AMASS"
    PHC = "PHC"
    HUMANML3D = "HumanML3D"


RAW_SUFFIXES = (".npz", ".pkl")
"""The suffixes of files that are no motion of any generation, but may be raw data."""
_AMASS = {"trans", "poses"}  # with betas and mocap_framerate, which some of its data sets spell otherwise
_PHC = (b"pose_aa", b"root_trans_offset", b"pose_quat_global")  # keys of each motion in its dictionary
_MOST = 1 << 16  # bytes; PHC's first keys stand near the start
# (frames, 263) features or (frames, 22, 3) joints; 251 and 21 are KIT-ML's
_HUMANML3D = re.compile(rb"'descr': '[<>|=]?f[48]'.*'shape': \(\d+, (?:263|251|22, 3|21, 3)\)")


def raw_format(path: Path) -> RawFormat | None:
    """The format of the file at `path`; None if it is none of these. Nothing in it is loaded."""
    from zipfile import BadZipFile  # slow to import, and rarely needed

    from pmlaunch.support.torch_pickles import open_zip

    try:
        start = start_of(path)
        if start.startswith(b"PK"):
            with open_ordinary(path) as file, open_zip(file) as archive:
                return RawFormat.AMASS if {f"{key}.npy" for key in _AMASS} <= set(archive.namelist()) else None
        if start.startswith(b"\x93NUMPY"):
            return RawFormat.HUMANML3D if _HUMANML3D.search(start) else None
        if path.suffix in RAW_SUFFIXES:
            with open_ordinary(path) as file:
                beginning = file.read(_MOST)
            return RawFormat.PHC if any(key in beginning for key in _PHC) else None
    except (OSError, ValueError, NotImplementedError, RuntimeError, BadZipFile):
        pass
    return None
