"""The probe reports what is there, and examines only what it is asked for."""

from __future__ import annotations

import json
import os
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from agent_run import AgentRun

from pmlaunch.agent.pmlaunch_agent.probe.distributions import installed_packages, normalised, path_of_url

TORCH = """
__version__ = "2.5.0+stand-in"
class version: cuda = "12.4"
class cuda:
    is_available = staticmethod(lambda: True)
    device_count = staticmethod(lambda: 1)
    get_device_name = staticmethod(lambda index: f"device {index}")
class distributed:
    is_available = staticmethod(lambda: True)
    is_nccl_available = staticmethod(lambda: False)
    is_gloo_available = staticmethod(lambda: True)
    @staticmethod
    def TCPStore(*args, use_libuv):
        raise RuntimeError("use_libuv was requested but PyTorch was build without libuv support")
    @staticmethod
    def init_process_group(backend, **options):
        raise RuntimeError(f"no {backend} here")
"""


def ask(agent: AgentRun, *argv: str) -> dict[str, Any]:
    """Run the probe through the agent; returns its reply."""
    reply = agent.folder / "reply.json"
    modules = agent.folder / "modules"
    modules.mkdir(exist_ok=True)
    agent.write("", script=None, module="pmlaunch_agent.probe", argv=[str(reply), *argv], import_path=[str(modules)])
    agent.run()
    assert agent.result["exit_code"] == 0, agent.stderr
    return dict(json.loads(reply.read_text(encoding="utf-8")))


def test_reply_has_only_what_was_asked_for(agent: AgentRun) -> None:
    reply = ask(agent)
    assert (reply["schema"], reply["python"]) == (1, sys.version.split()[0])
    assert not {"packages", "imports", "torch", "process_group"} & set(reply)


def test_packages_agree_with_importlib_metadata(agent: AgentRun) -> None:
    found = ask(agent, "--packages")["packages"]
    first: dict[str, str] = {}
    for distribution in metadata.distributions():
        first.setdefault(normalised(distribution.metadata["Name"]), distribution.version)
    known = {name: entry["version"] for name, entry in found.items()}
    assert {name: known.get(name) for name in first} == first


def test_failing_import_does_not_end_the_probe(agent: AgentRun) -> None:
    (agent.folder / "modules").mkdir()
    (agent.folder / "modules" / "leaves.py").write_text("raise SystemExit(3)", encoding="utf-8")
    imports = ask(agent, "--import", "leaves,no_such_module,json")["imports"]
    assert {name: entry["ok"] for name, entry in imports.items()} == {
        "leaves": False, "no_such_module": False, "json": True,
    }  # fmt: skip
    assert imports["leaves"]["error"] == "SystemExit: 3"
    assert imports["no_such_module"]["error"] == "ModuleNotFoundError: No module named 'no_such_module'"


def test_simulator_is_located_but_not_imported(agent: AgentRun) -> None:
    package = agent.folder / "modules" / "isaaclab"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("print('the simulator starts')", encoding="utf-8")
    entry = ask(agent, "--import", "isaaclab")["imports"]["isaaclab"]
    assert (entry["ok"], entry["imported"], entry["file"]) == (True, False, str(package / "__init__.py"))
    assert "the simulator starts" not in agent.stdout


def test_features_of_torch(agent: AgentRun) -> None:
    (agent.folder / "modules").mkdir()
    (agent.folder / "modules" / "torch.py").write_text(TORCH, encoding="utf-8")
    reply = ask(agent, "--torch", "--backend", "nccl")
    torch, group = reply["torch"], reply["process_group"]
    assert (torch["cuda_build"], torch["cuda_available"], torch["devices"]) == ("12.4", True, ["device 0"])
    assert (torch["nccl"], torch["gloo"], torch["libuv"]) == (False, True, False)
    assert (group["backend"], group["ok"], group["error"]) == ("nccl", False, "RuntimeError: no nccl here")


@pytest.mark.skipif(find_spec("torch") is None, reason="skipped: no torch here")
def test_real_process_group_forms(agent: AgentRun) -> None:
    reply = ask(agent, "--torch", "--backend", "gloo")
    assert reply["process_group"]["ok"], reply["process_group"]
    assert reply["torch"]["gloo"] is True


def test_torch_that_does_not_import(agent: AgentRun) -> None:
    (agent.folder / "modules").mkdir()
    (agent.folder / "modules" / "torch.py").write_text("raise ImportError('a DLL is missing')", encoding="utf-8")
    assert ask(agent, "--torch")["torch"]["error"] == "ImportError: a DLL is missing"


def test_editable_incomplete_and_hidden_installations(tmp_path: Path) -> None:
    site, source = tmp_path / "site", tmp_path / "R&D (x86) 100%"
    for name in ("Poses_Lib-0.0.42.dist-info", "half-2.0.dist-info", "~alf-1.0.dist-info", "broken-1.dist-info"):
        (site / name).mkdir(parents=True)
    url = {"url": source.as_uri(), "dir_info": {"editable": True}}
    (site / "Poses_Lib-0.0.42.dist-info" / "direct_url.json").write_text(json.dumps(url), encoding="utf-8")
    (site / "Poses_Lib-0.0.42.dist-info" / "INSTALLER").write_text("pip\n", encoding="utf-8")
    (site / "half-2.0.dist-info" / "RECORD").write_text("half/__init__.py,,\n", encoding="utf-8")
    (site / "broken-1.dist-info" / "direct_url.json").write_text("{", encoding="utf-8")
    found = installed_packages([str(site), str(tmp_path / "not there")])
    assert list(found) == ["poses-lib", "broken", "half"]
    assert (found["poses-lib"]["editable"], found["poses-lib"]["complete"]) == (str(source), True)
    assert (found["half"]["version"], found["half"]["complete"]) == ("2.0", False)


def test_record_is_parsed_as_csv(tmp_path: Path) -> None:
    """A name may contain a comma, and compiled files may be missing."""
    info = tmp_path / "odd-1.0.dist-info"
    info.mkdir()
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "a,b.txt").touch()
    record = '"odd/a,b.txt",sha256=x,1\nodd/__pycache__/a.cpython-311.pyc,,\n'
    (info / "RECORD").write_text(record, encoding="utf-8")
    assert installed_packages([str(tmp_path)])["odd"]["complete"] is True
    (info / "RECORD").write_text(record + '"odd/c,d.txt",,\n', encoding="utf-8")
    assert installed_packages([str(tmp_path)])["odd"]["complete"] is False


def test_setuptools_develop_mode_counts_as_editable(tmp_path: Path) -> None:
    (tmp_path / "protomotions.egg-info").mkdir()
    (tmp_path / "protomotions.egg-info" / "PKG-INFO").write_text("Name: protomotions\nVersion: 2.0\n\nVersion: 9\n")
    (tmp_path / "setup.py").touch()
    found = installed_packages([str(tmp_path)])["protomotions"]
    assert (found["version"], found["editable"]) == ("2.0", str(tmp_path))


@pytest.mark.parametrize("name", ["plain", "with blank (x86) & 100% = !", "\u6b65\u884c"])
def test_path_of_a_file_url(tmp_path: Path, name: str) -> None:
    assert path_of_url((tmp_path / name).as_uri()) == os.fspath(tmp_path / name)
    assert path_of_url("git+https://example.org/x") is None
