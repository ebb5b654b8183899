"""ProtoMotions 2.x as planning, installing and doctor see it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.interface import GenerationAdapter, MetricDefinitions, PackageRule, Program
from pmlaunch.generations.v2.checkout import v2_checkout
from pmlaunch.generations.v2.training_config import config_of, trained_bodies
from pmlaunch.generations.values import Training
from pmlaunch.model import Generation, Source
from pmlaunch.motions.raw_data import RawFormat
from pmlaunch.support.json import as_mapping
from pmlaunch.support.yaml_file import yaml_mapping, yaml_mappings

_SHARE = "0 to 1"
_CONVERT_AMASS = "python data/scripts/convert_amass_to_isaac.py AMASS_FOLDER (in the checkout)"


class Version2(GenerationAdapter):
    """ProtoMotions 2.x: a Hydra program, motions of poselib, config.yaml beside the checkpoint."""

    generation = Generation.V2
    label = "2.x"
    script = "protomotions/eval_agent.py"
    refs = r"v[12](\.|$)"
    origin_of_checkout = "git worktree add DIR v2.3"
    motion_suffixes = (".npy",)
    conversions: ClassVar[Mapping[RawFormat, str]] = {
        RawFormat.AMASS: _CONVERT_AMASS,
        RawFormat.PHC: f"convert the AMASS files that PHC made it from: {_CONVERT_AMASS}",
        RawFormat.HUMANML3D: f"it contains no rotations; convert its AMASS sources ({_CONVERT_AMASS}), then "
        "data/scripts/process_hml3d_data.py lists the parts",
    }
    presets_know_keys = True
    own_packages: ClassVar[tuple[str, ...]] = ("hydra", "protomotions", "isaac_utils", "poselib")
    required_packages: ClassVar[tuple[str, ...]] = (
        *("torch", "lightning", "hydra-core", "omegaconf", "numpy", "scipy", "trimesh", "easydict", "rich"),
    )
    # genesis-world requires moviepy>=2 although it works with 1.0.3: in one run pip finds no solution
    package_rules: ClassVar[Mapping[str, PackageRule]] = {
        "moviepy": PackageRule("2.3 imports moviepy.editor, which moviepy 2 removed", "<2", later=True),
        "genesis-world": PackageRule(
            "2.3 names no version; its eval_agent.py works with this one", "==0.3.3", unless_installed=True
        ),
        "open3d": PackageRule("only data conversion scripts import it; --with open3d"),
    }
    download_bytes, disk_bytes = 51_200_000, 108_600_000  # v2.3, measured except for eleven files
    metrics = MetricDefinitions(
        units={
            "gt_err": "m",
            "cartesian_err": "m",
            "gr_err": "rad",
            "gr_err_degrees": "deg",
            "tracking_success_rate": "share of motions",
            **{f"{name}_rew": _SHARE for name in ("dv", "kb", "lr", "rv", "rav", "gt", "gr", "gv", "gav", "rt", "rh")},
            "episode_reward": "reward",
            "episode_length": "steps",
            "reward": "reward per step",
            "resets": "episodes",
        },
        common={
            "success_rate": "eval/tracking_success_rate",
            "mean_position_error_m": "eval/gt_err",
            "mean_rotation_error_deg": "eval/gr_err_degrees",
        },
        failed_when=("gt_err_max", 0.5),
        agents=("protomotions.agents.mimic.", "protomotions.agents.masked_mimic."),
        wraps=True,
    )

    @property
    def program(self) -> Program:
        from pmlaunch.generations.v2.program import HydraProgram

        return HydraProgram()

    def open(self, root: Path, source: Source, environment: Mapping[str, str]) -> Checkout:  # noqa: ARG002
        return v2_checkout(root, source)

    def training(self, checkpoint: Path) -> Training | None:
        """The training whose config.yaml is there; ProtoMotions 3 writes one as well, so ask for 3 first."""
        return Training(Generation.V2, bodies=trained_bodies(checkpoint)) if config_of(checkpoint) else None

    def trained_config(self, checkpoint: Path) -> Mapping[str, object]:
        config = config_of(checkpoint)
        return as_mapping(*yaml_mappings([config])) if config else {}

    def refuse_unreadable_config(self, checkpoint: Path) -> None:
        if config := config_of(checkpoint):
            yaml_mapping(config, "PML107")
