"""Fixtures that run the agent as a process. Tests may also import `pmlaunch_agent`, as the agent itself does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from agent_run import AGENT_HOME, AgentRun, MakeAgent

sys.path.append(str(AGENT_HOME))


@pytest.fixture
def agent(tmp_path: Path) -> AgentRun:
    return AgentRun(tmp_path)


@pytest.fixture
def make_agent(tmp_path: Path) -> MakeAgent:
    """Make runs in a folder of a given name below tmp_path, or with another Python."""

    def make(name: str = "run", python: str = sys.executable) -> AgentRun:
        folder = tmp_path / name
        folder.mkdir()
        return AgentRun(folder, python)

    return make
