"""CSV and NPZ: positions and rotations of the bodies in the world, as numbers for other programs."""

from __future__ import annotations

import csv
import io

import numpy as np

from pmlaunch.motions.animation import Animation


def csv_table(animations: tuple[Animation, ...], _up: str) -> bytes:
    """Write one row for each frame: time [s], and of each body its position [m] and rotation [xyzw] in the world."""
    (animation,) = animations
    positions, rotations = animation.world()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    columns = [f"{part} [m]" for part in "xyz"] + [f"q{part} [1]" for part in "xyzw"]
    writer.writerow(["time [s]", *(_cell(f"{name} {column}") for name in animation.body_names for column in columns)])
    values = np.concatenate([positions, rotations], axis=-1).reshape(animation.frames, -1)
    for frame, row in enumerate(values.tolist()):
        writer.writerow([f"{frame / animation.fps:.6f}", *(f"{value:.7f}" for value in row)])
    return text.getvalue().encode("utf-8-sig")


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def npz(animations: tuple[Animation, ...], up: str) -> bytes:
    """Write plain arrays, with the prefix `reference_` for a second animation; docs/how-to/export.md describes the keys."""
    first = animations[0]
    arrays = {
        "schema": np.int64(1),
        "fps": np.float64(first.fps),
        "up": np.array(up),
        "body_names": np.array(first.body_names),
        "parents": np.array(first.parents, dtype=np.int64),
    }
    for prefix, animation in zip(("", "reference_"), animations, strict=False):
        positions, rotations = animation.world()
        arrays[f"{prefix}positions"], arrays[f"{prefix}rotations"] = positions, rotations
        arrays[f"{prefix}local_rotations"], arrays[f"{prefix}offsets"] = animation.rotations, animation.offsets
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()
