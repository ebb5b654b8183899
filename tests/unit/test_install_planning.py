"""What an installation plans, reads from git's output, and writes to pmlaunch.yaml; without git and without a network."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from pmlaunch.cli.commands.install import model_names
from pmlaunch.errors import PmlaunchError
from pmlaunch.git.failures import failure
from pmlaunch.git.progress import LfsProgress, git_progress
from pmlaunch.git.runner import Git, version_in
from pmlaunch.installing import tools_step as tools
from pmlaunch.installing.checkout.checkout_step import CheckoutStep
from pmlaunch.installing.checkout.source import Ref, address, generation_by_name
from pmlaunch.installing.checkpoints.checkpoints_step import ModelsStep, robot_assets
from pmlaunch.installing.engine import install, make_site, plan
from pmlaunch.installing.python import imports_step as proof
from pmlaunch.installing.step import InstallRequest, Progress, Site, State, StepResult, Todo
from pmlaunch.installing.tools_step import ToolsStep
from pmlaunch.installing.workspace_step import WorkspaceStep, add_keys
from pmlaunch.model import Generation
from pmlaunch.processes.supervise import ChildResult, Ending
from pmlaunch.settings import Settings
from pmlaunch.support import disk
from pmlaunch.support.disk import require_room
from pmlaunch.support.platforms import PLATFORMS

MakeSite = Callable[..., Site]


@pytest.fixture
def site(tmp_path: Path) -> MakeSite:
    """site(models=("maskmimic",), system="windows"): an empty folder in which an installation is planned."""

    def make(system: str = "linux", environment: dict[str, str] | None = None, **options: object) -> Site:
        request = InstallRequest(
            **{
                "folder": tmp_path / "protomotions",
                "ref": "v2.3",
                "source": "https://github.com/NVlabs/ProtoMotions",
                "models": ("maskmimic",),
                **options,
            }  # type: ignore[arg-type]
        )
        return Site(request, Settings(tmp_path), PLATFORMS[system], environment or {"PATH": "/bin"}, tmp_path / "logs")

    return make


@pytest.fixture
def no_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """A git that is there and knows nothing."""
    monkeypatch.setattr("pmlaunch.git.runner.executable", lambda _: "/usr/bin/git")
    monkeypatch.setattr(Git, "_short", lambda *_, **__: SimpleNamespace(returncode=1, stdout=b""))
    monkeypatch.setattr(Git, "version", (2, 40, 0))
    monkeypatch.setattr(Git, "lfs_version", (3, 4, 0))


def refused(call: Callable[[], object]) -> PmlaunchError:
    with pytest.raises(PmlaunchError) as caught:
        call()
    return caught.value


# ---- what is planned


def test_plan_of_an_empty_folder(site: MakeSite, no_git: None) -> None:
    here = site()
    planned = plan([ToolsStep(), CheckoutStep(), ModelsStep(), WorkspaceStep()], here)
    assert planned.error is None
    assert [(result.name, result.state.value) for result in planned.results] == [
        ("tools", "already done"),
        ("checkout", "planned"),
        ("models", "planned"),
        ("workspace", "planned"),
    ]
    _, checkout, models, _ = planned.results
    assert "git 2.40.0, git-lfs 3.4.0" in planned.results[0].text
    assert "as a clone" in checkout.text
    assert "--depth 1" in checkout.commands[0]
    assert checkout.commands[0].startswith("git -c filter.lfs.smudge= "), "a form that every shell understands"
    assert models.bytes == 303_850_268
    assert models.commands[-1].endswith('--include="data/pretrained_models/masked_mimic/smpl/last.ckpt" --exclude=""')
    assert planned.bytes == models.bytes + (checkout.bytes or 0)
    assert not here.logs.exists()
    assert not here.checkout.exists()


@pytest.mark.parametrize(
    ("models", "size"), [(("maskmimic",), 303_850_268), (("mm", "tracker"), 583_102_140), (("all",), 583_102_140)]
)
def test_bytes_of_the_models(site: MakeSite, no_git: None, models: tuple[str, ...], size: int) -> None:
    todo = ModelsStep().todo(site(models=models))
    assert todo is not None
    assert (todo.bytes, todo.disk) == (size, 2 * size)


def test_no_models(site: MakeSite, no_git: None) -> None:
    assert ModelsStep().todo(site(models=())) is None


def test_meshes_of_generation_3_are_foretold(site: MakeSite, no_git: None) -> None:
    todo = ModelsStep().todo(site(models=(), ref="v3.1", robot="g1"))
    assert todo is not None
    assert (todo.text, todo.bytes) == ("the meshes of robot g1, as many as the checkout names; from Git LFS", None)
    both = ModelsStep().todo(site(models=("maskmimic",), ref="main"))
    assert both is not None
    assert both.text.startswith("masked_mimic: 304 MB as v2.3 has them; the meshes of robot smpl")
    unknown = ModelsStep().todo(site(models=("maskmimic",), ref="mine"))
    assert unknown is not None
    assert "meshes" not in unknown.text


def test_unknown_model_is_refused_before_anything_else(site: MakeSite, no_git: None) -> None:
    planned = plan([ToolsStep(), CheckoutStep(), ModelsStep()], site(models=("maskmimik",)))
    assert planned.error is not None
    assert (planned.error.code, planned.results) == ("PML010", [])


def test_generation_3_is_warned_about(site: MakeSite, no_git: None) -> None:
    planned = plan([CheckoutStep()], site(ref="main", ref_given=True))
    assert [finding.code for finding in planned.findings] == ["PML410"]


@pytest.mark.parametrize(
    ("ref", "generation"),
    [
        ("v2.3", Generation.V2),
        ("v2", Generation.V2),
        ("v3.1", Generation.V3),
        ("main", Generation.V3),
        ("v30", None),
        ("mine", None),
    ],
)
def test_generation_of_a_ref(ref: str, generation: Generation | None) -> None:
    assert generation_by_name(ref) == generation


def test_too_little_disk_is_told_before_the_download(
    site: MakeSite, no_git: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [CheckoutStep(), ModelsStep()]
    for free, code in ((700_000_000, "PML402"), (900_000_000, None)):
        monkeypatch.setattr(disk.shutil, "disk_usage", lambda _, free=free: SimpleNamespace(free=free))
        error = plan(steps, site()).error
        assert (error.code if error else None) == code


def test_room_is_that_of_the_nearest_folder_that_exists(tmp_path: Path) -> None:
    assert disk.free_bytes(tmp_path / "a" / "b") == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.2)
    require_room(tmp_path / "a", 0)
    assert refused(lambda: require_room(tmp_path, 10**18)).code == "PML402"


def test_long_paths_on_windows(site: MakeSite, no_git: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tools, "long_paths", lambda: False)
    here = site("windows", folder=tmp_path / ("deep" * 40))
    assert ToolsStep().todo(here) is None
    assert [finding.code for finding in here.findings] == ["PML421"]
    monkeypatch.setattr(tools, "long_paths", lambda: True)
    assert not plan([ToolsStep()], site("windows", folder=tmp_path / ("deep" * 40))).findings


def test_git_that_is_missing(site: MakeSite, tmp_path: Path) -> None:
    error = plan([ToolsStep()], site(environment={"PATH": str(tmp_path)})).error
    assert error is not None
    assert (error.code, error.exit_code) == ("PML400", 6)


def test_git_lfs_that_is_missing(site: MakeSite, no_git: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Git, "lfs_version", (0,))
    error = plan([ToolsStep()], site()).error
    assert error is not None
    assert (error.code, error.exit_code) == ("PML401", 6)


def test_plan_of_a_commit_names_commands_that_git_takes(site: MakeSite, no_git: None) -> None:
    commit = "4a" * 20
    commands = plan([CheckoutStep()], site(ref=commit, ref_given=True)).results[0].commands
    assert not any("--branch" in command for command in commands), "git clone takes no commit there"
    assert any(command.endswith(f"fetch --depth 1 origin {commit}") for command in commands)


def test_a_robot_that_is_mistyped_is_told_which_there_are(
    site: MakeSite, no_git: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = site(robot="nope", models=())
    configs = here.checkout / "protomotions" / "robot_configs"
    configs.mkdir(parents=True)
    for name in ("base", "g1", "smpl"):
        (configs / f"{name}.py").touch()
    error = refused(lambda: robot_assets(Git(here), here))
    assert (error.code, error.hint) == ("PML010", "--robot NAME, one of: g1, smpl")


@pytest.mark.parametrize(
    ("models", "hint"),
    [
        (("maskmimic",), "pmlaunch fetch masked_mimic --from hf"),
        (("motion_tracker",), "--dir ANOTHER_FOLDER"),
        (("motion_tracker", "maskmimic"), "pmlaunch fetch masked_mimic --from hf"),
    ],
)
def test_without_git_the_hint_is_about_the_model_that_was_named(
    site: MakeSite, no_git: None, models: tuple[str, ...], hint: str
) -> None:
    here = site(models=models)
    program = here.checkout / "protomotions" / "eval_agent.py"
    program.parent.mkdir(parents=True)
    program.touch()
    error = refused(lambda: ModelsStep().todo(here))
    assert error.code == "PML417"
    assert hint in (error.hint or "")
    assert "maskmimic" not in (error.hint or "")


# ---- the loop


class Recorded:
    """A step that notes what it was asked; `fails` names the question that it cannot answer."""

    def __init__(self, name: str, todo: Todo | None, fails: str = ""):
        self.name = self.title = name
        self.asked: list[str] = []
        self._todo, self._fails = todo, fails

    def todo(self, site: Site) -> Todo | None:
        self.asked.append("todo")
        if self._fails == "todo":
            raise PmlaunchError("PML430", f"{self.name[0]} lacks something")
        return self._todo

    def do(self, site: Site, report: object) -> None:
        self.asked.append("do")
        if self._fails == "do":
            raise PmlaunchError("PML409", "did not work")

    def prove(self, site: Site) -> str:
        self.asked.append("prove")
        return "proven"


class Silent:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.results: list[StepResult] = []

    def begins(self, step: object, todo: Todo) -> None: ...
    def progress(self, progress: Progress) -> None: ...
    def ended(self, result: StepResult) -> None:
        self.results.append(result)


def run(steps: list[Recorded], here: Site) -> tuple[list[State], PmlaunchError | None]:
    came = install(steps, here, Silent(), plan(steps, here))
    return [result.state for result in came.results], came.error


def test_steps_are_done_and_proven_in_their_order(site: MakeSite) -> None:
    steps = [Recorded("a", None), Recorded("b", Todo("b")), Recorded("c", Todo("c")), Recorded("d", None)]
    assert run(steps, site()) == ([State.ALREADY, State.DONE, State.DONE, State.ALREADY], None)
    # what was planned holds until something has changed
    assert [step.asked for step in steps] == [
        ["todo"],
        ["todo", "do", "prove"],
        ["todo", "todo", "do", "prove"],
        ["todo", "todo"],
    ]


def test_what_one_step_lacks_hides_no_other_step_from_a_plan(site: MakeSite) -> None:
    lacking = (Recorded(name, None, fails="todo") for name in ("b", "b too", "c"))
    steps = [Recorded("a", Todo("a")), *lacking, Recorded("d", Todo("d"))]
    planned = plan(steps, site())
    assert planned.error is not None
    assert (planned.error.code, planned.error.message) == ("PML430", "b lacks something")
    assert [(result.state, result.text) for result in planned.results] == [
        (State.PLANNED, "a"),
        (State.FAILED, "b lacks something"),
        (State.FAILED, "cannot be planned without what is missing above"),
        (State.FAILED, "c lacks something"),
        (State.PLANNED, "d"),
    ]
    assert [finding.message for finding in planned.findings] == ["c lacks something"]


def test_the_first_failure_ends_it(site: MakeSite) -> None:
    steps = [Recorded("a", Todo("a"), fails="do"), Recorded("b", Todo("b"))]
    states, error = run(steps, site())
    assert states == [State.FAILED]
    assert error is not None
    assert error.code == "PML409"
    assert steps[1].asked == ["todo"]


# ---- where it comes from


def test_a_folder_becomes_an_address(tmp_path: Path) -> None:
    folder = tmp_path / "with blank & 100% 步"
    folder.mkdir()
    assert address(str(folder)) == folder.as_uri()
    for url in ("https://github.com/NVlabs/ProtoMotions", "git@github.com:NVlabs/ProtoMotions", "file:///a%20b"):
        assert address(url) == url
    for nothing in (str(tmp_path / "nowhere"), "--upload-pack=touch /tmp/x", "ext::sh -c true"):
        assert refused(lambda nothing=nothing: address(nothing)).code == "PML404"


def test_what_is_fetched_for_a_ref() -> None:
    assert Ref("refs/tags/v2.3", "a" * 40).refspec == "+refs/tags/v2.3:refs/tags/v2.3"
    assert Ref("refs/heads/main", "a" * 40).refspec == "+refs/heads/main:refs/remotes/origin/main"
    assert Ref(None, "a" * 40).refspec == Ref(None, "a" * 40).kept == "a" * 40


# ---- what git says


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Receiving objects:  50% (4/8), 10.00 MiB | 2.00 MiB/s", Progress("x", 10 << 20, 20 << 20)),
        ("Receiving objects: 100% (8/8), 512 bytes | 512.00 KiB/s, done.", Progress("x", 512, 512)),
        ("Receiving objects:   1% (1/99), 1.00 KiB | 1.00 KiB/s", Progress("x", 1024, None)),
        ("remote: Counting objects:  33% (1/3)", Progress("x: counting objects 1 of 3")),
        ("Updating files:  45% (45/100)", Progress("x: updating files 45 of 100")),
        ("From https://github.com/NVlabs/ProtoMotions", None),
        ("HEAD is now at 4a905b9 v2.3", None),
    ],
)
def test_progress_of_git(line: str, expected: Progress | None) -> None:
    assert git_progress(line, "x") == expected


def test_progress_of_git_lfs(tmp_path: Path) -> None:
    told, seen = tmp_path / "progress", []
    progress = LfsProgress(told, seen.append, "x", 300)
    assert progress() == 0
    told.write_bytes(b"download 1/2 50/100 a b.ckpt\ndownload 2/2 20/200 c.ckpt\ndownload 2/2 4")
    assert progress() == 70
    with told.open("ab") as file:
        file.write(b"0/200 c.ckpt\nclean 1/1 9/9 a b.ckpt\ndownload 1/2 100/100 a b.ckpt\n")
    assert progress() == 140
    assert seen == [Progress("x", 70, 300), Progress("x", 140, 300)]


FAILURES = [
    ("fatal: write error: No space left on device", "PML402"),
    ("fatal: sha1 file '.git/index.lock' write error. Out of diskspace", "PML402"),
    ("fatal: unable to access 'https://x/': Could not resolve host: x", "PML403"),
    ("fatal: unable to access 'https://x/': Failed to connect to x port 443", "PML403"),
    ("fatal: could not read Username for 'https://github.com': terminal prompts disabled", "PML403"),
    ("fatal: early EOF", "PML403"),
    ("batch response: This repository is over its data quota. Account responsible", "PML412"),
    ("fatal: the remote broke off at 80% (404/505)", "PML409"),
    ("fatal: unable to access 'https://x/': The requested URL returned error: 404", "PML412"),
    ("fatal: the remote broke off at 79% (401/505)", "PML409"),
    ("Authentication required: HTTP 401 from https://x/info/lfs", "PML403"),
    ("[404] Object does not exist on the server", "PML412"),
    ("fatal: detected dubious ownership in repository at '/srv/pm'", "PML409"),
    ("fatal: Unable to create '/a/.git/index.lock': File exists.", "PML409"),
    ("error: unable to create file a/b: Filename too long", "PML421"),
    ("error: could not lock config file .git/config: Permission denied", "PML422"),
    ("fatal: something that nobody has seen before", "PML409"),
]


@pytest.mark.parametrize(("line", "code"), FAILURES)
def test_git_s_last_words(line: str, code: str, tmp_path: Path) -> None:
    error = failure(ChildResult(128, ("remote: Counting objects", line), tmp_path / "log"), "Fetching", "x")
    assert (error.code, error.exit_code) == (code, 6)
    assert line[:60] in error.message
    assert str(tmp_path / "log") in error.message
    assert error.hint


def test_the_hint_of_a_failed_download_is_the_callers(tmp_path: Path) -> None:
    for line in ("[404] Object does not exist on the server", "This repository is over its data quota."):
        ended = ChildResult(2, (line,), tmp_path)
        assert failure(ended, "Fetching", "x", elsewhere="fetch it there").hint == "fetch it there"
        assert "maskmimic" not in (failure(ended, "Fetching", "x").hint or "")


def test_silence_and_a_limit_on_sizes(tmp_path: Path) -> None:
    assert failure(ChildResult(-9, (), tmp_path, Ending.SILENT), "Fetching", "x").code == "PML403"
    assert failure(ChildResult(-25, (), tmp_path), "Fetching", "x").code == "PML402"


@pytest.mark.parametrize(
    ("told", "version"),
    [
        (b"git version 2.39.5", (2, 39, 5)),
        (b"git version 2.45.1.windows.1", (2, 45, 1)),
        (b"git-lfs/3.3.0 (GitHub; linux amd64; go 1.19.8)", (3, 3, 0)),
        (b"", (0,)),
    ],
)
def test_versions(told: bytes, version: tuple[int, ...]) -> None:
    assert version_in(told) == version


def test_a_file_where_the_checkout_would_be(site: MakeSite, no_git: None, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    error = refused(lambda: CheckoutStep().todo(site(folder=tmp_path / "a file")))
    assert (error.code, "is a file, not a folder" in error.message) == ("PML406", True)


def test_words_for_models() -> None:
    assert model_names([" All", "", "MaskMimic "]) == ("all", "MaskMimic")
    assert model_names(["NONE"]) == ("none",)


@pytest.mark.parametrize("name", ["protomotions", "isaac_utils", "poselib"])
def test_a_proof_ends_with_a_line_of_any_package(site: MakeSite, checkout: Path, name: str) -> None:
    """All three are imported, and said to import."""
    here, look = site(folder=checkout), SimpleNamespace(reply={}, python="3.11", packages={})
    (checkout / name).mkdir(exist_ok=True)
    before = proof._key(here, look)  # type: ignore[arg-type]
    assert proof._key(here, look) == before  # type: ignore[arg-type]
    (checkout / name / "new.py").write_text("raise ImportError", encoding="utf-8")
    assert proof._key(here, look) != before  # type: ignore[arg-type]


# ---- pmlaunch.yaml


def test_workspace_is_written_and_then_left_alone(site: MakeSite, tmp_path: Path) -> None:
    here, step = (
        site(simulator="genesis", isaaclab="my labs/IsaacLab", python="C:\\Isaac Sim\\python.exe"),
        WorkspaceStep(),
    )
    assert step.todo(here) is not None
    step.do(here, lambda _: None)
    assert step.todo(here) is None
    assert "protomotions" in step.prove(here)
    assert yaml.safe_load((tmp_path / "pmlaunch.yaml").read_text(encoding="utf-8")) == {
        "protomotions": "protomotions",
        "simulator": "genesis",
        "isaaclab": "my labs/IsaacLab",
        "python": "C:\\Isaac Sim\\python.exe",
    }
    assert Settings(tmp_path).get("isaaclab").value == str(tmp_path / "my labs" / "IsaacLab")  # type: ignore[union-attr]


def test_what_was_found_is_written_too(site: MakeSite, tmp_path: Path, isaaclab: Path) -> None:
    """A terminal in which ISAACLAB_PATH is not set has to find the same Isaac Lab; what was typed goes before it."""
    settings = Settings(tmp_path, {"PATH": "", "ISAACLAB_PATH": str(isaaclab)})
    here = make_site(site().request, settings)
    WorkspaceStep().do(here, lambda _: None)
    assert Settings(tmp_path).get("isaaclab").value == str(isaaclab)  # type: ignore[union-attr]
    assert not here.findings


@pytest.mark.parametrize(
    ("name", "isaaclab", "expected"),
    [("genesis", None, {"python"}), ("isaaclab", "nowhere", set()), ("genesis", "", set())],
)
def test_what_is_learned(site: MakeSite, tmp_path: Path, name: str, isaaclab: str | None, expected: set[str]) -> None:
    """An active environment is remembered; what was looked for in vain and pmlaunch's own Python are not."""
    for place in ("Scripts/python.exe", "bin/python"):
        (tmp_path / "venv" / place).parent.mkdir(parents=True)
        (tmp_path / "venv" / place).touch(0o755)
    active = {"VIRTUAL_ENV": str(tmp_path / "venv")} if isaaclab is None else {}
    here = make_site(site(simulator=name, isaaclab=isaaclab).request, Settings(tmp_path, {"PATH": "", **active}))
    assert set(here.learned) == expected


def test_a_checkout_elsewhere_is_written_as_it_is(site: MakeSite, tmp_path: Path) -> None:
    elsewhere = tmp_path.parent / "elsewhere 步"
    here = site(folder=elsewhere)
    WorkspaceStep().do(here, lambda _: None)
    assert Settings(tmp_path).get("protomotions").value == str(elsewhere)  # type: ignore[union-attr]


def test_keys_that_are_there_stay(site: MakeSite, tmp_path: Path) -> None:
    text = "# mine\nprotomotions: ./protomotions/   # here\nsimulator: mujoco"
    (tmp_path / "pmlaunch.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "pmlaunch.yaml").chmod(0o640)
    here, step = site(python="envs/py"), WorkspaceStep()
    step.do(here, lambda _: None)
    assert (tmp_path / "pmlaunch.yaml").read_text(encoding="utf-8") == (
        f"{text}\n# written by pmlaunch install\npython: envs/py\n"
    )
    assert [(finding.code, finding.subject) for finding in here.findings] == [("PML414", "simulator")]
    assert (tmp_path / "pmlaunch.yaml").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("text", ["{num_envs: 4}", "num_envs: 4\n...\n", "--- {num_envs: 4}\n"])
def test_a_file_that_lines_cannot_be_added_to(text: str, tmp_path: Path) -> None:
    path = tmp_path / "pmlaunch.yaml"
    path.write_text(text, encoding="utf-8")
    error = refused(lambda: add_keys(path, {"num_envs": 4}, {"simulator": "genesis"}))
    assert error.code == "PML415"
    assert error.hint == "add by hand: simulator: genesis"
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("value", ["yes", "1.5", "null", "a: b", "#a", "- a", "步 &a", "C:\\x\\", 'a"b', "~", ""])
def test_values_keep_their_type(value: str, tmp_path: Path) -> None:
    path = tmp_path / "pmlaunch.yaml"
    add_keys(path, {}, {"python": value, "headless": True})
    assert yaml.safe_load(path.read_text(encoding="utf-8")) == {"python": value, "headless": True}
