"""Hydra catches exceptions and exits with 1; result.json still names the cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from agent_run import AgentRun

pytest.importorskip("hydra", reason="hydra-core is not installed")

SCRIPT = """
import os
import hydra

@hydra.main(config_path="config", version_base=None)
def main(cfg):
    print(dict(cfg), flush=True)
    {body}

if __name__ == "__main__":
    main()
"""


RunHydra = Callable[..., AgentRun]


@pytest.fixture
def hydra_agent(agent: AgentRun) -> RunHydra:
    """Run a Hydra script whose task has the given body."""
    robots = agent.folder / "config" / "robot"
    robots.mkdir(parents=True)
    (robots / "smpl.yaml").write_text("# @package _global_\nbodies: 24\n")
    (robots / "broken.yaml").write_text("a: [1\n")

    def run(*argv: str, body: str = "pass", **spec: Any) -> AgentRun:
        run_dir = f"hydra.run.dir='{agent.folder / 'out'}'"
        return agent.write(SCRIPT.format(body=body), argv=[*argv, run_dir], **spec).run()

    return run


def test_config_folder_beside_the_script_is_found(hydra_agent: RunHydra) -> None:
    agent = hydra_agent("+robot=smpl", "++name='a,b=c'")
    assert (agent.returncode, agent.stderr) == (0, "")
    assert agent.stdout == "{'bodies': 24, 'name': 'a,b=c'}\n"
    assert agent.result["versions"]["hydra"].startswith("1.3")
    assert (agent.folder / "out" / "script.log").exists()  # the job is named after the script


@pytest.mark.parametrize(
    ("override", "kind", "words"),
    [
        ("+robot=g2", "hydra.errors.MissingConfigException", "robot/g2"),
        pytest.param("name=1", "hydra.errors.ConfigCompositionException", "name", marks=pytest.mark.slow),
        pytest.param("+robot", "hydra.errors.OverrideParseException", "missing EQUAL", marks=pytest.mark.slow),
        ("+robot=broken", "yaml.parser.ParserError", "broken.yaml"),
    ],
)
def test_failure_in_composition(hydra_agent: RunHydra, override: str, kind: str, words: str) -> None:
    agent = hydra_agent(override)
    assert agent.returncode == 1
    failure = agent.result["exception"]
    assert failure["type"] == kind
    assert words in failure["message"]
    assert failure["traceback"] in agent.stderr


def test_failure_in_the_task(hydra_agent: RunHydra) -> None:
    agent = hydra_agent(body="raise FileNotFoundError('no motion: walk.npy')")
    assert agent.returncode == 1
    failure = agent.result["exception"]
    assert (failure["type"], failure["message"]) == ("FileNotFoundError", "no motion: walk.npy")
    assert "in main\n" in failure["traceback"]


def test_failure_in_the_task_with_hydras_short_errors(hydra_agent: RunHydra) -> None:
    """The user asked for Hydra's default, sys.exit(1) after a short message."""
    agent = hydra_agent(body="raise FileNotFoundError('no motion')", env={"HYDRA_FULL_ERROR": "0"})
    assert agent.returncode == 1
    assert agent.result["exception"]["type"] == "FileNotFoundError"


def test_failure_in_composition_with_hydras_short_errors(hydra_agent: RunHydra) -> None:
    agent = hydra_agent("+robot=g2", env={"HYDRA_FULL_ERROR": None})
    assert agent.returncode == 1
    assert agent.result["exception"]["type"] == "hydra.errors.MissingConfigException"


def test_exit_and_interrupt_in_the_task(hydra_agent: RunHydra) -> None:
    agent = hydra_agent(body="raise SystemExit(4)")
    assert (agent.returncode, agent.result["exit_code"]) == (4, 4)
    # asked from within, because Hydra gives an interrupt while it reads a config the look of another error
    stop = str(agent.stop_file)
    agent = hydra_agent(body=f"open({stop!r}, 'w').close()\n    while True: pass", limits={"stop_file": stop})
    assert (agent.returncode, agent.result["stopped_by"]) == (130, "stop_file")
