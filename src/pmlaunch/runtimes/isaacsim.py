r"""Isaac Sim's installation: the environment that its python.bat sets, and whether its EULA has been accepted.

A binary Isaac Sim keeps its interpreter in kit\python; python.bat (python.sh) sets ISAAC_PATH, EXP_PATH, CARB_APP_PATH
and PYTHONPATH for it. Installations by pip, by conda or into a venv need none of them.

The folder in PYTHONPATH, `site`, holds the sitecustomize.py that makes Isaac Sim importable when Python starts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from pmlaunch.model import ChosenPython
from pmlaunch.runtimes.python_files import site_packages, text_of
from pmlaunch.support.paths import is_remote

_ACCEPTING = ("y", "yes", "1")  # the values that kit_app.py takes for an acceptance
NOT_ISAACS_PYTHON = "this is not Isaac Lab's Python: activate its environment, or use --via isaaclab or --python EXE"
"""The hint for a missing module of Isaac Sim or Isaac Lab. pip would install another release."""
_SET_PATH = re.compile(r"""^\s*(?:set|export)\s+"?PYTHONPATH="?(.*?)"?\s*$""", re.IGNORECASE | re.MULTILINE)


def comes_with_isaac(module: str) -> bool:
    """Whether a module, e.g. "isaaclab_tasks.utils", is part of Isaac Sim or Isaac Lab."""
    return re.match(r"(isaacsim|isaaclab\w*|omni|carb|pxr)(\.|$)", module) is not None


def isaacsim_of(executable: Path) -> Path | None:
    """The folder of the binary Isaac Sim that `executable` belongs to; None if it belongs to none."""
    for folder in executable.parents:
        if folder.name == "kit" and (folder / "python") in executable.parents:
            root = folder.parent
            if (root / "python.bat").is_file() or (root / "python.sh").is_file():
                return root
    return None


def interpreter_of(root: Path, windows: bool) -> Path:
    """The interpreter inside a binary Isaac Sim."""
    return root / "kit" / "python" / ("python.exe" if windows else "bin/python3")


def isaacsim_environment(root: Path, windows: bool) -> tuple[dict[str, str], list[str]]:
    """(variables, PYTHONPATH entries) that python.bat would set for the Isaac Sim at `root`."""
    variables = {"ISAAC_PATH": str(root), "EXP_PATH": str(root / "apps"), "CARB_APP_PATH": str(root / "kit")}
    text = text_of(root / ("setup_python_env.bat" if windows else "setup_python_env.sh"))
    entries = [entry for line in _SET_PATH.findall(text) for entry in line.split(";" if windows else ":")]
    known = [expanded for entry in entries if (expanded := _expanded(entry, root)) is not None]
    folders = [folder for folder in known if not is_remote(folder) or is_remote(str(root))]
    site = [root / "site"] if not folders or (root / "site" / "sitecustomize.py").is_file() else []
    return variables, list(dict.fromkeys([*folders, *map(str, site)]))


def _expanded(entry: str, root: Path) -> str | None:
    """An entry with the script's folder filled in; None if it refers to what is already in the environment."""
    for own in ("%~dp0", "${SCRIPT_DIR}/", "$SCRIPT_DIR/", "%SCRIPT_DIR%"):
        if entry.startswith(own):
            return str(root / entry[len(own) :].lstrip("\\/"))
    return None if not entry or entry.startswith(("%", "$")) else entry


def awaits_eula(python: ChosenPython, environment: Mapping[str, str]) -> bool:
    """Whether the Isaac Sim that pip installed in `python` will ask for its EULA; False if the files do not tell.

    kit_app.py asks at its import, unless OMNI_KIT_ACCEPT_EULA accepts or a file beside it records an earlier answer.
    """
    if environment.get("OMNI_KIT_ACCEPT_EULA", "").lower() in _ACCEPTING:
        return False
    folders = site_packages(Path(python.path), python.version)
    if not any((folder / "isaacsim" / "__init__.py").is_file() for folder in folders):
        return False
    kits = [folder / kit for folder in folders for kit in ("isaacsim/kit", "omni")]
    kit = next((kit for kit in kits if "EULA_ACCEPTED" in text_of(kit / "kit_app.py")), None)
    return kit is not None and text_of(kit / "EULA_ACCEPTED").partition("\n")[0].strip().lower() not in _ACCEPTING
