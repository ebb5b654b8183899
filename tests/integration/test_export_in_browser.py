"""Exported GLB files in three.js, whose GLTFLoader reads them and whose mixer plays them, in Chromium."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import pmlaunch.reporting
from foreign_readers import MM, in_axes
from pmlaunch.motions.export import ExportRequest, prepare
from pmlaunch.motions.export_source import What, takes_of_saved
from pmlaunch.motions.recorded_motion import FILE, write_saved
from recorded_runs import saved_motion

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

PARTS = ("package/build/", "package/examples/jsm/loaders/", "package/examples/jsm/utils/")
SITE = "http://three.invalid/"
PAGE = """<script type="importmap">{"imports": {"three": "/build/three.module.js", "three/addons/": "/examples/jsm/"}}</script>
<script type="module">
import {AnimationMixer, Vector3} from "three";
import {GLTFLoader} from "three/addons/loaders/GLTFLoader.js";
globalThis.read = async function (text, times) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const {scene, animations} = await new GLTFLoader().parseAsync(bytes.buffer, "");
  const meshes = [];
  scene.traverse((node) => { if (node.isSkinnedMesh) meshes.push(node); });
  const mixer = new AnimationMixer(scene);
  mixer.clipAction(animations[0]).play();
  const found = {};
  for (const {name, skeleton} of meshes) {
    found[name.replace(/_mesh$/, "")] = {bodies: skeleton.bones.map((bone) => bone.userData.name ?? bone.name), positions: []};
  }
  for (const time of times) {
    mixer.setTime(time);
    scene.updateMatrixWorld(true);
    for (const {name, skeleton} of meshes) {
      const places = skeleton.bones.map((bone) => bone.getWorldPosition(new Vector3()).toArray());
      found[name.replace(/_mesh$/, "")].positions.push(places);
    }
  }
  return found;
};
</script>"""


@pytest.fixture(scope="module")
def three(pytestconfig: pytest.Config) -> dict[str, bytes]:
    """Files of the npm package that the player is built from, which is downloaded once."""
    vendor = Path(pmlaunch.reporting.__file__).parent / "assets" / "vendor" / "vendor.json"
    version = json.loads(vendor.read_text(encoding="utf-8"))["packages"]["three"]
    assert pytestconfig.cache is not None
    package = Path(pytestconfig.cache.mkdir("three")) / f"three-{version}.tgz"
    if not package.is_file():
        npm = shutil.which("npm") or pytest.skip("skipped: npm is not installed")
        command = [npm, "pack", f"three@{version}", "--silent"]
        if subprocess.run(command, cwd=package.parent, capture_output=True, timeout=120, check=False).returncode:
            pytest.skip(f"skipped: npm cannot download three {version}")
    with tarfile.open(package) as archive:
        wanted = [each for each in archive if each.name.startswith(PARTS) and each.name.endswith(".js")]
        return {each.name.removeprefix("package/"): archive.extractfile(each).read() for each in wanted}  # type: ignore[union-attr]


def test_gltf_loader_of_three_puts_the_bodies_where_the_simulator_did(
    browser: Browser, three: dict[str, bytes], tmp_path: Path
) -> None:
    saved = saved_motion(["fall"], falls=["fall"])
    write_saved(tmp_path / FILE, saved)
    (take,) = takes_of_saved(tmp_path / FILE, What.BOTH)
    prepare(take.animations, ExportRequest("glb")).write(tmp_path / "out.glb")

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(SITE)
        route.fulfill(body=three[name] if name else PAGE, content_type="text/javascript" if name else "text/html")

    page = browser.new_page()
    page.route(f"{SITE}**", answer)
    page.goto(SITE)
    page.wait_for_function("Boolean(globalThis.read)")
    frames = [0, 1, 75, 148]
    content = base64.b64encode((tmp_path / "out.glb").read_bytes()).decode()
    found: dict[str, Any] = page.evaluate(
        "([file, times]) => read(file, times)", [content, [frame / 30 for frame in frames]]
    )
    page.close()
    assert saved.reference is not None
    for name, positions in (("policy", saved.positions), ("reference", saved.reference)):
        bodies = found[name]["bodies"]
        places = np.array(found[name]["positions"])[:, [bodies.index(each) for each in saved.body_names]]
        wanted = in_axes(positions[frames, 0].astype(np.float64), "y")
        assert np.linalg.norm(places - wanted, axis=-1).max() < 0.1 * MM
