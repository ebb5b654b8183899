"""Which cluster: the address of its scheduler, and whether only people with its certificate can reach it.

Whoever reaches a scheduler or a worker can run code there, so an address must be of this machine or protected by TLS.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from pmlaunch.errors import PmlaunchError
from pmlaunch.request import option
from pmlaunch.support.json import read_mapping
from pmlaunch.support.paths import expanded

SECONDS = 10.0  # in which a scheduler and a fitting worker must be there


@dataclass(frozen=True, kw_only=True)
class TlsOptions:
    """The certificates that the scheduler, its workers and launchers share."""

    tls_ca: str | None = option("Certificate authority of the cluster, PEM.", metavar="FILE")
    tls_cert: str | None = option("Certificate for the cluster, PEM.", metavar="FILE")
    tls_key: str | None = option("Private key for the cluster, PEM.", metavar="FILE")

    def arguments(self, role: str) -> dict[str, object]:
        """The arguments of distributed's Security for a client or worker. Raises PML001 for a missing file or option."""
        files = {"--tls-ca": self.tls_ca, "--tls-cert": self.tls_cert, "--tls-key": self.tls_key}
        if not any(files.values()):
            return {}
        for flag, file in files.items():
            if not file or not expanded(file).is_file():
                what = f"{flag} names no file: {file}." if file else f"{flag} is missing: TLS needs all three files."
                raise PmlaunchError("PML001", what, hint="--tls-ca ca.pem --tls-cert cert.pem --tls-key key.pem")
        ca, cert, key = (str(expanded(file)) for file in files.values() if file)
        names = {"tls_ca_file": ca, f"tls_{role}_cert": cert, f"tls_{role}_key": key}
        return {**names, "require_encryption": True}


def scheduler_address(text: str, tls: TlsOptions) -> str:
    """The address of the scheduler: `text`, or what the scheduler file of that name says.

    Raises PML450 without distributed, PML451 for an address that is not protected, and PML452 for an unreadable file.
    """
    if importlib.util.find_spec("distributed") is None:
        raise PmlaunchError("PML450", "Sweeps on a cluster need distributed.", fix='pip install "pmlaunch[cluster]"')
    address = text if "://" in text else read_mapping(expanded(Path(text))).get("address")
    if not isinstance(address, str):
        message = f"{text} is neither an address nor a scheduler file."
        raise PmlaunchError("PML452", message, hint="--cluster tcp://127.0.0.1:8786", subject=text)
    require_protected(address, tls)
    return address


def require_protected(address: str, tls: TlsOptions) -> None:
    """Raise PML451 unless `address` uses TLS and the certificates were given, or is of this machine and none were."""
    files = tls.tls_ca, tls.tls_cert, tls.tls_key
    if not (all(files) if address.startswith("tls://") else _is_loopback(address) and not any(files)):
        message = f"{address} is not protected: whoever reaches a Dask cluster can run code on it."
        if _is_loopback(address):
            message = f"{address} has no TLS, although certificates were given."
        hint = "use tls://HOST:PORT with --tls-ca, --tls-cert and --tls-key, or a scheduler on 127.0.0.1 without them"
        raise PmlaunchError("PML451", message, hint=hint, subject=address)


def _is_loopback(address: str) -> bool:
    import ipaddress
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        return parts.scheme == "tcp" and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False
