"""Versions of the packages that a run really used."""

from __future__ import annotations

import sys

# module -> distribution, which tells the version of a module without __version__
_DISTRIBUTIONS = {
    "torch": "torch",
    "lightning": "lightning",
    "hydra": "hydra-core",
    "omegaconf": "omegaconf",
    "numpy": "numpy",
    "mujoco": "mujoco",
    "genesis": "genesis-world",
    "newton": "newton-physics",
    "warp": "warp-lang",
    "isaacgym": "isaacgym",
    "isaaclab": "isaaclab",
    "isaacsim": "isaacsim",
    "protomotions": "protomotions",
}


def imported_versions() -> dict[str, str]:
    """{module: version} of the modules above that are imported now, and "python"."""
    found = {"python": sys.version.split()[0]}
    for module, distribution in _DISTRIBUTIONS.items():
        if module in sys.modules:
            version = getattr(sys.modules[module], "__version__", None) or _installed_version(distribution)
            if version:
                found[module] = str(version)
    return found


def _installed_version(distribution: str) -> str | None:
    from importlib import metadata  # 20 to 80 ms, so only at the end of a run that needs it

    try:
        return metadata.version(distribution)
    except Exception:  # not installed as a distribution, or its metadata is broken
        return None
