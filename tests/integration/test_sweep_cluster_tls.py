"""Sweeps on a Dask cluster that is protected by TLS: only those with a certificate of its authority get in."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from clusters import Cluster, certificates, counts, sweep

pytest.importorskip("distributed")

from pmlaunch.errors import PmlaunchError
from pmlaunch.processes.interrupts import Interrupts
from pmlaunch.sweeping.cluster import worker
from pmlaunch.sweeping.cluster.address import SECONDS, TlsOptions
from pmlaunch.sweeping.cluster.connection import Connection
from pmlaunch.sweeping.cluster.serve import make_host, serve_forever
from pmlaunch.sweeping.executor import run_sweep
from pmlaunch.sweeping.journal import read_results
from pmlaunch.sweeping.scheduler import SweepObserver
from pmlaunch.sweeping.slots import ExecutorOptions, Slot
from sweep_jobs import sweep_plan

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="skipped: openssl, which makes certificates, is not in PATH")

# written out, because ssl demands all of it since Python 3.13
AUTHORITY = """
[req]
distinguished_name = name
x509_extensions = authority
prompt = no
[name]
CN = throw-away
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[member]
basicConstraints = critical, CA:FALSE
subjectAltName = IP:127.0.0.1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


def openssl(folder: Path, words: str) -> None:
    assert OPENSSL
    subprocess.run([OPENSSL, *words.split()], cwd=folder, check=True, capture_output=True)


def authority(folder: Path) -> TlsOptions:
    """Make an authority, and a certificate that it signed."""
    folder.mkdir()
    (folder / "openssl.cnf").write_text(AUTHORITY)
    key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -config openssl.cnf"
    openssl(folder, f"req -x509 {key} -keyout authority.key -out ca.pem -days 2")
    openssl(folder, f"req -new {key} -keyout key.pem -out request.pem")
    signed = "-CA ca.pem -CAkey authority.key -CAcreateserial -extfile openssl.cnf -extensions member"
    openssl(folder, f"x509 -req -in request.pem {signed} -out cert.pem -days 2")
    ca, cert, private = (str(folder / name) for name in ("ca.pem", "cert.pem", "key.pem"))
    return TlsOptions(tls_ca=ca, tls_cert=cert, tls_key=private)


@pytest.fixture(scope="module")
def tls_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler and a worker with certificates of one authority."""
    folder = tmp_path_factory.mktemp("cluster")
    with Cluster(folder, authority(folder / "certificates")) as made:
        made.scheduler()
        made.worker("one")
        yield made


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> TlsOptions:
    """The certificates of another authority."""
    return authority(tmp_path_factory.mktemp("others") / "certificates")


def test_sweep_with_certificates(tmp_path: Path, tls_cluster: Cluster) -> None:
    outcome = sweep(sweep_plan(tmp_path / "sweep", ["done", "done"], ["done"]), tls_cluster)
    assert counts(outcome) == (3, 0, 0, 0)
    for result in read_results(tmp_path / "sweep"):
        assert (tmp_path / "sweep" / "runs" / result.run / "record.json").is_file()


@pytest.mark.parametrize(
    ("foreign", "scheme", "code"),
    [
        ({"tls_ca", "tls_cert", "tls_key"}, "tls", "PML452"),
        ({"tls_cert", "tls_key"}, "tls", "PML452"),  # the cluster's authority is no secret
        (None, "tls", "PML451"),
        (None, "tcp", "PML452"),
    ],
    ids=["another authority", "another certificate", "no certificate", "no encryption"],
)
def test_launcher_without_a_certificate_is_refused(
    tmp_path: Path, tls_cluster: Cluster, others: TlsOptions, foreign: set[str] | None, scheme: str, code: str
) -> None:
    given = {} if foreign is None else {**vars(tls_cluster.tls), **{name: vars(others)[name] for name in foreign}}
    address = tls_cluster.address.replace("tls:", f"{scheme}:")
    before = sorted(tls_cluster.folder.glob("one/sweeps/*")), tls_cluster.diary()
    begin = time.monotonic()
    with pytest.raises(PmlaunchError) as caught:
        run_sweep(sweep_plan(tmp_path, ["done"]), ExecutorOptions(cluster=address, **given), SweepObserver())
    assert caught.value.code == code
    assert time.monotonic() - begin < SECONDS
    assert not list(read_results(tmp_path))
    assert (sorted(tls_cluster.folder.glob("one/sweeps/*")), tls_cluster.diary()) == before


def test_worker_refuses_strangers_as_the_scheduler_does(tls_cluster: Cluster, others: TlsOptions) -> None:
    with Connection(tls_cluster.address, tls_cluster.tls) as connection:
        (address,) = connection.ask_all(worker.describe_worker)
    assert address.startswith("tls://")
    assert answer(address, tls_cluster.tls)
    mixed = replace(others, tls_ca=tls_cluster.tls.tls_ca)
    for each in (address, tls_cluster.address):
        with pytest.raises(ssl.SSLError):
            answer(each, mixed)


def test_worker_that_is_not_let_in_says_why_and_can_be_stopped(
    tmp_path: Path, tls_cluster: Cluster, others: TlsOptions
) -> None:
    told: list[str] = []
    asked = Interrupts()

    def hear(text: str) -> None:
        told.append(text)
        asked.count += 1

    host = make_host([Slot(0)], str(tmp_path))
    with host.guardian:
        serve_forever(tls_cluster.address, host, others, hear, asked)
    assert len(told) == 1
    assert "certificate verify failed" in told[0].lower()


def answer(address: str, tls: TlsOptions) -> bytes:
    """The first bytes that come from an address for somebody with these certificates."""
    ca, cert, key = certificates(tls)
    context = ssl.create_default_context(cafile=ca)
    context.load_cert_chain(cert, key)
    context.check_hostname = False  # as Dask does
    parts = urlsplit(address)
    with (
        socket.create_connection((parts.hostname, parts.port or 0), timeout=5) as plain,
        context.wrap_socket(plain) as secret,
    ):
        return secret.recv(8)
