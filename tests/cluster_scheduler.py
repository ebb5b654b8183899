"""A Dask scheduler: cluster_scheduler.py PORT HOST [CA CERT KEY]."""

from __future__ import annotations

import asyncio
import sys

from distributed import Scheduler, Security

from wine import mend_clock_of_dask


async def serve(port: str, host: str, *files: str) -> None:
    """Serve until the process is ended."""
    names = zip(("tls_ca_file", "tls_scheduler_cert", "tls_scheduler_key"), files, strict=False)
    security = Security(require_encryption=True, **dict(names)) if files else None
    async with Scheduler(host=host, port=int(port), security=security, dashboard_address=":0") as scheduler:
        await scheduler.finished()


if __name__ == "__main__":
    mend_clock_of_dask()
    asyncio.run(serve(*sys.argv[1:]))
