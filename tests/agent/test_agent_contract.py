"""The contract of spec.json: what is written is what is read, and reading is strict."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmlaunch.agent.pmlaunch_agent.contract import (
    ArgumentPoint,
    ContractError,
    FurtherEvaluation,
    Hooks,
    MetricsRequest,
    MotionRequest,
    RecordingRequest,
    RunLimits,
    Spec,
    WatchPoint,
    from_document,
    to_document,
)

texts = st.text(max_size=20)
lists = st.lists(texts, max_size=3).map(tuple)
numbers = st.floats(allow_nan=False, allow_infinity=False)
whole = st.integers()
json_values = st.recursive(
    st.none() | st.booleans() | whole | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
tables = st.dictionaries(texts, texts, max_size=3)

metrics = st.builds(
    MetricsRequest,
    file=texts,
    generation=texts,
    seed=whole,
    max_steps=st.none() | whole,
    motions=lists,
    units=tables,
    common=tables,
    factors=st.dictionaries(texts, numbers, max_size=3),
    failed_when=st.none() | st.tuples(texts, numbers),
    notes=lists,
)
hooks = st.builds(
    Hooks,
    ddp_backend=st.none() | texts,
    max_steps=st.none() | whole,
    compat=lists,
    watch=st.lists(st.builds(WatchPoint, texts, texts, texts, st.sampled_from(["before", "after"])), max_size=3).map(
        tuple
    ),
    arguments=st.lists(
        st.builds(ArgumentPoint, texts, texts, st.dictionaries(texts, json_values, max_size=3)), max_size=2
    ).map(tuple),
    agent=st.none() | texts,
    metrics=st.none() | metrics,
    save_motion=st.none() | st.builds(MotionRequest, texts),
    record=st.none() | st.builds(RecordingRequest, texts),
)
specs = st.builds(
    lambda program, **entries: Spec(**program, **entries),
    program=texts.flatmap(
        lambda name: st.sampled_from([{"script": name, "module": None}, {"script": None, "module": name}])
    ),
    argv=lists,
    cwd=texts,
    import_path=lists,
    python_path=lists,
    env=st.dictionaries(texts, st.none() | texts, max_size=3),
    hooks=hooks,
    limits=st.builds(RunLimits, st.none() | numbers, st.none() | texts),
    result=texts,
    events=st.none() | texts,
    further=st.lists(st.builds(FurtherEvaluation, texts, texts, whole), max_size=2).map(tuple),
)


@settings(max_examples=50, deadline=None)
@given(specs)
def test_round_trip(spec: Spec) -> None:
    assert from_document(json.loads(json.dumps(to_document(spec)))) == spec


def document(**changes: Any) -> dict[str, Any]:
    """A spec.json; `changes` replaces or adds entries, with a dot for each level: `hooks__max_steps`."""
    spec = Spec(
        script="/script.py",
        module=None,
        argv=(),
        cwd="/",
        import_path=(),
        python_path=(),
        env={},
        hooks=Hooks(),
        limits=RunLimits(),
        result="/result.json",
        events=None,
    )
    made: dict[str, Any] = to_document(spec)
    for path, value in changes.items():
        *above, name = path.split("__")
        entry = made
        for key in above:
            entry = entry[key]
        entry[name] = value
    return made


def test_keys_of_the_document() -> None:
    made = document()
    assert list(made) == [
        "schema", "script", "argv", "cwd", "import_path", "python_path", "env", "hooks", "limits", "result", "events",
        "further",
    ]  # fmt: skip
    assert list(made["hooks"]) == [
        "ddp_backend", "max_steps", "compat", "watch", "arguments", "agent", "metrics", "save_motion", "record", "seed",
    ]  # fmt: skip
    assert list(made["limits"]) == ["max_seconds", "stop_file"]


POINT = {"event": "step", "module": "env", "attribute": "step", "when": "after"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": 2}, '"schema" must be 1, not 2'),
        ({"schema": True}, '"schema" must be 1, not True'),
        ({"script": None}, "script: expected a text, not None"),
        ({"module": "pip"}, 'exactly one of "script" and "module" is needed'),
        ({"result": None}, "result: expected a text, not None"),
        ({"argv": "text"}, "argv: expected a list, not 'text'"),
        ({"argv": ["a", 1]}, "argv[1]: expected a text, not 1"),
        ({"import_path": "text"}, "import_path: expected a list, not 'text'"),
        ({"env": []}, "env: expected an object, not []"),
        ({"env": {"A": 1}}, "env.A: expected a text, not 1"),
        ({"hooks": []}, "hooks: expected an object, not []"),
        ({"hooks__max_steps": "many"}, "hooks.max_steps: expected a whole number, not 'many'"),
        ({"hooks__max_steps": True}, "hooks.max_steps: expected a whole number, not True"),
        ({"hooks__max_steps": 1.5}, "hooks.max_steps: expected a whole number, not 1.5"),
        ({"hooks__watch": ["step"]}, "hooks.watch[0]: expected an object, not 'step'"),
        ({"hooks__watch": [POINT, {**POINT, "when": "soon"}]}, 'hooks.watch[1].when: expected "before" or "after"'),
        (
            {"hooks__watch": [{"event": "step", "module": "env", "when": "after"}]},
            "hooks.watch[0].attribute: missing key",
        ),
        ({"hooks__save_motion": {"fiel": "x"}}, 'hooks.save_motion.fiel: unknown key; did you mean "file"?'),
        ({"hooks__save_motion": {}}, "hooks.save_motion.file: missing key"),
        ({"limits__max_seconds": "long"}, "limits.max_seconds: expected a number, not 'long'"),
        ({"hooks__max_stps": 5}, 'hooks.max_stps: unknown key; did you mean "max_steps"?'),
        ({"evnts": "/e"}, 'evnts: unknown key; did you mean "events"?'),
        ({"unheard_of": 1}, "unheard_of: unknown key"),
    ],
)
def test_wrong_entry(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError) as caught:
        from_document(document(**changes), "/run/spec.json")
    assert str(caught.value).startswith(f"/run/spec.json: {message}")


@pytest.mark.parametrize("path", ["schema", "script", "argv", "cwd", "env", "hooks", "limits", "result", "events"])
def test_missing_key(path: str) -> None:
    made = document()
    del made[path]
    with pytest.raises(ContractError, match=path):
        from_document(made)


@pytest.mark.parametrize("value", [None, [], "text", 1])
def test_not_an_object(value: Any) -> None:
    with pytest.raises(ContractError, match=r"^spec\.json: expected an object"):
        from_document(value)


@pytest.mark.parametrize("programs", [(None, None), ("a", "b")])
def test_neither_or_both_programs_are_refused(programs: tuple[str | None, str | None]) -> None:
    script, module = programs
    spec = from_document(document())
    with pytest.raises(ContractError):
        to_document(spec._replace(script=script, module=module))
