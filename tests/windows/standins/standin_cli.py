"""Stand-in for the Python command line behind isaaclab.bat of Isaac Lab 3.0; `-p` runs Isaac Lab's Python."""

import os
import subprocess
import sys


def python(folder: str) -> str:
    """Return the interpreter of the active environment, else Isaac Sim's own."""
    if os.environ.get("VIRTUAL_ENV"):
        return os.path.join(os.environ["VIRTUAL_ENV"], "Scripts", "python.exe")
    if os.environ.get("CONDA_PREFIX"):
        return os.path.join(os.environ["CONDA_PREFIX"], "python.exe")
    return os.path.join(folder, "_isaac_sim", "python.bat")


def main(arguments: list[str]) -> int:
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if not arguments or arguments[0] != "-p":
        sys.exit("stand-in: only -p is known")
    words = arguments[1:]
    if words and words[0] in ("train.py", "play.py"):
        # a bare name means Isaac Lab's own script
        words[0] = os.path.join(folder, "scripts", "reinforcement_learning", words[0])
    return subprocess.run([python(folder), *words], stdin=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
