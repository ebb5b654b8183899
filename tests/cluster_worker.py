"""A worker of a cluster whose jobs are the stand-in for the job program.

cluster_worker.py ADDRESS STORE SLOTS [CA CERT KEY]
"""

from __future__ import annotations

import sys

from pmlaunch.processes.interrupts import Interrupts
from pmlaunch.sweeping import recovery
from pmlaunch.sweeping.cluster.address import TlsOptions
from pmlaunch.sweeping.cluster.serve import make_host, serve_forever
from pmlaunch.sweeping.slots import ExecutorOptions, slots_of
from sweep_jobs import job_command
from wine import mend_clock_of_dask

if __name__ == "__main__":
    mend_clock_of_dask()
    recovery._GUARDIANS_TIME = 0.1  # the stand-in's runs have none to wait for
    address, store, gpus, *certificates = sys.argv[1:]
    tls = TlsOptions(**dict(zip(("tls_ca", "tls_cert", "tls_key"), certificates, strict=False)))
    host = make_host(slots_of(ExecutorOptions(gpus=gpus)), store, job_command)
    with Interrupts() as asked, host.guardian:
        serve_forever(address, host, tls, lambda text: print(text, flush=True), asked)
