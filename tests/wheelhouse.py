"""Packages for tests of pip without a network: tiny wheels, and a setuptools that only does editable installs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import textwrap
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from standin import make_checkout

TORCH = """
__version__ = "2.5.0+cpu"
class version: cuda = None
class cuda:
    is_available = staticmethod(lambda: False)
class distributed:
    is_available = staticmethod(lambda: False)
"""
# The part of a build backend that pip needs for an editable install of a package with a setup.py.
_BUILD = '''
import re, os, sys, zipfile

def setup(**options): pass

class _Legacy:
    """setuptools.build_meta:__legacy__, which pip takes where there is no pyproject.toml."""

    def get_requires_for_build_editable(self, config_settings=None): return []
    get_requires_for_build_wheel = get_requires_for_build_editable

    def _metadata(self):
        text = open("setup.py", encoding="utf-8").read()
        name, version = (re.search(key + r'="([^"]+)"', text)[1] for key in ("name", "version"))
        if os.path.exists("stuck"):
            open("working", "w").close()
            import time
            time.sleep(600)
        return name, version, f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n\\n"

    def prepare_metadata_for_build_editable(self, folder, config_settings=None):
        name, version, text = self._metadata()
        os.makedirs(os.path.join(folder, f"{name}-{version}.dist-info"))
        with open(os.path.join(folder, f"{name}-{version}.dist-info", "METADATA"), "w") as file: file.write(text)
        return f"{name}-{version}.dist-info"

    def build_editable(self, folder, config_settings=None, metadata_directory=None):
        name, version, text = self._metadata()
        info, wheel = f"{name}-{version}.dist-info", f"{name}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(os.path.join(folder, wheel), "w") as archive:
            archive.writestr(f"__editable__{name}.pth", os.getcwd() + "\\n")
            archive.writestr(f"{info}/METADATA", text)
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
            archive.writestr(f"{info}/RECORD", "".join(f"{item.filename},,\\n" for item in archive.infolist()))
        return wheel

__legacy__ = _Legacy()
'''
BACKEND = {"setuptools/__init__.py": "from setuptools.build_meta import setup", "setuptools/build_meta.py": _BUILD}
_SETUP = 'from setuptools import setup\n\nsetup(name="{0}", version="2.0", packages=["{0}"])\n'
REQUIREMENTS = """
genesis-world
wheel
torch>=2.5.0
lightning==2.5.0.post0
numpy>=1.21.1
setuptools==69.5.1
smpl_sim @ git+https://example.invalid/SMPLSim.git@master
hydra-core==1.3.2
# pydantic==1.10.9
pydantic==1.10.9
moviepy
"""


def make_wheel(
    folder: Path, name: str, version: str, modules: Mapping[str, str] | None = None, requires: Sequence[str] = ()
) -> Path:
    """A wheel in `folder`; `modules` maps paths to sources, by default one module of the package's name."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for where, text in _files(name, version, modules, requires).items():
            archive.writestr(where, text)
    return path


def put_into(
    site: Path, name: str, version: str, modules: Mapping[str, str] | None = None, requires: Sequence[str] = ()
) -> None:
    """Install the same package into a site-packages folder without pip."""
    for where, text in _files(name, version, modules, requires).items():
        (site / where).parent.mkdir(parents=True, exist_ok=True)
        (site / where).write_text(text, encoding="utf-8")


def _files(name: str, version: str, modules: Mapping[str, str] | None, requires: Sequence[str]) -> dict[str, str]:
    plain = name.replace("-", "_")
    info = f"{plain}-{version}.dist-info"
    files = dict({f"{plain}.py": f"__version__ = {version!r}\n"} if modules is None else modules)
    needs = "".join(f"Requires-Dist: {line}\n" for line in requires)
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}\n"
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    return files


def make_wheelhouse(folder: Path) -> Path:
    """Wheels for `REQUIREMENTS`, with the real ones' conflict: genesis-world requires a newer moviepy."""
    make_wheel(folder, "genesis-world", "0.3.3", {"genesis.py": ""}, ["moviepy>=2"])
    make_wheel(folder, "genesis-world", "1.4.5", {"genesis.py": "raise ImportError('too new')"}, ["moviepy>=2"])
    make_wheel(folder, "moviepy", "2.2.1", {"moviepy/__init__.py": ""})
    make_wheel(folder, "moviepy", "1.0.3", {"moviepy/__init__.py": "", "moviepy/editor.py": ""})
    make_wheel(folder, "lightning", "2.5.0.post0", requires=["torch>=2.1", "tqdm"])
    make_wheel(folder, "hydra-core", "1.3.2", {"hydra/__init__.py": "__version__ = '1.3.2'"}, ["omegaconf"])
    for name, version in (
        ("omegaconf", "2.3.1"),
        ("tqdm", "4.66"),
        ("wheel", "0.48.0"),
        ("numpy", "2.9"),
        ("torch", "9.9"),
    ):
        make_wheel(folder, name, version)
    return folder


def put_requirements_into(site: Path) -> None:
    """What pip leaves after it has installed `REQUIREMENTS`."""
    put_into(site, "genesis-world", "0.3.3", {"genesis.py": ""})
    put_into(site, "moviepy", "1.0.3", {"moviepy/__init__.py": "", "moviepy/editor.py": ""})
    put_into(site, "hydra-core", "1.3.2", {"hydra/__init__.py": ""})
    for name, version in (("lightning", "2.5.0.post0"), ("tqdm", "4.66"), ("omegaconf", "2.3.1"), ("wheel", "0.48.0")):
        put_into(site, name, version, requires=["tqdm"] if name == "lightning" else ())


def put_checkout_into(site: Path, checkout: Path) -> None:
    """What pip leaves after the editable install of the packages of `make_installable`."""
    for package, folder in (("protomotions", "."), ("isaac_utils", "isaac_utils"), ("poselib", "poselib")):
        place = checkout / folder
        put_into(site, package, "2.0", {f"__editable__{package}.pth": f"{place}\n"})
        direct = {"url": place.as_uri(), "dir_info": {"editable": True}}
        (site / f"{package}-2.0.dist-info" / "direct_url.json").write_text(json.dumps(direct), encoding="utf-8")


def make_installable(root: Path, requirements: str = REQUIREMENTS) -> Path:
    """A stand-in checkout of 2.x with its three packages and its requirements, for both simulators."""
    make_checkout(root)
    for package, folder in (("protomotions", "."), ("isaac_utils", "isaac_utils"), ("poselib", "poselib")):
        (root / folder / package).mkdir(parents=True, exist_ok=True)
        (root / folder / package / "__init__.py").touch()
        (root / folder / "setup.py").write_text(_SETUP.format(package), encoding="utf-8", newline="\n")
    (root / "requirements_genesis.txt").write_text(requirements, encoding="utf-8")
    (root / "requirements_isaaclab.txt").write_text(requirements.replace("genesis-world\n", ""), encoding="utf-8")
    return root


def make_environment(folder: Path) -> Path:
    """Make a virtual environment with pip, a torch, a numpy and the setuptools above; return its site-packages."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, stdout=subprocess.DEVNULL)
    site = site_of(folder)
    for entry in [*site.glob("setuptools*"), *site.glob("pkg_resources*"), *site.glob("_distutils_hack*")]:
        shutil.rmtree(entry)
    for path in site.glob("distutils-precedence.pth"):
        path.unlink()
    put_into(site, "setuptools", "80.9.0", {where: textwrap.dedent(text) for where, text in BACKEND.items()})
    put_into(site, "torch", "2.5.0+cpu", {"torch.py": TORCH})
    put_into(site, "numpy", "1.26.4")
    return site


def copy_environment(template: Path, folder: Path) -> Path:
    """A copy of a virtual environment. pip's many files are hard links, since nobody changes them."""

    def copy(source: str, target: str) -> None:
        if "/pip/" in source.replace("\\", "/"):
            os.link(source, target)
        else:
            shutil.copy2(source, target)

    return Path(shutil.copytree(template, folder, symlinks=True, copy_function=copy))


def site_of(folder: Path) -> Path:
    """The site-packages of a virtual environment."""
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))


def python_of(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def without_network(wheels: Path) -> dict[str, str]:
    """Variables with which pip looks for packages in `wheels` only."""
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1"}
