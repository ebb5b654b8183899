"""Make the page of a report: a template, the data for its script, and a policy that lets nothing else run.

The page contacts nothing: its scripts are in it, compressed, and its Content-Security-Policy allows only those with the
right sha256. Data of motions beyond `INLINE` bytes is in files beside the page, which add themselves when the page asks
for them with a script element, since neither fetch nor modules work from file://.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from pmlaunch import __version__
from pmlaunch.reporting import sections
from pmlaunch.reporting.contents import MotionRow, RunContents
from pmlaunch.reporting.downloads import DOWNLOADS
from pmlaunch.reporting.figures import length
from pmlaunch.reporting.plain_text import plain, plain_lines
from pmlaunch.reporting.rigs import pack_rig
from pmlaunch.reporting.sweep_view import SweepView
from pmlaunch.reporting.tracks import FAILED_ABOVE, Track, deflate, pack
from pmlaunch.reporting.verdict import grade, verdict
from pmlaunch.support.json import dumps

INLINE: Final = 1_300_000
"""Bytes of the motions in the page itself, as text."""
_CHUNK: Final = 2_000_000  # bytes of a file beside the page; one motion may be larger
_ASSETS: Final = Path(__file__).parent / "assets"
_LONGEST_LINES: Final = 64_000  # characters of a command or a log
_ADDRESS: Final = re.compile(r"https://(?:[\w./~:?=+,%#-]|&amp;)+(?<![.,:?])", re.ASCII)  # in an escaped text
_STATIC_ROWS: Final = 50  # of the table, for readers without JavaScript


@dataclass(frozen=True)
class Page:
    """A page, and the files that must lie beside it, by name."""

    html: bytes
    beside: Mapping[str, bytes]


@dataclass(frozen=True)
class Subject:
    """What a page is about: runs, a sweep, or the motions of one file.

    `most` bytes of packed motion, as text, are kept; `files` motions, the worst ones, can be saved as GLB and BVH.
    """

    title: str
    runs: Sequence[RunContents] = ()
    motions: Sequence[MotionRow] = ()
    most: int = 1 << 40
    files: int = 20
    sweep: SweepView | None = None

    @property
    def names(self) -> list[str]:
        """The names of the runs, or what the evaluations of the sweep are."""
        return [text for text, _ in self.sweep.evaluations] if self.sweep else [run.name for run in self.runs]

    def pairs(self) -> list[tuple[int, MotionRow]]:
        """(index of the name, motion) for every row of the table, the worst first; -1 for those of a file."""
        if self.sweep:
            return list(self.sweep.rows)
        pairs = [(number, row) for number, run in enumerate(self.runs) for row in run.rows]
        pairs.sort(key=lambda pair: pair[1].severity)
        return pairs + [(-1, row) for row in self.motions]


def make_page(subject: Subject, stem: str) -> Page:
    """Make the page; the names of files beside it begin with `stem`."""
    pairs = subject.pairs()
    motions = _packed([row for _, row in pairs], subject)
    inline, beside, places = _distributed([data for _, data in motions], stem)
    known = [(track.body_names, tuple(track.parents.tolist())) for track, _ in motions]
    skeletons = {skeleton: number for number, skeleton in enumerate(dict.fromkeys(known))}
    numbers = {id(track): number for number, (track, _) in enumerate(motions)}
    data = {
        "lostAbove": FAILED_ABOVE,
        "skeletons": [{"names": [*map(plain, names)], "parents": parents} for names, parents in skeletons],
        "tracks": [
            {"skeleton": skeletons[known[number]], "file": places.get(number), **_facts(track)}
            for number, (track, _) in enumerate(motions)
        ],
        "rows": [_row(run, row, numbers.get(id(row.track), -1)) for run, row in pairs],
        "runs": [*map(plain, subject.names)],
        "inline": inline,
        "downloads": [_downloads(run) for run in subject.runs],
        "sweep": subject.sweep.document() if subject.sweep else None,
    }
    return Page(_render(subject, pairs, data, has_files=bool(beside)), beside)


def _packed(rows: Sequence[MotionRow], subject: Subject) -> list[tuple[Track, list[Any]]]:
    """The tracks of `rows` with their data, until that takes too many bytes; the first is always there."""
    found: list[tuple[Track, list[Any]]] = []
    size = 0
    for row in rows:
        if row.track is not None and (size < subject.most or not found):
            head, packed = pack(row.track)
            rig = pack_rig(row.track) if len(found) < subject.files else None
            found.append((row.track, [head, _text(packed), [rig[0], _text(rig[1])] if rig else None]))
            size += _size(found[-1][1])
    return found


def _size(motion: Sequence[Any]) -> int:
    return len(motion[1]) + (len(motion[2][1]) if motion[2] else 0)


def _distributed(motions: Sequence[list[Any]], stem: str) -> tuple[dict[int, Any], dict[str, bytes], dict[int, str]]:
    """Divide the motions' data between page and files: what is in the page, the files, and where the others are."""
    chunks: list[dict[int, Any]] = [{}]  # the first one is the page itself
    room = INLINE
    for number, motion in enumerate(motions):
        size = _size(motion)
        if size > room and chunks[-1]:
            chunks.append({})
            room = _CHUNK
        chunks[-1][number] = motion
        room -= size
    inline, *others = chunks
    names = [f"{stem}-{index:03}.js" for index in range(1, len(chunks))]
    beside = {
        name: f"addMotions({dumps(chunk, exact=True)});\n".encode() for name, chunk in zip(names, others, strict=True)
    }
    return inline, beside, {number: name for name, chunk in zip(names, others, strict=True) for number in chunk}


def _facts(track: Track) -> dict[str, Any]:
    return {
        "fps": track.fps,
        "first": track.first,
        "frames": len(track.positions),
        "reference": track.reference is not None,
        "failure": track.failure,
        "worst": track.worst_body,
    }


def _row(run: int, row: MotionRow, track: int) -> list[Any]:
    """A row of the table: run, name, success, mean and largest error in m, rotation error in degrees, seconds, track."""
    figures, seconds = row.figures, row.track.seconds if row.track else None
    values = [figures.error, figures.largest, figures.rotation, seconds]
    return [run, plain(row.name, 160), row.success, *(round(it, 6) if it is not None else None for it in values), track]


def _downloads(run: RunContents) -> list[list[str]]:
    name = plain(run.name, 80)
    file = "".join(each if each.isalnum() or each in "-_." else "_" for each in name).strip("._") or "run"
    return [[it.label, f"{file}.{it.suffix}", it.media_type, _text(deflate(it.make(run)))] for it in DOWNLOADS]


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _render(
    subject: Subject, pairs: Sequence[tuple[int, MotionRow]], data: Mapping[str, Any], *, has_files: bool
) -> bytes:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # 60 ms, for reports only
    from markupsafe import Markup, escape

    def shown(value: object) -> object:
        return value if isinstance(value, Markup) else plain(value)

    def linked(text: object) -> Markup:
        found = _ADDRESS.sub(r'<a href="\g<0>" rel="noreferrer">\g<0></a>', str(escape(plain(text))))
        return Markup(found)  # noqa: S704 (escaped before)

    loader = FileSystemLoader(_ASSETS)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, finalize=shown)
    environment.trim_blocks = environment.lstrip_blocks = True
    style, start, script = (
        _asset("style.css"),
        _asset("vendor/inflate.min.js") + _asset("loader.js"),
        _script(sweep=subject.sweep is not None),
    )
    policy = (
        f"default-src 'none'; script-src '{_digest(start)}' '{_digest(script)}'{' file:' if has_files else ''}; "
        f"style-src '{_digest(style)}'; img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    own = {  # nothing in these can end the element that holds it
        "policy": policy,
        "style": style,
        "loader": start,
        "data": dumps(data, exact=True).replace("<", "\\u003c"),
        "code": _text(deflate(script.encode("utf-8"))),
    }
    page = environment.get_template(
        "page.html"
    ).render(
        **{name: Markup(text) for name, text in own.items()},  # noqa: S704
        title=subject.title,
        runs=subject.runs,
        names=subject.names,
        sweep=subject.sweep,
        motions=subject.motions,
        pairs=pairs[:_STATIC_ROWS],
        row_count=len(pairs),
        has_playback=bool(data["tracks"]),
        left_out=sum(row.track is not None for _, row in pairs) - len(data["tracks"]),
        version=__version__,
        licences=escape(_asset("vendor/LICENSES.txt")),
        sections=sections,
        length=length,
        verdict=verdict,
        grade=lambda run: grade(run).name.lower(),
        linked=linked,
        lines=lambda text: escape(plain_lines(text, _LONGEST_LINES)),
    )
    return page.encode("utf-8")


@cache
def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _script(*, sweep: bool) -> str:
    names = ("vendor/three.min.js", "scene.js", "export.js", *(("sweep.js",) if sweep else ()), "report.js")
    return "\n".join(map(_asset, names))


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
