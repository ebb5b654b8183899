"""Build the JavaScript that reports are made with: three.js and fflate, reduced to what the player uses.

    python scripts/build_viewer.py [--check]

Needs node and npm. Installs the pinned packages into a temporary folder, bundles them with esbuild, and writes the
files, their licences and vendor.json (versions and sha256) to src/pmlaunch/reporting/assets/vendor. With --check it
writes nothing and fails if the result would differ.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

VENDOR = Path(__file__).parents[1] / "src" / "pmlaunch" / "reporting" / "assets" / "vendor"
PACKAGES = {"three": "0.187.0", "fflate": "0.8.3", "esbuild": "0.28.2"}
BUNDLED = ("three", "fflate")
MOST_BYTES = 600_000
THREE = (
    "BufferGeometry Color CylinderGeometry DirectionalLight Float32BufferAttribute Fog HemisphereLight "
    "InstancedMesh LineBasicMaterial LineSegments Matrix4 Mesh MeshBasicMaterial MeshLambertMaterial PerspectiveCamera "
    "Quaternion Scene SphereGeometry Vector3 WebGLRenderer"
)
ENTRIES = {
    "three.min.js": "import {%s} from 'three';\n"
    "import {OrbitControls} from 'three/addons/controls/OrbitControls.js';\n"
    "globalThis.THREE = {OrbitControls, %s};\n" % ((", ".join(THREE.split()),) * 2),
    "inflate.min.js": "import {inflateSync} from 'fflate';\nglobalThis.inflate = inflateSync;\n",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the committed files; write nothing")
    options = parser.parse_args()
    if shutil.which("npm") is None:
        sys.exit("npm is missing: install Node.js (Debian: apt-get install nodejs npm)")
    with tempfile.TemporaryDirectory() as name:
        built = build(Path(name))
    if options.check:
        different = [name for name, content in built.items() if (VENDOR / name).read_bytes() != content]
        print("differs:" if different else "up to date", *different)
        return bool(different)
    VENDOR.mkdir(parents=True, exist_ok=True)
    for name, content in built.items():
        (VENDOR / name).write_bytes(content)
        print(f"{len(content):>7} bytes  {name}")
    return 0


def build(folder: Path) -> dict[str, bytes]:
    """Install, bundle and describe; return the files by name."""
    npm = shutil.which("npm") or "npm"
    (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": PACKAGES}), encoding="utf-8")
    subprocess.run([npm, "install", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)
    built: dict[str, bytes] = {}
    for name, source in ENTRIES.items():
        (folder / "entry.js").write_text(source, encoding="utf-8")
        command = [
            str(folder / "node_modules" / ".bin" / "esbuild"),
            "entry.js",
            "--bundle",
            "--minify",
            "--format=iife",
        ]
        command += ["--target=es2020", "--charset=ascii", "--legal-comments=none"]
        built[name] = subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout
    if sum(map(len, built.values())) > MOST_BYTES:
        sys.exit(f"the bundles are larger than {MOST_BYTES} bytes")
    licences = [
        f"{package} {PACKAGES[package]}\n\n{(folder / 'node_modules' / package / 'LICENSE').read_text(encoding='utf-8')}"
        for package in BUNDLED
    ]
    built["LICENSES.txt"] = "\n\n".join(licences).encode()
    vendor = {
        "packages": PACKAGES,
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in built.items()},
    }
    built["vendor.json"] = (json.dumps(vendor, indent=2) + "\n").encode()
    return built


if __name__ == "__main__":
    sys.exit(main())
