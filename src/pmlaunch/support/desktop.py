"""Open a file or folder as a double click does, without a shell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pmlaunch.support.programs import find_program


def open_on_desktop(path: Path) -> bool:
    """Open a page in the browser, or a folder in the file manager; False where there is no desktop."""
    if sys.platform == "win32":
        # with a separator at the end, so that a program beside the folder is not taken for it
        os.startfile(f"{path}{os.sep}" if path.is_dir() else path)  # noqa: S606 (what the user asked for)
        return True
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or sys.platform == "darwin"):
        return False
    opener = find_program("open" if sys.platform == "darwin" else "xdg-open", os.environ)
    if opener is None:
        return False
    quiet = subprocess.DEVNULL
    subprocess.Popen([opener, str(path)], stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
    return True
