"""The log of a run, as it is and as it grows."""

from __future__ import annotations

import codecs
import time
from collections.abc import Iterator
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.runs.summary import is_in_progress, plain_size, run_record

FILE = "output.log"
_PIECE = 1 << 16  # bytes
_LONGEST_LINE = 1 << 20  # characters
_PAUSE = 0.2  # seconds


def log_file(folder: Path) -> Path:
    """The log of a run. Raises PML010 if it has none."""
    path = folder / FILE
    if plain_size(path) is None:
        raise PmlaunchError(
            "PML010", f"{folder.name} has no {FILE}.", fix=f'pmlaunch runs show "{folder}"', subject=str(path)
        )
    return path


def read_lines(folder: Path, *, follow: bool = False) -> Iterator[str]:
    """Yield pieces of the log that end with a line, and with `follow` those that come until the run ends.

    Of a line that was overwritten, as progress bars are, the last version is yielded.
    """
    decoder, kept = codecs.getincrementaldecoder("utf-8")("replace"), ""
    with log_file(folder).open("rb") as file:
        while True:
            # asked before reading: what was written before the end is read after it
            ended = not (follow and is_in_progress(folder, run_record(folder)))
            file.seek(file.tell())  # a C runtime may remember that the file has ended
            while piece := file.read(_PIECE):
                complete, newline, kept = (kept + decoder.decode(piece)).rpartition("\n")
                if newline or len(kept) > _LONGEST_LINE:
                    yield _settled(complete + newline or kept)
                    kept = kept if newline else ""
            if ended:
                break
            time.sleep(_PAUSE)
    if kept:
        yield _settled(kept)


def _settled(text: str) -> str:
    """`text` with the last version of each line only."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
