"""The loop over the installation steps."""

from __future__ import annotations

from dataclasses import replace

from install_help import MakeContext, make_context

from pmlaunch.errors import PmlaunchError
from pmlaunch.git.progress import Progress, Reporter
from pmlaunch.installing.context import InstallContext, Learned
from pmlaunch.installing.engine import install, plan
from pmlaunch.installing.step import AlreadyDone, Done, InstallStep, StepResult, StepState, Todo
from pmlaunch.model import Finding, Severity
from pmlaunch.support.json import to_json

__all__ = ["make_context"]  # a fixture
NOTE, NEWS = (Finding("PML416", Severity.NOTE, text) for text in ("noted", "happened"))
NOTHING = AlreadyDone("there")


class RecordedStep:
    """A step that records its calls. `fails` names the call that fails."""

    def __init__(self, name: str, planned: AlreadyDone | Todo, fails: str = "", learned: Learned | None = None):
        self.name = self.title = name
        self.calls: list[str] = []
        self.known: list[Learned] = []
        self._planned, self._fails, self._learned = planned, fails, learned or Learned()

    def plan(self, context: InstallContext) -> AlreadyDone | Todo:
        self.calls.append("plan")
        self.known.append(context.learned)
        if self._fails == "plan":
            raise PmlaunchError("PML430", f"{self.name[0]} lacks something")
        return self._planned

    def do(self, context: InstallContext, report: Reporter) -> Done:
        self.calls.append("do")
        self.known.append(context.learned)
        report.findings.append(NEWS)
        if self._fails == "do":
            raise PmlaunchError("PML409", "did not work")
        return Done("verified", self._learned)


class SilentObserver:
    """Collects results and ignores the rest."""

    def __init__(self) -> None:
        self.results: list[StepResult] = []

    def begins(self, step: InstallStep, todo: Todo) -> None: ...
    def progress(self, progress: Progress) -> None: ...
    def ended(self, result: StepResult) -> None:
        self.results.append(result)


def test_steps_are_done_in_order_and_planned_again_after_a_change(make_context: MakeContext) -> None:
    plans: dict[str, AlreadyDone | Todo] = {"a": NOTHING, "b": Todo("b"), "c": Todo("c"), "d": NOTHING}
    steps, context, observer = [RecordedStep(*item) for item in plans.items()], make_context(), SilentObserver()
    done = install(steps, context, observer, plan(steps, context))
    assert [result.state for result in done.results] == [
        StepState.ALREADY,
        StepState.DONE,
        StepState.DONE,
        StepState.ALREADY,
    ]
    assert done.error is None
    assert observer.results == list(done.results)
    assert [step.calls for step in steps] == [["plan"], ["plan", "do"], ["plan", "plan", "do"], ["plan", "plan"]]


def test_what_a_step_learns_reaches_the_following_steps_only(make_context: MakeContext) -> None:
    steps = [
        RecordedStep("a", AlreadyDone("there", learned=Learned(isaaclab="/lab"))),
        RecordedStep("b", Todo("b"), learned=Learned(python="/python")),
        RecordedStep("c", Todo("c")),
    ]
    context = make_context()
    install(steps, context, SilentObserver(), plan(steps, context))
    assert steps[0].known == [Learned()]
    assert steps[1].known == [Learned(isaaclab="/lab")] * 2
    assert steps[2].known[1:] == [Learned(isaaclab="/lab", python="/python")] * 2
    assert context.learned == Learned()


def test_one_missing_thing_does_not_hide_another_in_a_plan(make_context: MakeContext) -> None:
    lacking = (RecordedStep(name, NOTHING, fails="plan") for name in ("b", "b too", "c"))
    steps = [RecordedStep("a", Todo("a")), *lacking, RecordedStep("d", Todo("d"))]
    planned = plan(steps, make_context())
    assert planned.error is not None
    assert (planned.error.code, planned.error.message) == ("PML430", "b lacks something")
    assert [(result.state, result.text) for result in planned.results] == [
        (StepState.PLANNED, "a"),
        (StepState.FAILED, "b lacks something"),
        (StepState.FAILED, "cannot be planned until the problem above is solved"),
        (StepState.FAILED, "c lacks something"),
        (StepState.PLANNED, "d"),
    ]
    assert [finding.message for finding in planned.findings] == ["c lacks something"]


def test_the_first_failure_ends_the_installation_and_keeps_what_was_reported(make_context: MakeContext) -> None:
    steps = [RecordedStep("a", Todo("a", notes=(NOTE,)), fails="do"), RecordedStep("b", Todo("b"))]
    context = replace(make_context(), findings=(NOTE,))
    failed = install(steps, context, SilentObserver(), plan(steps, context))
    assert [result.state for result in failed.results] == [StepState.FAILED]
    assert failed.error is not None
    assert failed.error.code == "PML409"
    assert failed.findings == (NOTE, NEWS)
    assert steps[1].calls == ["plan"]


def test_a_result_in_json(make_context: MakeContext) -> None:
    warned = Todo("a", ("command",), bytes=5, findings=(NOTE,))
    steps, context = [RecordedStep("a", warned)], make_context()
    (result,) = install(steps, context, SilentObserver(), plan(steps, context)).results
    document = to_json(result)
    assert list(document) == ["name", "title", "state", "text", "seconds", "commands", "bytes", "log", "findings"]
    assert (document["state"], document["text"], document["commands"]) == ("done", "verified", ["command"])
    assert document["seconds"] == round(document["seconds"], 3)
    assert [finding["code"] for finding in document["findings"]] == ["PML416"]
