"""A worker of a cluster whose jobs are the stand-in for the job program: cluster_worker.py ADDRESS STORE SLOTS."""

from __future__ import annotations

import sys

from pmlaunch.processes.interrupts import Interrupts
from pmlaunch.sweeping import recovery
from pmlaunch.sweeping.cluster.address import TlsOptions
from pmlaunch.sweeping.cluster.serve import make_host, serve_forever
from pmlaunch.sweeping.slots import ExecutorOptions, slots_of
from sweep_jobs import job_command

if __name__ == "__main__":
    recovery._GUARDIANS_TIME = 0.1  # the stand-in's runs have none to wait for
    address, store, gpus = sys.argv[1:]
    host = make_host(slots_of(ExecutorOptions(gpus=gpus)), store, job_command)
    with Interrupts() as asked, host.guardian:
        serve_forever(address, host, TlsOptions(), lambda text: print(text, flush=True), asked)
