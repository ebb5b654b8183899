"""A child that forges, leaves out or breaks its results: a run without evidence is no success, and nothing crashes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from started import Done, Pmlaunch

pytestmark = [
    pytest.mark.hostile,
    pytest.mark.skipif(os.name == "nt", reason="the child is a script with a shebang; the rest is tested without it"),
]

CHILD = """#!{python}
import json, os, shutil, sys, time
folder = os.environ["PMLAUNCH_RUN_DIR"]
result = {{"status": "finished", "exit_code": 0, "seconds": {{"evaluation_finished": 1.0}}, "steps": 150}}
metrics = {{
    "metrics": {{"eval/gt_err": 0.01, "eval/tracking_success_rate": 1.0}}, "units": {{}},
    "common": {{"success_rate": 1.0, "mean_position_error_m": 0.01, "motions": 1, "failed": []}},
    "per_motion": [{{"motion": "walk", "success": True, "metrics": {{"eval/gt_err": 0.01}}}}],
}}
def write(name, document):
    text = document if isinstance(document, str) else json.dumps(document)
    with open(os.path.join(folder, name), "a") as file:
        file.write(text)
def finish():
    write("metrics.json", metrics)
    write("result.json", result)
    sys.exit(0)
{code}
finish()
"""
Evaluate = Callable[..., Done]


@pytest.fixture
def evaluate(pmlaunch: Pmlaunch, tmp_path: Path) -> Evaluate:
    """`pmlaunch eval demo` with a child that runs `code` and finishes."""

    def run(code: str, *words: str, command: str = "eval") -> Done:
        child = tmp_path / "child.py"
        child.write_text(CHILD.format(python=sys.executable, code=code), encoding="utf-8")
        child.chmod(0o755)
        model = ["eval", "demo"] if command == "eval" else ["smoke", "--model", "demo"]
        return pmlaunch(
            *model, "--motion", "walk", "--python", child, "--runs", tmp_path / "runs", *words, cwd=tmp_path
        )

    return run


EVENTS = r"""
write('events.jsonl', '{"event":"step","n":"x"}\n{"event":"process_group"}\n{"event":"step","n":1e999}\n' + '[' * 200000)
time.sleep(0.5)
"""
EARLIER = """
write('metrics.json', metrics)
os.utime(folder + '/metrics.json', (1e9, 1e9))
write('result.json', result)
sys.exit(0)
"""
PIPES = """
os.mkfifo(folder + '/events.jsonl')
os.mkfifo(folder + '/metrics.json')
write('result.json', result)
sys.exit(0)
"""
DIGITS = r"""
write('metrics.json', '{"metrics":{"a":' + '9' * 6000 + '}}')
write('result.json', result)
sys.exit(0)
"""
CASES = {
    "nothing is wrong": ("", 0),
    "no verdict": ("sys.exit(0)", 8),
    "no metrics": ("write('result.json', result); sys.exit(0)", 1),
    "NaN": ("metrics['metrics']['eval/gt_err'] = float('nan')", 1),
    "figures of other types": ("metrics['common']['success_rate'] = '1.0'", 1),
    "no step": ("result['steps'] = 0", 1),
    "a failed motion, and a success rate of 1": ("metrics['per_motion'][0]['success'] = False", 1),
    "results of an earlier run": (EARLIER, 1),
    "results that name another run": ("result['run'] = metrics['run'] = 'earlier'", 1),
    "an exception that is none": ("result['exception'] = 'boom'", 1),
    "events of other types": (EVENTS, 0),
    "pipes in the place of files": (PIPES, 1),
    "a figure of 6000 digits": (DIGITS, 1),
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_child_leaves(evaluate: Evaluate, name: str) -> None:
    code, expected = CASES[name]
    done = evaluate(code, "--json")
    assert done.code == expected, done.out + done.err
    document = json.loads(done.out, parse_constant=pytest.fail)
    assert document["data"]["record"]["state"] == (
        "done" if expected == 0 else "failed" if expected == 1 else "abnormal"
    )


def test_commands_and_colours_in_the_output(evaluate: Evaluate) -> None:
    evil = r"print('\x1b]0;OWNED\x07\x1b[2J\n  ::error::forged\r::add-mask::x\n##[error]forged', flush=True)"
    done = evaluate(evil + "\nresult['exit_code'] = 3", "-v")
    assert done.code == 1
    assert "forged" in done.err
    lines = (done.out + done.err).replace("\r", "\n").splitlines()
    assert not [line for line in lines if line.lstrip().startswith("::") or "##[" in line or "\x1b]" in line]


@pytest.mark.parametrize(
    "code", ["write('result.json', result); sys.exit(0)", "sys.exit(0)", "metrics['metrics'] = {}"]
)
def test_smoke_test_without_figures_fails_and_replaces_its_report(
    evaluate: Evaluate, tmp_path: Path, code: str
) -> None:
    report = tmp_path / "smoke.xml"
    report.write_text('<testsuites failures="0" errors="0"><testsuite name="earlier"/></testsuites>', encoding="utf-8")
    done = evaluate(code, "--junit", str(report), command="smoke")
    assert done.code != 0
    root = ET.parse(report).getroot()
    assert int(root.get("failures", "0")) + int(root.get("errors", "0")) > 0
    assert root.find("testsuite[@name='earlier']") is None
