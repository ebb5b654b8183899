"""The stand-ins of Isaac Sim and Isaac Lab have the faults that the agent repairs, without the agent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from isaac_standin import EULA_MESSAGE, FAULTS, MARKER, make_isaac_lab, make_isaac_sim, make_isaac_sim_of_pip

LAUNCH = "from isaaclab.app import AppLauncher\napp = AppLauncher({'headless': True}).app\n"
INTERRUPTED = """
import signal
try:
    signal.raise_signal(signal.SIGINT)
    print("after")
except KeyboardInterrupt:
    print("saved")
"""
EXITS = """
import sys
print("begin", flush=True)
try:
    sys.exit(3)
finally:
    app.update()
    print("saved", flush=True)
"""
RELEASES = ("2.1", "2.3", "3.0")


def python(folder: Path, code: str, faults: str = "", *search: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "OMNI_"))}
    environment.update(
        {FAULTS: faults, "PYTHONPATH": os.pathsep.join(map(str, search or (folder / "sim/site", folder)))}
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder.parent,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(params=RELEASES)
def isaac(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A folder with an Isaac Sim `sim`, and an Isaac Lab."""
    folder = tmp_path / str(request.param)
    make_isaac_sim(folder / "sim", "6.0" if request.param == "3.0" else "5.1")
    make_isaac_lab(folder, request.param)
    return folder


def release(isaac: Path) -> str:
    return isaac.name


def test_isaac_sim_cannot_be_imported_unless_its_site_was_there_at_the_start(isaac: Path) -> None:
    late = f"import sys; sys.path.insert(0, {str(isaac / 'sim/site')!r}); import isaacsim"
    assert "No module named 'isaacsim'" in python(isaac, late, "", isaac).stderr
    assert python(isaac, "import isaacsim; print(isaacsim.__file__)").returncode == 0


def test_an_interrupt_ends_the_process_natively_except_in_3_0(isaac: Path) -> None:
    done = python(isaac, LAUNCH + INTERRUPTED)
    assert (done.returncode, done.stdout) == ((0, "saved\n") if release(isaac) == "3.0" else (0, ""))
    assert (MARKER in done.stderr) == (release(isaac) == "3.0")


def test_close_ends_the_process_with_0_whatever_propagates(isaac: Path) -> None:
    code = "try:\n    1 / 0\nfinally:\n    app.close()\nprint('after')\n"
    done = python(isaac, LAUNCH + code)
    assert (done.returncode, done.stdout, "ZeroDivisionError" in done.stderr) == (0, "", False)


@pytest.mark.skipif(os.name == "nt", reason="Windows knows these signals by name only")
def test_a_segmentation_fault_is_handled_in_python_by_2_x(isaac: Path) -> None:
    code = LAUNCH + "import signal\nprint(callable(signal.getsignal(signal.SIGSEGV)), flush=True)\n"
    assert python(isaac, code).stdout == f"{release(isaac) != '3.0'}\n"


def test_sys_exit_posts_a_quit_that_ends_the_process_at_the_next_update(isaac: Path) -> None:
    done = python(isaac, LAUNCH + EXITS)
    assert (done.returncode, done.stdout) == (3, "begin\n")


def test_kit_args_reach_kit(isaac: Path) -> None:
    code = (
        LAUNCH.replace("True}", "True, 'kit_args': '--/a/b=c'}")
        + "import carb, sys\nprint(carb.settings['/a/b'], sys.argv)\n"
    )
    assert python(isaac, code, "return").stdout == "c ['-c']\n"


def test_se2keyboard_needs_a_cfg_from_2_2_on(isaac: Path) -> None:
    code = "from isaaclab.devices.keyboard.se2_keyboard import Se2Keyboard\nSe2Keyboard()\n"
    done = python(isaac, code)
    assert ("missing 1 required positional argument: 'cfg'" in done.stderr) == (release(isaac) != "2.1")


def test_a_finder_of_kit_is_first(isaac: Path) -> None:
    code = "import sys\nprint(getattr(sys.meta_path[0], '__name__', None))\n"
    assert python(isaac, LAUNCH + code, "return").stdout == "FastFinder\n"


@pytest.mark.parametrize(("fault", "ending"), [("hang-at-exit", ""), ("hang-in-close", "app.close()")])
def test_a_hang_at_the_end(isaac: Path, fault: str, ending: str) -> None:
    environment = {**os.environ, FAULTS: fault, "PYTHONPATH": os.pathsep.join([str(isaac / "sim/site"), str(isaac)])}
    code = f"{LAUNCH}print('done', flush=True)\n{ending}\n"
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"done"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        process.kill()


@pytest.mark.parametrize(("version", "said"), [("5.1", "EOFError: EOF when reading a line"), ("6.2", EULA_MESSAGE)])
def test_the_eula_is_asked_for(tmp_path: Path, version: str, said: str) -> None:
    folder = tmp_path / "packages"
    sim = make_isaac_sim_of_pip(folder, version)
    done = python(folder, "import isaacsim", "", folder)
    assert (done.returncode, said in done.stderr) == (1, True), done.stderr
    (sim / "kit" / "EULA_ACCEPTED").write_text("yes")
    assert python(folder, "import isaacsim", "", folder).returncode == 0
