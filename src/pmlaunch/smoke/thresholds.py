"""Thresholds: compare the metrics of a run with limits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pmlaunch.errors import PmlaunchError, did_you_mean
from pmlaunch.smoke.case import Case, CaseVerdict, Suite
from pmlaunch.support.json import numbers_in

SUCCESS, POSITION_ERROR = "success_rate", "mean_position_error_m"
_SHOWN = 8  # names of metrics in a message
_SHORT = {SUCCESS: "--min-success", POSITION_ERROR: "--max-gt-err"}


@dataclass(frozen=True)
class Threshold:
    """`figure` must be at least (`least`) or at most `limit`, in the units of metrics.json."""

    figure: str
    limit: float
    least: bool

    @property
    def name(self) -> str:
        """The threshold as text, such as "success_rate >= 1"."""
        return f"{self.figure} {'>=' if self.least else '<='} {self.limit:g}"


def read_thresholds(
    min_success: float | None, max_gt_err: float | None, least: Sequence[str], most: Sequence[str]
) -> tuple[Threshold, ...]:
    """The thresholds given on the command line; `least` and `most` are NAME=VALUE. Raises PML001."""
    found = []
    if min_success is not None:
        if not 0 <= min_success <= 1:
            raise PmlaunchError("PML001", f"--min-success cannot be {min_success:g}: it must be a share from 0 to 1.")
        found.append(Threshold(SUCCESS, min_success, least=True))
    if max_gt_err is not None:
        if not (math.isfinite(max_gt_err) and max_gt_err >= 0):  # every comparison with nan is false
            raise PmlaunchError(
                "PML001", f"--max-gt-err cannot be {max_gt_err:g}: it must be a distance in m, 0 or more."
            )
        found.append(Threshold(POSITION_ERROR, max_gt_err, least=False))
    found += [_typed("--min", text, least=True) for text in least]
    found += [_typed("--max", text, least=False) for text in most]
    return tuple(found)


def _typed(option: str, text: str, *, least: bool) -> Threshold:
    name, sign, value = text.rpartition("=")
    try:
        limit = float(value)
    except ValueError:
        limit = math.nan
    if not sign or not name or math.isnan(limit):
        message = f"{option} cannot be {text!r}: it must be NAME=NUMBER."
        raise PmlaunchError("PML001", message).retrying({option: "eval/gt_err_max=0.5"})
    return Threshold(name, limit, least)


def judge(threshold: Threshold, document: Mapping[str, Any]) -> Case:
    """Judge `threshold` by the metrics in metrics.json; the case's text gives the value either way."""
    figures = {**numbers_in(document.get("metrics")), **numbers_in(document.get("common"))}
    value = figures.get(threshold.figure, figures.get(f"eval/{threshold.figure}"))
    if value is None:  # numbers_in leaves out what is not finite
        text = _no_figure(threshold, list(figures))
    else:
        text = f"{threshold.figure} is {value:.6g}"
        if value >= threshold.limit if threshold.least else value <= threshold.limit:
            return Case(Suite.THRESHOLDS, threshold.name, CaseVerdict.PASSED, text)
        text += f", but must be {'at least' if threshold.least else 'at most'} {threshold.limit:g}"
    return Case(Suite.THRESHOLDS, threshold.name, CaseVerdict.FAILED, text, code="PML350")


def _no_figure(threshold: Threshold, names: Sequence[str]) -> str:
    asked = _SHORT.get(threshold.figure)
    near = did_you_mean(threshold.figure, [name.removeprefix("eval/") for name in names])
    shown = ", ".join([*names[:_SHOWN], *(["..."] if len(names) > _SHOWN else [])])
    had = near or (f"It reported: {shown}." if names else "It reported no metrics.")
    return f"The run did not report {threshold.figure}{f' ({asked})' if asked else ''}. {had.strip()}"
