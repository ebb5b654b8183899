"""doctor's checks, one by one: what each one sees, and how much it weighs."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import psutil
import pytest

from pmlaunch.doctor import nvidia
from pmlaunch.doctor.check import Seen, Site
from pmlaunch.doctor.checks import cache, console, disk, embedded, git, git_lfs, long_paths, models, runs, system
from pmlaunch.doctor.probe import Answer, Probe
from pmlaunch.doctor.registry import CHECKS
from pmlaunch.doctor.target import make_site
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.v2.checkout import HydraCheckout
from pmlaunch.git.lfs_pointer import Pointer
from pmlaunch.model import FLAG, Severity
from pmlaunch.runtimes.interface import PythonRuntime
from pmlaunch.settings import Settings
from pmlaunch.support.cache import KINDS
from pmlaunch.support.platforms import PLATFORMS

Found = list[tuple[str, str]]
GitSays = Callable[[Mapping[str, tuple[int, str]]], None]
WHOLE: Mapping[str, str] = {
    "torch": "2.7.0", "lightning": "2.5.6", "hydra-core": "1.3.2", "omegaconf": "2.3.0", "numpy": "1.26.0",
    "scipy": "1.15.0", "trimesh": "4.5.1", "easydict": "1.13", "rich": "13.7.1", "isaaclab": "0.40.0",
    "genesis-world": "0.3.3", "moviepy": "1.0.3", "pydantic": "2.9.2", "mujoco": "3.2.0",
}  # fmt: skip
IMPORTS = ("lightning", "hydra", "protomotions", "isaac_utils", "poselib")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """For Genesis with a plain interpreter, without a checkout, not quick."""
    made = make_site(Settings(tmp_path, {"PATH": ""}), simulator="genesis", quick=True)
    runtime = PythonRuntime("/venv/bin/python", FLAG, "3.10")
    return replace(made, quick=False, runtime=runtime, platform=PLATFORMS["linux"], problem=None)


@pytest.fixture
def windows(site: Site) -> Site:
    return replace(site, platform=PLATFORMS["windows"])


@pytest.fixture
def git_says(monkeypatch: pytest.MonkeyPatch) -> GitSays:
    """git_says({"lfs version": (0, "...")}): what git answers; nothing to any other question."""

    def known(answers: Mapping[str, tuple[int, str]]) -> None:
        def ask(_environment: Any, *arguments: str, folder: Path | None = None) -> tuple[int, str] | None:
            typed = " ".join(arguments)
            return next((answer for question, answer in answers.items() if typed.startswith(question)), (1, ""))

        for module in (git, git_lfs, long_paths, sys.modules["pmlaunch.doctor.checks.local_changes"]):
            monkeypatch.setattr(module, "ask_git", ask)

    return known


def look(name: str, site: Site) -> Seen:
    return CHECKS[name].look(site)


def found(seen: Seen) -> Found:
    return [(one.code, one.severity.value) for one in seen.findings]


def with_programs(site: Site, tmp_path: Path, *names: str) -> Site:
    """The site with programs of these names on its PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in names:
        path = folder / (f"{name}.exe" if sys.platform == "win32" else name)
        path.touch(0o755)
    return replace(site, settings=replace(site.settings, environment={"PATH": str(folder)}))


# tools


def test_git_missing(site: Site) -> None:
    assert found(look("git", site)) == [("PML221", "warning")]


def test_git_here(site: Site, tmp_path: Path, git_says: GitSays) -> None:
    git_says({"--version": (0, "git version 2.39.5\n")})
    seen = look("git", with_programs(site, tmp_path, "git"))
    assert (seen.facts[0], seen.findings) == (("version", "2.39.5"), ())


def test_git_lfs_missing(site: Site, git_says: GitSays) -> None:
    git_says({})
    assert found(look("git_lfs", site)) == [("PML222", "warning")]


@pytest.mark.parametrize(
    ("answer", "expected"), [((0, "git-lfs filter-process"), []), ((1, ""), [("PML223", "warning")])]
)
def test_git_lfs_set_up(
    site: Site, tmp_path: Path, git_says: GitSays, answer: tuple[int, str], expected: Found
) -> None:
    git_says({"lfs version": (0, "git-lfs/3.3.0 (GitHub; linux)"), "config --get filter.lfs.process": answer})
    seen = look("git_lfs", with_programs(site, tmp_path, "git-lfs"))
    assert found(seen) == expected
    assert ("version", "3.3.0") in seen.facts


def test_git_lfs_of_git_for_windows_is_not_on_the_path(windows: Site, tmp_path: Path) -> None:
    own = tmp_path / "Git" / "mingw64" / "bin" / "git-lfs.exe"
    for path in (own, tmp_path / "Git" / "cmd" / "git", tmp_path / "Git" / "cmd" / "git.exe"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o755)
    quick = replace(windows, quick=True)
    environment = {"PATH": str(tmp_path / "Git" / "cmd")}
    seen = look("git_lfs", replace(quick, settings=replace(quick.settings, environment=environment)))
    assert ("path", str(own)) in seen.facts


def test_git_lfs_cannot_be_mended_says_why(site: Site, opened: HydraCheckout, git_says: GitSays) -> None:
    git_says({"lfs install": (2, "no space left")})
    assert git_lfs.fix(replace(site, checkout=opened)) is None  # it is no repository of its own
    (opened.root / ".git").mkdir()
    with pytest.raises(PmlaunchError, match="no space left") as caught:
        git_lfs.fix(replace(site, checkout=opened))
    assert caught.value.code == "PML223"


# checkout


def test_local_changes(site: Site, opened: HydraCheckout, git_says: GitSays) -> None:
    (opened.root / ".git").mkdir()
    git_says({"status": (0, " M protomotions/a.py\0 D data/b.npy\0 D data/c.npy\0")})
    seen = look("changes", replace(site, checkout=opened))
    assert found(seen) == [("PML225", "note")]
    assert seen.facts == (("local changes", "2 deleted, 1 changed"),)
    assert "protomotions/a.py" in seen.findings[0].message


def test_no_local_changes(site: Site, opened: HydraCheckout, git_says: GitSays) -> None:
    (opened.root / ".git").mkdir()
    git_says({"status": (0, "")})
    assert look("changes", replace(site, checkout=opened)).facts == (("local changes", "none"),)


@pytest.mark.parametrize("name", ["changes", "config", "models"])
def test_without_a_checkout_nothing_is_looked_at(site: Site, name: str) -> None:
    assert look(name, site) == Seen(skipped="there is no checkout")


def test_a_config_that_does_not_compose(site: Site, opened: HydraCheckout) -> None:
    (opened.config_dir / "robot" / "smpl.yaml").write_text("robot: [", encoding="utf-8")
    seen = look("config", replace(site, checkout=opened))
    assert "error" in {severity for _, severity in found(seen)}
    assert seen.facts[0][0] == "does not compose"


def test_the_robot_that_genesis_has_no_gains_for(site: Site, opened: HydraCheckout) -> None:
    assert found(look("config", replace(site, checkout=opened))) == [("PML116", "warning")]


class Registry(ModuleType):
    """winreg with one value in it; None: the value is not there."""

    HKEY_LOCAL_MACHINE = 0

    def __init__(self, value: int | None):
        super().__init__("winreg")
        self.value = value

    def OpenKey(self, *_: Any) -> Any:
        from contextlib import nullcontext

        return nullcontext()

    def QueryValueEx(self, *_: Any) -> tuple[int, int]:
        if self.value is None:
            raise FileNotFoundError
        return self.value, 4


@pytest.mark.parametrize(("value", "expected"), [(1, []), (0, [("PML237", "note")]), (None, [("PML237", "note")])])
def test_long_paths_of_windows(
    windows: Site, monkeypatch: pytest.MonkeyPatch, value: int | None, expected: Found
) -> None:
    monkeypatch.setitem(sys.modules, "winreg", Registry(value))
    assert found(look("long_paths", windows)) == expected


@pytest.mark.parametrize(("answer", "expected"), [("true\n", []), ("false\n", [("PML224", "warning")])])
def test_long_paths_of_git(
    windows: Site,
    opened: HydraCheckout,
    git_says: GitSays,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    expected: Found,
) -> None:
    (opened.root / ".git").mkdir()
    monkeypatch.setitem(sys.modules, "winreg", Registry(1))
    git_says({"config --get core.longpaths": (0, answer)})
    assert found(look("long_paths", replace(windows, checkout=opened))) == expected


def test_long_paths_are_no_matter_elsewhere(site: Site) -> None:
    assert look("long_paths", site).skipped is not None


def test_long_paths_cannot_be_mended_says_why(windows: Site, opened: HydraCheckout, git_says: GitSays) -> None:
    git_says({"config core.longpaths": (255, "could not lock config file")})
    assert long_paths.fix(replace(windows, checkout=opened)) is None  # it is no repository of its own
    (opened.root / ".git").mkdir()
    with pytest.raises(PmlaunchError, match="could not lock") as caught:
        long_paths.fix(replace(windows, checkout=opened))
    assert caught.value.code == "PML224"


# models


def test_one_checkpoint_is_enough_for_a_run(site: Site, opened: HydraCheckout, in_git: dict[str, Pointer]) -> None:
    assert found(models.MODELS.look(replace(site, checkout=opened))) == [("PML101", "warning")]


def test_several_pointers_are_one_finding(site: Site, opened: HydraCheckout) -> None:
    tracker = opened.root / "data/pretrained_models/motion_tracker/smpl/last.ckpt"
    tracker.write_bytes((opened.root / "data/pretrained_models/masked_mimic/smpl/last.ckpt").read_bytes())
    seen = models.MODELS.look(replace(site, checkout=opened))
    assert found(seen) == [("PML101", "error")]
    assert seen.findings[0].subject == "masked_mimic, motion_tracker"
    assert "pmlaunch fetch NAME" in (seen.findings[0].hint or "")


def test_no_checkpoint_at_all_stops_every_run(site: Site, opened: HydraCheckout) -> None:
    (opened.root / "data/pretrained_models/motion_tracker/smpl/last.ckpt").unlink()
    assert found(models.MODELS.look(replace(site, checkout=opened))) == [("PML101", "error"), ("PML102", "error")]


@pytest.mark.parametrize(("size", "code"), [(7, "PML103"), (920, "PML104")])
def test_a_checkpoint_that_is_not_what_git_says(
    site: Site, opened: HydraCheckout, in_git: dict[str, Pointer], size: int, code: str
) -> None:
    here = opened.root / "data/pretrained_models/motion_tracker/smpl/last.ckpt"
    assert here.stat().st_size == 920
    in_git["last.ckpt"] = Pointer("0" * 64, size)
    seen = models.MODELS.look(replace(site, checkout=opened))
    assert (code, "error") in found(seen)
    assert found(models.MODELS.look(replace(site, checkout=opened, quick=True))) == [("PML101", "warning")]


# Python packages


def answered(site: Site, **reply: Any) -> Site:
    """The site whose Python answered this; packages by version, imports that went well unless said otherwise."""
    versions = reply.pop("packages", WHOLE)
    imports = {name: {"ok": True, "file": None, "error": None} for name in IMPORTS} | reply.pop("imports", {})
    entries = {name: {"version": version, "editable": None, "complete": True} for name, version in versions.items()}
    entries |= reply.pop("entries", {})
    document = {"python": "3.10.14", "packages": entries, "imports": imports, **reply}
    return asked(site, Answer(document))


def asked(site: Site, answer: Answer) -> Site:
    probe = Probe(lambda: answer)
    probe.ask()
    return replace(site, probe=probe)


def without(*names: str) -> dict[str, str]:
    return {name: version for name, version in WHOLE.items() if name not in names}


def test_packages_that_are_whole(site: Site) -> None:
    seen = look("packages", answered(site))
    assert found(seen) == []
    assert {("Python", "3.10.14"), ("torch", "2.7.0"), ("genesis-world", "0.3.3")} <= set(seen.facts)


def test_missing_packages_are_named_once(site: Site) -> None:
    seen = look("packages", answered(site, packages=without("lightning", "easydict")))
    # lightning imports: it comes from a folder without metadata, as in Isaac Sim's archives
    assert found(seen) == [("PML227", "error")]
    assert seen.findings[0].subject == "easydict"
    assert '"/venv/bin/python" -m pip install easydict' in (seen.findings[0].hint or "")


def test_the_simulators_own_package_is_needed(site: Site) -> None:
    assert found(look("packages", answered(site, packages=without("genesis-world")))) == [("PML227", "error")]


@pytest.mark.parametrize(
    ("simulator", "package", "version", "expected"),
    [
        ("genesis", "moviepy", "2.1.1", [("PML229", "warning")]),
        ("genesis", "moviepy", "1.0.3", []),
        ("isaaclab", "pydantic", "1.10.9", [("PML240", "warning")]),
        ("genesis", "pydantic", "1.10.9", []),
    ],
)
def test_versions_that_break_something(
    tmp_path: Path, site: Site, simulator: str, package: str, version: str, expected: Found
) -> None:
    chosen = make_site(site.settings, simulator=simulator, quick=True).simulator
    changed = {**WHOLE, package: version}
    assert found(look("packages", answered(replace(site, simulator=chosen), packages=changed))) == expected


@pytest.mark.parametrize(("python", "expected"), [("3.10.14", []), ("3.11.7", [("PML233", "note")])])
def test_a_newer_python_is_repaired_in_every_run(
    site: Site, opened: HydraCheckout, python: str, expected: Found
) -> None:
    assert found(look("packages", answered(replace(site, checkout=opened), python=python))) == expected


def test_a_package_that_does_not_import(site: Site) -> None:
    broken = {"ok": False, "error": "ModuleNotFoundError: No module named 'pkg_resources'"}
    seen = look("packages", answered(site, imports={"lightning": broken}))
    assert found(seen) == [("PML241", "error")]
    assert 'pip install "setuptools<81"' in (seen.findings[0].hint or "")


def test_protomotions_that_is_nowhere(site: Site, opened: HydraCheckout) -> None:
    nowhere = {"ok": False, "error": "ModuleNotFoundError: No module named 'protomotions'"}
    seen = look("packages", answered(site, imports={"protomotions": nowhere}))
    assert (found(seen), seen.findings[0].subject) == ([("PML227", "error")], "protomotions")
    assert seen.findings[0].hint == "pmlaunch install --simulator genesis"
    seen = look("packages", answered(replace(site, checkout=opened), packages=without("rich")))
    assert (seen.findings[0].hint or "").startswith(f'pmlaunch install --dir "{opened.root}" --simulator genesis, or ')


def test_protomotions_of_another_checkout(site: Site, opened: HydraCheckout, tmp_path: Path) -> None:
    other = tmp_path / "older" / "protomotions" / "__init__.py"
    here = opened.root / "poselib" / "poselib" / "__init__.py"
    imports = {name: {"ok": True, "file": str(path)} for name, path in (("protomotions", other), ("poselib", here))}
    seen = look("packages", answered(replace(site, checkout=opened), imports=imports))
    assert found(seen) == [("PML228", "warning")]
    assert seen.findings[0].subject == str(other)


def test_a_half_installed_package(site: Site) -> None:
    entries = {"scipy": {"version": "1.15.0", "complete": False}}
    seen = look("packages", answered(site, entries=entries))
    assert found(seen) == [("PML245", "warning")]
    assert "scipy" in seen.findings[0].message


def test_quick_reads_the_files(site: Site, tmp_path: Path) -> None:
    home = tmp_path / "venv" / "lib" / "python3.10" / "site-packages"
    for name, version in without("lightning").items():
        (home / f"{name.replace('-', '_')}-{version}.dist-info").mkdir(parents=True)
        (home / f"{name.replace('-', '_')}-{version}.dist-info" / "INSTALLER").touch()
    other = tmp_path / "other"
    (home / "torch-2.7.0.dist-info").rename(other.mkdir() or other / "torch-2.7.0.dist-info")
    text = f"# a comment\nimport sys; sys.exit(3)\n{other}\n{tmp_path / 'gone'}\n"
    (home / "other.pth").write_text(text, encoding="utf-8")
    runtime = PythonRuntime(str(tmp_path / "venv" / "bin" / "python"), FLAG, "3.10")
    seen = look("packages", replace(site, quick=True, runtime=runtime))
    assert found(seen) == [("PML227", "warning")]
    assert seen.findings[0].subject == "lightning"
    assert ("torch", "2.7.0") in seen.facts


TORCH: Mapping[str, Any] = {
    "version": "2.7.0", "file": "/venv/torch", "cuda_build": "12.8", "cuda_available": True, "devices": ["RTX 5090"],
    "nccl": True, "gloo": True, "libuv": True, "warnings": [],
}  # fmt: skip
ON_THE_CPU = {**TORCH, "version": "2.7.0+cpu", "cuda_build": None, "cuda_available": False, "nccl": False}


@pytest.mark.parametrize(
    ("simulator", "gpu", "torch", "expected"),
    [
        ("isaaclab", True, TORCH, []),
        ("isaaclab", True, ON_THE_CPU, [("PML230", "error"), ("PML232", "error")]),
        ("genesis", True, ON_THE_CPU, [("PML230", "warning"), ("PML232", "error")]),
        ("genesis", False, ON_THE_CPU, []),
        ("genesis", False, {**ON_THE_CPU, "gloo": False}, [("PML232", "error")]),
        ("genesis", False, {"error": "OSError: WinError 126"}, [("PML241", "error")]),
    ],
)
def test_torch(
    site: Site, monkeypatch: pytest.MonkeyPatch, simulator: str, gpu: bool, torch: Mapping[str, Any], expected: Found
) -> None:
    monkeypatch.setattr("pmlaunch.doctor.checks.torch.has_nvidia", lambda _: gpu)
    chosen = make_site(site.settings, simulator=simulator, quick=True).simulator
    asked_about = replace(site, simulator=chosen, backend="nccl" if gpu else "gloo")
    assert found(look("torch", answered(asked_about, torch=torch))) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"backend": "gloo", "ok": True, "seconds": 0.02}, []),
        ({"backend": "nccl", "ok": False, "error": "RuntimeError: no NCCL built in\n..."}, [("PML231", "error")]),
        (None, []),
    ],
)
def test_process_group(site: Site, told: Mapping[str, Any] | None, expected: Found) -> None:
    seen = look("process_group", answered(replace(site, backend="gloo"), process_group=told))
    assert found(seen) == expected
    assert (seen.skipped is not None) == (told is None)


def test_no_process_group_wanted(site: Site) -> None:
    assert look("process_group", replace(site, backend=None)).skipped is not None


@pytest.mark.parametrize(("simulator", "severity"), [("mujoco", "error"), ("genesis", "note")])
def test_packages_of_the_embedded_evaluation(
    site: Site, monkeypatch: pytest.MonkeyPatch, simulator: str, severity: str
) -> None:
    monkeypatch.setattr(embedded, "find_spec", lambda name: None if name == "mujoco" else object())
    assert found(look("embedded", replace(site, embedded=simulator == "mujoco"))) == [("PML203", severity)]


# GPU


class Nvml(ModuleType):
    """nvidia-ml-py with one GPU; `broken` is what nvmlInit raises."""

    class NVMLError(Exception):
        pass

    def __init__(self, count: int = 1, broken: str | None = None):
        super().__init__("pynvml")
        self.count, self.broken = count, broken

    def nvmlInit(self) -> None:
        if self.broken:
            raise self.NVMLError(self.broken)

    def nvmlShutdown(self) -> None:
        pass

    def nvmlSystemGetDriverVersion(self) -> bytes:
        return b"580.95.05"

    def nvmlDeviceGetCount(self) -> int:
        return self.count

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetMemoryInfo(self, _: int) -> Any:
        return SimpleNamespace(total=80 * 2**30, free=79 * 2**30)

    def nvmlDeviceGetName(self, _: int) -> str:
        return "NVIDIA H100"


@pytest.fixture
def no_driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without NVIDIA: the folder in which its driver's files would lie."""
    monkeypatch.setattr(nvidia, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(nvidia, "_program", lambda _: None)
    monkeypatch.setitem(sys.modules, "pynvml", None)
    return tmp_path / "proc"


def test_gpu_by_the_library(site: Site, no_driver: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", Nvml())
    seen = look("gpu", site)
    assert seen.findings == ()
    assert seen.facts == (("GPU 0", "NVIDIA H100, 79.0 of 80.0 GiB free"), ("driver", "580.95.05"))


@pytest.mark.parametrize("library", [None, Nvml(broken="Driver Not Loaded")])
def test_gpu_by_the_drivers_files(
    site: Site, no_driver: Path, monkeypatch: pytest.MonkeyPatch, library: ModuleType | None
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", library)
    information = no_driver / "gpus" / "0000:01:00.0" / "information"
    information.parent.mkdir(parents=True)
    information.write_text("Model: \t\t NVIDIA RTX A6000\nIRQ: 1\n", encoding="utf-8")
    version = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Thu\n"
    (no_driver / "version").write_text(version, encoding="utf-8")
    seen = look("gpu", site)
    assert seen.facts == (("GPU 0", "NVIDIA RTX A6000"), ("driver", "570.86.15"))
    assert found(seen) == [("PML235", "note")]
    assert seen.findings[0].hint == f'"{sys.executable}" -m pip install "pmlaunch[gpu]"'


@pytest.mark.parametrize(
    ("simulator", "device", "expected"),
    [
        ("isaaclab", None, [("PML234", "error")]),
        ("genesis", None, [("PML234", "note")]),
        ("mujoco", None, [("PML234", "note")]),
        ("isaaclab", "cpu", [("PML234", "note")]),
    ],
)
def test_no_gpu(site: Site, no_driver: Path, simulator: str, device: str | None, expected: Found) -> None:
    chosen = make_site(site.settings, simulator=simulator, device=device, quick=True)
    assert found(look("gpu", chosen)) == expected


def test_a_driver_that_finds_no_gpu(site: Site, no_driver: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", Nvml(count=0))
    seen = look("gpu", site)
    assert found(seen) == [("PML234", "note")]
    assert "finds no GPU" in seen.findings[0].message


# disk


@pytest.mark.parametrize(
    ("free", "expected"), [(10**7, [("PML236", "error")]), (10**9, [("PML236", "warning")]), (10**10, [])]
)
def test_space_on_the_disk(site: Site, monkeypatch: pytest.MonkeyPatch, free: int, expected: Found) -> None:
    """Said once for a disk, however many of the folders are on it."""
    monkeypatch.setattr(disk, "cache_root", lambda: site.settings.folder)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    assert found(look("disk", site)) == expected


def test_leftovers_in_the_cache_are_removed(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "cache"
    (root / "configs").mkdir(parents=True)
    good, half = f"{'a' * 64}.json", f"{'b' * 64}.json"
    (root / "configs" / good).write_text("{}", encoding="utf-8")
    (root / "configs" / half).write_text('{"a', encoding="utf-8")
    (root / "configs" / f".{half}.x_1.tmp").write_text("", encoding="utf-8")
    monkeypatch.setattr(cache, "cache_root", lambda: root)
    # a file that is being written now is no leftover
    assert [path.name for path in cache.leftovers(root)] == [half]
    monkeypatch.setattr(cache, "_OLD", -1.0)
    assert found(look("cache", site)) == [("PML243", "note")]
    assert "removed 2 unusable files" in (cache.fix(site) or "")
    assert found(look("cache", site)) == []
    assert [path.name for path in (root / "configs").iterdir()] == [good]


def test_what_is_not_the_caches_is_left_alone(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PMLAUNCH_CACHE may name a folder of the user's, with folders and files of theirs."""
    names = ["configs/notes.json", "configs/.draft.tmp", "configs/.notes.json.1.tmp", f"mine/{'a' * 64}.json"]
    for name in names:
        (tmp_path / "mixed" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mixed" / name).write_text("no JSON", encoding="utf-8")
    monkeypatch.setattr(cache, "cache_root", lambda: tmp_path / "mixed")
    monkeypatch.setattr(cache, "_OLD", -1.0)
    assert found(look("cache", site)) == []
    assert cache.fix(site) is None
    assert all((tmp_path / "mixed" / name).is_file() for name in names)


def test_every_kind_of_entry_is_known(tmp_path: Path) -> None:
    """A kind that is not named in KINDS would never be tidied."""
    source = Path(cache.__file__).parents[2]
    used = {
        kind for path in source.rglob("*.py") for kind in re.findall(r'JsonCache\("(\w+)"\)', path.read_text("utf-8"))
    }
    assert used == set(KINDS)


# this machine


@pytest.mark.parametrize(("gib", "expected"), [(1, [("PML238", "warning")]), (16, [])])
def test_memory(site: Site, monkeypatch: pytest.MonkeyPatch, gib: int, expected: Found) -> None:
    memory = SimpleNamespace(available=gib * 2**30, total=32 * 2**30)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    seen = look("system", site)
    assert found(seen) == expected
    assert dict(seen.facts)["system"] == system.system_name() != ""


@pytest.mark.parametrize(("encoding", "expected"), [("utf-8", []), ("UTF8", []), ("cp936", [("PML239", "note")])])
def test_the_consoles_characters(
    windows: Site, monkeypatch: pytest.MonkeyPatch, encoding: str, expected: Found
) -> None:
    monkeypatch.setattr(console, "sys", SimpleNamespace(stdout=SimpleNamespace(encoding=encoding)))
    assert found(look("console", windows)) == expected


@pytest.mark.parametrize(("environment", "expected"), [({}, ["PML242"]), ({"WAYLAND_DISPLAY": "wayland-0"}, [])])
def test_a_display(site: Site, environment: dict[str, str], expected: list[str]) -> None:
    seen = look("console", replace(site, settings=replace(site.settings, environment=environment)))
    assert [one.code for one in seen.findings if one.code == "PML242"] == expected


def test_runs_that_go_on(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, elsewhere = tmp_path / "runs" / "one", tmp_path / "other" / "two"
    monkeypatch.setattr(runs, "running_runs", lambda _: [SimpleNamespace(path=here)])
    monkeypatch.setattr(runs, "_elsewhere", lambda: [elsewhere, here])
    seen = look("runs", site)
    assert (found(seen), seen.facts) == ([("PML244", "note")], (("going on", "2"),))
    monkeypatch.setattr(runs, "running_runs", lambda _: [])
    monkeypatch.setattr(runs, "_elsewhere", lambda: [])
    assert found(look("runs", site)) == []


def test_what_the_runtime_lacks_is_said_by_its_own_check(tmp_path: Path) -> None:
    site = make_site(Settings(tmp_path, {}), simulator="isaaclab", quick=True)
    assert found(look("runtime", site)) == [("PML201", Severity.ERROR.value)]
    seen = look("packages", replace(site, quick=False, probe=None))
    assert (seen.findings, seen.skipped) == ((), "it is not known which Python a run would use")
