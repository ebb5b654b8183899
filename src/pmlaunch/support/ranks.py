"""The variables by which a launcher of several processes tells each of them its rank.

A shell below torchrun, srun, mpirun, jsrun, `accelerate launch` or `fabric run` has them, and so has one in which an
earlier run exported them. Lightning and torch read them at once: a single run then takes itself for rank 1 and writes
nothing, or waits for ranks that nobody starts.
"""

from __future__ import annotations

_NAMES = (
    # torch's env:// and torchrun; Kubeflow and Lightning use the same names
    "RANK LOCAL_RANK WORLD_SIZE LOCAL_WORLD_SIZE GROUP_RANK GROUP_WORLD_SIZE ROLE_RANK ROLE_WORLD_SIZE NODE_RANK"
    " MASTER_ADDR MASTER_PORT"
    # Isaac Lab's AppLauncher
    " JAX_RANK JAX_LOCAL_RANK"
    # what Lightning's SLURMEnvironment reads; the job's name and number say nothing about ranks and stay
    " SLURM_NTASKS SLURM_NTASKS_PER_NODE SLURM_NNODES SLURM_PROCID SLURM_LOCALID SLURM_NODEID SLURM_NODELIST"
    # LSF; Intel MPI
    " LSB_DJOB_RANKFILE MPI_LOCALRANKID MPI_LOCALNRANKS"
    # `fabric run`: with them Lightning starts no ranks, and refuses what the plan says otherwise
    " LT_CLI_USED LT_ACCELERATOR LT_STRATEGY LT_DEVICES LT_NUM_NODES LT_PRECISION"
)
_PREFIXES = (
    "TORCHELASTIC_",
    "ACCELERATE_",
    # what mpirun of Open MPI 4.1 tells its ranks. Other variables, such as OMPI_MCA_plm and PMIX_MCA_gds, are settings of
    # the machine, without which MPI may not start
    *("OMPI_COMM_WORLD_", "OMPI_MCA_ess", "OMPI_MCA_orte_", "OMPI_MCA_pmix"),
    *("PMIX_RANK", "PMIX_NAMESPACE", "PMIX_ID", "PMIX_SERVER_", "PMIX_DSTORE_", "PMIX_GDS_MODULE"),
    # MPICH, PMI, Intel MPI, MVAPICH, jsrun
    *("PMI_", "HYDI_", "MV2_COMM_WORLD_", "JSM_NAMESPACE_"),
)


def sets_rank(variable: str) -> bool:
    """Whether an environment variable tells a process its rank, or where the other ranks are."""
    return variable in _NAMES.split() or variable.startswith(_PREFIXES)
