"""The picture of an evaluation: poses over time, the simulated humanoid in front of its reference.

matplotlib is optional and takes a second to import, so import this module only where a picture is drawn.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from pmlaunch.motions.kinematics import Array
from pmlaunch.motions.pose_view import POSES, project, side, view_of
from pmlaunch.motions.recorded_motion import SavedMotion
from pmlaunch.support.atomic import replacing

ROWS: Final = 4  # at most, in one picture
INK: Final = "#333333"
SPACING: Final = 1.05  # m between two poses in the picture, wherever the motion went


@dataclass(frozen=True)
class Pen:
    """How a body is drawn."""

    near: str  # colours of its near and far side
    far: str
    width: float  # points


# orange and blue of Okabe and Ito's palette, which colour-blind people can tell apart
REFERENCE: Final = Pen("#E69F00", "#F5D391", 6.0)
SIMULATED: Final = Pen("#0072B2", "#7DB6DA", 2.4)


@dataclass(frozen=True, eq=False)
class Row:
    """One motion of the picture, with J bodies."""

    name: str
    body_names: Sequence[str]
    parents: Sequence[int] | NDArray[np.int64]  # (J,), -1 for a root or if unknown; without any, points are drawn
    positions: Sequence[Array] | Array  # (J, 3) m of the simulated bodies, for each step
    reference: Sequence[Array] | Array  # (J, 3) m
    dt: float  # s between two steps
    gt_err: float  # m between the two on average


def rows_of(saved: SavedMotion) -> list[Row]:
    """Make the rows of a saved motion; none without a reference, and none for a motion without frames."""
    if saved.reference is None:
        return []
    rows = []
    for index, name in enumerate(saved.motions):
        count = int(saved.frames[index])
        positions, reference = saved.positions[:count, index], saved.reference[:count, index]
        if count and np.isfinite(positions).all() and np.isfinite(reference).all():
            error = float(np.linalg.norm(positions - reference, axis=-1).mean())
            rows.append(Row(name, saved.body_names, saved.parents, positions, reference, 1 / saved.fps, error))
    return rows


def draw_poses(path: Path, rows: Sequence[Row]) -> None:
    """Draw the first `ROWS` rows, with a title if there are more, and write them to `path` as PNG, atomically."""
    count, rows = len(rows), rows[:ROWS]
    figure = Figure(figsize=(11.0, 2.55 * len(rows) + 0.4), dpi=150, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    top = max(float(pose[:, 2].max()) for row in rows for pose in row.reference) + 0.2
    for axes, row in zip(figure.subplots(len(rows), 1, squeeze=False)[:, 0], rows, strict=True):
        _strip(axes, row, top)
    handles = [
        Line2D([], [], color=pen.near, linewidth=pen.width, solid_capstyle="round", label=label)
        for pen, label in ((REFERENCE, "reference"), (SIMULATED, "simulated"))
    ]
    figure.legend(handles=handles, loc="outside lower right", ncols=2, frameon=False, fontsize=10, labelcolor=INK)
    if count > ROWS:
        figure.suptitle(f"the first {ROWS} of {count} motions", fontsize=11, color=INK)
    with replacing(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # letters that the font lacks are drawn as boxes
        # without "tight" the layout cuts the title off
        figure.savefig(temporary, format="png", bbox_inches="tight", pad_inches=0.12)


def _strip(axes: Any, row: Row, top: float) -> None:
    """Draw poses at even intervals from the first step to the last, in axes `top` m high."""
    chosen = np.unique(np.linspace(0, len(row.positions) - 1, POSES).round().astype(int))
    right, is_front = view_of(np.asarray(row.reference), row.body_names)
    far = [side(name) == "left" and not is_front for name in row.body_names]
    axes.axhline(0.0, color="#BBBBBB", linewidth=1.2, zorder=0)
    for place, step in enumerate(chosen):
        middle = row.reference[step][0] * (1.0, 1.0, 0.0)
        shift = np.array([place * SPACING, 0.0])
        _skeleton(axes, row, project(row.reference[step] - middle, right) + shift, far, REFERENCE)
        _skeleton(axes, row, project(row.positions[step] - middle, right) + shift, far, SIMULATED)
        axes.text(shift[0], -0.1, f"{(step + 1) * row.dt:.1f} s", ha="center", va="top", fontsize=9, color=INK)
    title = f"{row.name}, {'front' if is_front else 'side'} view: gt_err {100 * row.gt_err:.1f} cm"
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    axes.set_xlim(-0.75 * SPACING, (POSES - 0.25) * SPACING)
    axes.set_ylim(-0.25, top)
    axes.set_aspect("equal")
    axes.axis("off")


def _skeleton(axes: Any, row: Row, points: Array, far: Sequence[bool], pen: Pen) -> None:
    """Draw bones as lines with round ends, those on the `far` side paler and behind, and a head."""
    children = [(body, int(parent)) for body, parent in enumerate(row.parents) if parent >= 0]
    for colour, is_far in ((pen.near, False), (pen.far, True)):
        bones = [(points[parent], points[body]) for body, parent in children if far[body] == is_far]
        lines = LineCollection(bones, colors=colour, linewidths=pen.width, capstyle="round", zorder=2 - is_far)
        axes.add_collection(lines)
    if not children:
        axes.plot(*points.T, "o", color=pen.near, markersize=1.0 + pen.width, markeredgewidth=0)
    if "Head" in row.body_names:
        head = points[list(row.body_names).index("Head")] + (0.0, 0.07)
        axes.plot(*head, "o", color=pen.near, markersize=9.0 + pen.width, markeredgewidth=0)
