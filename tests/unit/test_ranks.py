"""Ranks that another launcher left in the shell: removed from a run, and said; nothing else is removed."""

from __future__ import annotations

import os

import pytest
from unit_help import Plan

from pmlaunch.agent.pmlaunch_agent.contract import from_document
from pmlaunch.checks.preflight import preflight
from pmlaunch.model import Severity
from pmlaunch.planning.launch import set_by_agent
from pmlaunch.running.run_folder import RunFolder
from pmlaunch.running.spec import child_environment, spec_document
from pmlaunch.support.ranks import sets_rank

pytestmark = pytest.mark.usefixtures("composed_at_once", "in_git")
LAUNCHERS = (
    "RANK LOCAL_RANK WORLD_SIZE LOCAL_WORLD_SIZE GROUP_RANK NODE_RANK MASTER_ADDR MASTER_PORT TORCHELASTIC_RUN_ID"
    " TORCHELASTIC_USE_AGENT_STORE SLURM_NTASKS SLURM_PROCID SLURM_NODELIST ACCELERATE_USE_FSDP OMPI_COMM_WORLD_RANK"
    " OMPI_MCA_ess OMPI_MCA_ess_base_vpid OMPI_MCA_orte_ess_num_procs PMI_RANK PMIX_RANK PMIX_SERVER_URI2"
    " JSM_NAMESPACE_RANK LSB_DJOB_RANKFILE LT_CLI_USED LT_DEVICES JAX_LOCAL_RANK"
)
OTHERS = (
    "PATH CUDA_VISIBLE_DEVICES GLOO_SOCKET_IFNAME NCCL_SOCKET_IFNAME OMP_NUM_THREADS SLURM_JOB_ID SLURM_JOB_NAME"
    " SLURM_TMPDIR LSB_JOBID PMLAUNCH_SPEC HYDRA_FULL_ERROR USE_LIBUV FRANK RANKS MY_MASTER_ADDR"
    " OMPI_MCA_plm OMPI_MCA_btl PMIX_MCA_gds"
)
TORCHRUN = {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "node7", "TORCHELASTIC_RUN_ID": "none"}


@pytest.mark.parametrize(
    "variable",
    LAUNCHERS.split(),
)
def test_variable_of_a_launcher(variable: str) -> None:
    assert sets_rank(variable)


@pytest.mark.parametrize(
    "variable",
    OTHERS.split(),
)
def test_variable_that_stays(variable: str) -> None:
    assert not sets_rank(variable)


def test_ranks_are_removed_and_named(plan: Plan) -> None:
    planned = plan(environment={**TORCHRUN, "SLURM_JOB_ID": "7"})
    assert {name for name, value in planned.plan.env.items() if value is None} >= {*TORCHRUN}
    (note,) = [finding for finding in preflight(planned) if finding.code == "PML335"]
    assert (note.severity, note.subject) == (Severity.NOTE, ", ".join(sorted(TORCHRUN)))
    assert str(note.subject) in note.message
    assert "SLURM_JOB_ID" not in note.message


def test_shell_without_ranks_needs_no_note(plan: Plan) -> None:
    assert "PML335" not in [finding.code for finding in preflight(plan(environment={"SLURM_JOB_ID": "7"}))]


def test_plan_for_another_system_leaves_out_what_is_in_this_shell(plan: Plan) -> None:
    foreign = "linux" if os.name == "nt" else "windows"
    assert "RANK" not in plan(environment=TORCHRUN, target_os=foreign).plan.env


def test_agent_does_not_remove_what_lightning_sets_for_its_ranks(plan: Plan) -> None:
    made = plan(environment=TORCHRUN).plan
    folder = RunFolder(made.runs / "run")
    assert child_environment(made, folder, {**TORCHRUN, "KEPT": "1"}).keys() >= {"KEPT", "PMLAUNCH_SPEC"}
    assert not {*TORCHRUN} & {*child_environment(made, folder, TORCHRUN)}
    assert not {*TORCHRUN} & {*from_document(spec_document(made, folder)).env}
    assert set_by_agent({"PYTHONPATH": "x", "RANK": None, "SKIP": None, "A": "1"}) == {"SKIP": None, "A": "1"}
