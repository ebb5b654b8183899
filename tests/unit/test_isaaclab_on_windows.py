"""What would break isaaclab.bat is detected before the start: refused, avoided or reported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PureWindowsPath

import pytest

from pmlaunch.model import (
    FLAG,
    ChosenPython,
    Finding,
    IsaacLabVersion,
    Origin,
    RuntimeFacts,
    RuntimeKind,
    Severity,
    Source,
)
from pmlaunch.runtimes.batch_rules import BatchFile, about_zero
from pmlaunch.runtimes.interface import Runtime
from pmlaunch.runtimes.isaaclab import isaaclab_runtime
from pmlaunch.settings import Settings
from pmlaunch.support.platforms import PLATFORMS

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


@pytest.fixture(autouse=True)
def _on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmlaunch.support.platforms.current_name", lambda: "windows")


def runtime(root: Path, version: str = "2.3.0", *, name: str = "isaaclab", **environment: str) -> Runtime:
    """The runtime of an Isaac Lab of that version in the folder `name` below `root`, with this environment."""
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "isaaclab.bat").touch()
    (folder / "VERSION").write_text(version, encoding="utf-8")
    return isaaclab_runtime(Settings(root, environment), str(folder), root, PLATFORMS["windows"])


def findings(made: Runtime) -> list[tuple[str, Severity]]:
    return [(finding.code, finding.severity) for finding in made.findings]


def only(made: Runtime) -> Finding:
    (finding,) = made.findings
    return finding


def test_no_findings(tmp_path: Path) -> None:
    made = runtime(tmp_path, CONDA_PREFIX="/conda", PATH=r"C:\Windows;C:\Program Files (x86)\NVIDIA Corporation")
    assert (findings(made), made.environment, str(made.facts.version)) == ([], {}, "2.3.0")


@pytest.mark.parametrize("version", ["2.1.0", "2.3.0"])
def test_pml208_blank_in_conda_prefix(tmp_path: Path, version: str) -> None:
    finding = only(runtime(tmp_path, version, CONDA_PREFIX="/Program Files/conda"))
    assert (finding.code, finding.severity) == ("PML208", ERROR)
    assert finding.subject == str(Path("/Program Files/conda/python.exe"))
    assert finding.hint == f'--via python --python "{finding.subject}"'
    assert findings(runtime(tmp_path, "3.0.0", CONDA_PREFIX="/Program Files/conda")) == []


def test_pml208_does_not_apply_to_python_on_path_which_is_called_by_name(tmp_path: Path) -> None:
    place = tmp_path / "Program Files"
    place.mkdir()
    (place / "python.exe").touch()
    assert findings(runtime(tmp_path, PATH=str(place))) == []


@pytest.mark.parametrize("name", ["R&D", "100%", "a (b", "a) b", "a^b", "a;b", "x=y", "bang!"])
def test_pml209_special_characters_in_the_folder(tmp_path: Path, name: str) -> None:
    finding = only(runtime(tmp_path, name=name, CONDA_PREFIX="/conda"))
    assert (finding.code, finding.severity, finding.subject) == ("PML209", ERROR, str(tmp_path / name))
    assert f'--via python --python "{Path("/conda/python.exe")}"' in (finding.hint or "")


@pytest.mark.parametrize("version", ["2.3.0", "3.0.0"])
@pytest.mark.parametrize("prefix", ["/conda (old", "/old) conda"])
def test_pml209_unbalanced_parenthesis_in_the_python(tmp_path: Path, version: str, prefix: str) -> None:
    finding = only(runtime(tmp_path, version, CONDA_PREFIX=prefix))
    assert (finding.code, finding.severity, finding.subject) == ("PML209", ERROR, str(Path(prefix, "python.exe")))
    assert "CONDA_PREFIX" in finding.message


def test_pml210_variables_hidden_from_the_batch_file(tmp_path: Path) -> None:
    made = runtime(tmp_path, CONDA_PREFIX="/conda", Skip="1", PATH=r"C:\a;C:\b (old;C:\c (x86)")
    assert findings(made) == [("PML210", NOTE), ("PML210", NOTE)]
    assert made.environment == {"Skip": None, "PATH": r"C:\a;C:\c (x86)"}
    assert r"C:\b (old" in made.findings[1].message


def test_pml211_no_python(tmp_path: Path) -> None:
    assert findings(runtime(tmp_path, PATH="", VIRTUAL_ENV="/venv")) == [("PML211", ERROR)]
    assert findings(runtime(tmp_path, "3.0.0", PATH="", VIRTUAL_ENV="/venv")) == []


VERSIONS = [("2.1.0", True), ("2.3.0", True), ("unknown", True), ("3.0.0", False)]


@pytest.mark.parametrize(("version", "told"), VERSIONS)
def test_pml214_balanced_parentheses_in_conda_prefix_are_a_warning(tmp_path: Path, version: str, told: bool) -> None:
    expected = [("PML214", WARNING)] if told else []
    assert findings(runtime(tmp_path, version, CONDA_PREFIX="/conda(x86)")) == expected


@pytest.mark.parametrize(("version", "told"), VERSIONS)
def test_pml218_2_x_runs_nothing_in_a_folder_with_parentheses(tmp_path: Path, version: str, told: bool) -> None:
    made = runtime(tmp_path, version, name="lab (x86)", CONDA_PREFIX="/conda")
    assert findings(made) == ([("PML218", ERROR)] if told else [])
    if told:
        hint = only(made).hint or ""
        assert f'--via python --python "{Path("/conda/python.exe")}"' in hint
        assert f'subst X: "{tmp_path / "lab (x86)"}" and use --isaaclab X:\\' in hint


@pytest.mark.parametrize(("name", "code"), [("lab(x86)", "PML218"), ("my lab", "PML208")])
def test_way_around_names_the_interpreter_below_python_bat(tmp_path: Path, name: str, code: str) -> None:
    script = tmp_path / name / "_isaac_sim" / "python.bat"
    script.parent.mkdir(parents=True)
    script.touch()
    finding = only(runtime(tmp_path, name=name))
    assert finding.code == code
    assert str(PureWindowsPath(script).parent / "kit" / "python" / "python.exe") in (finding.hint or "")


def test_a_folder_elsewhere_than_windows_may_have_parentheses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmlaunch.support.platforms.current_name", lambda: "linux")
    folder = tmp_path / "lab (x86)"
    folder.mkdir()
    (folder / "isaaclab.sh").touch()
    settings = Settings(tmp_path, {"CONDA_PREFIX": "/conda"})
    assert isaaclab_runtime(settings, str(folder), tmp_path, PLATFORMS["linux"]).findings == ()


@pytest.mark.parametrize(
    ("version", "by", "words"),
    [
        ("2.1.0", "CONDA_PREFIX", "always"),
        ("2.1.0", "_isaac_sim", None),  # python.bat is started without CALL, so its own exit code comes back
        ("2.2.1", "_isaac_sim", "always"),
        ("2.3.0", "_isaac_sim", "always"),
        ("2.3.0", "CONDA_PREFIX", "always"),
        (None, "CONDA_PREFIX", "always"),
        ("3.0.0", "CONDA_PREFIX", "even after a crash"),
        ("3.0.0", "VIRTUAL_ENV", "even after a crash"),
        ("3.0.0", "_isaac_sim", None),
    ],
)
def test_meaning_of_exit_code_0(version: str | None, by: str, words: str | None) -> None:
    said = about_zero(IsaacLabVersion.parse(version) if version else None, by == "_isaac_sim")
    assert said is None if words is None else words in str(said)


def test_options_that_bypass_the_batch_file() -> None:
    facts = RuntimeFacts(RuntimeKind.ISAACLAB, r"C:\lab\isaaclab.bat", IsaacLabVersion("2.3.0", 2, 3), FLAG, None)

    def way(python: ChosenPython | None) -> str:
        batch = BatchFile.of(replace(facts, python=python))
        assert batch is not None
        return batch.way_around

    assert way(ChosenPython(r"C:\my conda\python.exe", Source(Origin.ACTIVE_ENVIRONMENT, "CONDA_PREFIX"), None)) == (
        r'--via python --python "C:\my conda\python.exe"'
    )
    assert way(ChosenPython(r"C:\lab\_isaac_sim\python.bat", Source(Origin.ISAAC_SIM), None)) == (
        r'--via python --python "C:\lab\_isaac_sim\kit\python\python.exe"'
    )
    assert way(None) == "--via python --python EXE"


@pytest.mark.parametrize(
    ("kind", "path"), [(RuntimeKind.ISAACLAB, "/lab/isaaclab.sh"), (RuntimeKind.PYTHON, r"C:\sim\python.bat")]
)
def test_other_programs_have_no_batch_file(kind: RuntimeKind, path: str) -> None:
    assert BatchFile.of(RuntimeFacts(kind, path, None, FLAG, None)) is None
