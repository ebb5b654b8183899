"""Which Python runs the simulator, read from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from pmlaunch.model import IsaacLabVersion
from pmlaunch.runtimes.batch_rules import batch_environment, is_balanced, is_harmless, survives_block
from pmlaunch.runtimes.isaaclab import isaaclab_runtime, python_of_isaaclab
from pmlaunch.runtimes.isaacsim import interpreter_of, isaacsim_environment, isaacsim_of
from pmlaunch.runtimes.python_files import version_of_prefix
from pmlaunch.settings import Settings
from pmlaunch.support.json import to_json
from pmlaunch.support.platforms import PLATFORMS


@pytest.mark.parametrize("text", ["", "C:\\Program Files (x86)\\Python", "(a)(b)", '"C:\\a ("', "走路"])
def test_balanced(text: str) -> None:
    assert is_balanced(text)


@pytest.mark.parametrize("text", ["C:\\old) x", "(", ")(", '"', '"a" "', "a (b"])
def test_unbalanced(text: str) -> None:
    assert not is_balanced(text)


@pytest.mark.parametrize(
    ("path", "harmless", "survives"),
    [
        ("C:\\IsaacLab", True, True),
        ("C:\\my lab\\走路", True, True),
        ("C:\\lab (x86)", False, True),
        ("C:\\lab (x86", False, False),
        ("C:\\100%", False, False),
        ("C:\\bang!", False, False),
        ("C:\\R&D", False, False),
        ("C:\\a^b", False, False),
        ("C:\\a;b", False, False),
        ("C:\\a=b", False, False),
    ],
)
def test_path_inside_a_batch_file(path: str, harmless: bool, survives: bool) -> None:
    assert (is_harmless(path), survives_block(path)) == (harmless, survives)


def test_path_entries_that_break_a_batch_file_are_left_out() -> None:
    changes, done = batch_environment({"Path": "C:\\a;C:\\b (x86);C:\\c);D:\\d", "Skip": "1", "OTHER": ")"})
    assert changes == {"Path": "C:\\a;C:\\b (x86);D:\\d", "Skip": None}
    assert len(done) == 2
    assert done[0].endswith(": C:\\c)")
    assert batch_environment({"PATH": "C:\\Program Files (x86)"}) == ({}, [])


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({}, None),
        ({"pyvenv.cfg": "home = /x\nversion = 3.11.7\n"}, "3.11"),
        ({"pyvenv.cfg": "version_info = 3.10.14\n"}, "3.10"),
        ({"python3.dll": "", "python310.dll": ""}, "3.10"),
        ({"conda-meta/python-3.10.14-h_0.json": ""}, "3.10"),
        ({"lib/python3.11/os.py": ""}, "3.11"),
        ({"pyvenv.cfg": "home = x\n", "lib/python3.9/os.py": ""}, "3.9"),
    ],
)
def test_version_is_read_from_files(tmp_path: Path, files: dict[str, str], version: str | None) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert version_of_prefix(tmp_path) == version


@pytest.mark.parametrize(
    ("text", "major", "minor"),
    [("2.1.0", 2, 1), ("3.0.0-beta.1", 3, 0), ("3", 3, None), ("main", 2, None), ("v3.0", 2, None)],
)
def test_version_of_isaaclab_is_parsed(text: str, major: int, minor: int | None) -> None:
    version = IsaacLabVersion.parse(text)
    assert (version.major, version.minor, to_json(version)) == (major, minor, text)


def made(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@pytest.mark.parametrize(
    ("major", "variables", "by"),
    [
        (2, {}, "_isaac_sim"),
        (2, {"VIRTUAL_ENV": "venv"}, "_isaac_sim"),
        (2, {"VIRTUAL_ENV": "venv", "CONDA_PREFIX": "conda"}, "CONDA_PREFIX"),
        (3, {"VIRTUAL_ENV": "venv", "CONDA_PREFIX": "conda"}, "VIRTUAL_ENV"),
        (3, {"CONDA_PREFIX": "conda"}, "CONDA_PREFIX"),
    ],
)
@pytest.mark.parametrize("windows", [False, True])
def test_python_chosen_by_isaaclab(
    tmp_path: Path, major: int, variables: dict[str, str], by: str, windows: bool
) -> None:
    root = made(tmp_path, "_isaac_sim/python.sh", "_isaac_sim/python.bat")
    chosen = python_of_isaaclab(root, major, variables, windows)
    assert chosen is not None
    assert str(chosen.by) == by
    assert chosen.path.endswith((".exe", ".bat") if windows else ("bin/python", "bin\\python", ".sh"))


@pytest.mark.parametrize(("windows", "name"), [(True, "python.exe"), (False, "python"), (False, "python3")])
def test_python_on_path_is_the_last_resort(tmp_path: Path, windows: bool, name: str) -> None:
    made(tmp_path / "bin", name)
    environment = {"PATH": str(tmp_path / "bin")}
    chosen = python_of_isaaclab(tmp_path, 2, environment, windows)
    assert chosen is not None
    assert (str(chosen.by), chosen.path) == ("PATH", str(tmp_path / "bin" / name))
    assert python_of_isaaclab(tmp_path, 2, {"PATH": ""}, windows) is None


def test_environment_of_a_binary_isaac_sim(tmp_path: Path) -> None:
    root = made(tmp_path / "isaac-sim", "python.sh", "python.bat", "kit/python/bin/python3", "kit/python/python.exe")
    for windows in (False, True):
        assert isaacsim_of(interpreter_of(root, windows)) == root
        variables, folders = isaacsim_environment(root, windows)
        assert variables["ISAAC_PATH"] == str(root)
        assert folders == [str(root / "site")]
    assert isaacsim_of(tmp_path / "venv/bin/python") is None


def test_setup_script_entries_are_expanded(tmp_path: Path) -> None:
    (tmp_path / "setup_python_env.sh").write_text(
        'export PYTHONPATH="$PYTHONPATH:$SCRIPT_DIR/site:${SCRIPT_DIR}/exts/a:/opt/x"\n'
    )
    (tmp_path / "setup_python_env.bat").write_text("set PYTHONPATH=%~dp0site;%PYTHONPATH%;D:\\x\n")
    assert isaacsim_environment(tmp_path, False)[1] == [str(tmp_path / "site"), str(tmp_path / "exts/a"), "/opt/x"]
    assert isaacsim_environment(tmp_path, True)[1] == [str(tmp_path / "site"), "D:\\x"]


def test_site_that_makes_isaac_sim_importable_is_searched_whatever_the_setup_script_says(tmp_path: Path) -> None:
    (tmp_path / "setup_python_env.sh").write_text("export PYTHONPATH=$PYTHONPATH:$SCRIPT_DIR/exts/a\n")
    assert isaacsim_environment(tmp_path, False)[1] == [str(tmp_path / "exts/a")]
    made(tmp_path, "site/sitecustomize.py")
    assert isaacsim_environment(tmp_path, False)[1] == [str(tmp_path / "exts/a"), str(tmp_path / "site")]


def test_isaaclab_without_python_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmlaunch.support.platforms.current_name", lambda: "linux")
    root = made(tmp_path / "lab", "isaaclab.sh")
    settings = Settings(tmp_path, {"PATH": "", "VIRTUAL_ENV": "/venv"})
    runtime = isaaclab_runtime(settings, str(root), tmp_path, PLATFORMS["linux"])
    (finding,) = runtime.findings
    assert (finding.code, finding.severity.value) == ("PML211", "error")
    assert "VIRTUAL_ENV is set, but Isaac Lab 2.x ignores it" in finding.message
    assert runtime.facts.version is None
