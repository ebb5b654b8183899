"""Pack a run for somebody else: its figures, motion and log, without the names and folders of this machine."""

from __future__ import annotations

import os
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pmlaunch.doctor.redaction import Redactor
from pmlaunch.errors import PmlaunchError
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.runs.log import FILE as LOG
from pmlaunch.runs.summary import RECORD, document, plain_size
from pmlaunch.support.atomic import replacing
from pmlaunch.support.json import as_list, as_mapping

_DOCUMENTS = (RECORD, "plan.json", "environment.json", "result.json", "metrics.json")
_MOTION = "motion.npz"
_MOST_TEXT = 8 << 20  # bytes of the end of a log
_MOST_MOTION = 2 << 30
_LEFT_OUT = ("variables", "signature", "plain_command", "PYTHONPATH")  # of documents: what only this machine needs

WriteReport = Callable[[Path], object]
"""Writes report.html into a run folder."""


def share_run(folder: Path, output: Path, *, force: bool = False, write_report: WriteReport | None = None) -> list[str]:
    """Write the archive `output` of a run and return the names of the files in it.

    The report is regenerated from the cleaned files: the original could contain names in its compressed data.

    Raises PML355 if the archive exists and `force` is not given, PML358 if it cannot be written.
    """
    if os.path.lexists(output) and not force:
        raise PmlaunchError("PML355", f"{output} already exists.", subject=str(output)).retrying({"--force": True})
    redactor = _redactor(folder)
    try:
        with tempfile.TemporaryDirectory(prefix="pmlaunch-") as place:
            cleaned = Path(place) / _folder_name(redactor.clean(folder.name))
            cleaned.mkdir()
            _write_cleaned(folder, cleaned, redactor)
            if write_report is not None:
                write_report(cleaned)
            files = sorted(path for path in cleaned.iterdir() if path.is_file())
            with replacing(output) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
                for path in files:
                    archive.write(path, f"{cleaned.name}/{path.name}")
    except OSError as error:
        message = f"Cannot write {output}: {error.strerror or error}."
        raise PmlaunchError(
            "PML358", message, hint="choose another file with -o FILE.zip", subject=str(output)
        ) from error
    return [path.name for path in files]


def _folder_name(name: str) -> str:
    """`name` as Windows accepts it: placeholders such as <user> are in angle brackets."""
    return re.sub(r'[<>:"/\\|?*]', "", name).rstrip(". ") or "run"


def _redactor(folder: Path) -> Redactor:
    """Doctor's redactor, which also knows the folders of this run."""
    plan, asked = document(folder, "plan.json"), as_mapping(document(folder, RECORD).get("asked"))
    python = as_mapping(as_mapping(plan.get("runtime")).get("python")).get("path")
    named: list[tuple[object, str]] = [
        (str(folder.absolute()), "<run>"),
        (str(folder.resolve()), "<run>"),
        (document(folder, RECORD).get("folder"), "<run>"),
        (plan.get("runs"), "<runs>"),
        (plan.get("cwd"), "<checkout>"),
        (asked.get("folder"), "<folder>"),
        (_above(python, 2), "<python>"),
        (_above(plan.get("checkpoint"), 1), "<checkpoint>"),
        (str(Path(__file__).parents[1]), "<pmlaunch>"),
        *((_above(as_mapping(motion).get("path"), 1), "<motions>") for motion in as_list(plan.get("motions"))[:100]),
    ]
    folders = {path: placeholder for path, placeholder in reversed(named) if isinstance(path, str) and len(path) > 1}
    longest_first = sorted(folders.items(), key=lambda item: -len(item[0]))
    return replace(Redactor.here(os.environ), folders=tuple(longest_first))


def _above(path: object, levels: int) -> str | None:
    """The folder `levels` above a path of any system; None if that is a root."""
    parts = path.replace("\\", "/").split("/")[:-levels] if isinstance(path, str) else []
    return str(path)[: len("/".join(parts))] if len([part for part in parts if part]) > 1 else None


def _write_cleaned(folder: Path, target: Path, redactor: Redactor) -> None:
    for name in _DOCUMENTS:
        if content := document(folder, name):
            RunFolder(target).write(name, _cleaned(content, redactor))
    if (end := _end_of(folder / LOG)) is not None:
        (target / LOG).write_bytes(redactor.clean(end).encode("utf-8", "replace"))
    if (plain_size(folder / _MOTION) or _MOST_MOTION) < _MOST_MOTION:
        _clean_motion(folder / _MOTION, target / _MOTION, redactor)


def _cleaned(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, str):
        return redactor.clean(value)
    if isinstance(value, dict):
        kept = {name: item for name, item in value.items() if name not in _LEFT_OUT}
        return {redactor.clean(name): _cleaned(item, redactor) for name, item in kept.items()}
    return [_cleaned(item, redactor) for item in value] if isinstance(value, list) else value


def _end_of(path: Path) -> str | None:
    size = plain_size(path)
    if size is None:
        return None
    with path.open("rb") as file:
        file.seek(max(0, size - _MOST_TEXT))
        return file.read(_MOST_TEXT).decode("utf-8", "replace")


def _clean_motion(source: Path, target: Path, redactor: Redactor) -> None:
    """Copy a motion with its texts cleaned. One that cannot be read is left out."""
    import numpy as np

    from pmlaunch.motions.recorded_motion import MALFORMED

    try:
        with zipfile.ZipFile(source) as archive:
            if sum(info.file_size for info in archive.infolist()) > _MOST_MOTION:
                return
        with np.load(source, allow_pickle=False) as saved:
            arrays: Mapping[str, Any] = dict(_cleaned_arrays(saved, redactor))
    except (OSError, ValueError, *MALFORMED):
        return
    np.savez(target, **arrays)  # the archive compresses; readers refuse arrays that are far larger than their file


def _cleaned_arrays(saved: Mapping[str, Any], redactor: Redactor) -> Iterator[tuple[str, Any]]:
    import numpy as np

    for name in saved:
        array = saved[name]
        if array.dtype.kind == "U":
            array = np.array([redactor.clean(str(text)) for text in array.ravel()], dtype=str).reshape(array.shape)
        if name.isidentifier() and array.dtype.kind in "Uifb":
            yield name, array
