"""ProtoMotions 3.x as planning, installing and doctor see it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.interface import GenerationAdapter, MetricDefinitions, PackageRule, Program
from pmlaunch.generations.v3 import CHECKPOINT_NAMES, FROZEN_CONFIGS
from pmlaunch.generations.values import Training
from pmlaunch.model import Generation, Source
from pmlaunch.motions.raw_data import RawFormat
from pmlaunch.support.json import read_mapping

_CONVERT_AMASS = "python data/scripts/convert_amass_to_proto.py AMASS_FOLDER (in the checkout)"
# ProtoMotions 3 puts the statistic last: eval/gt_error/mean
_COMPONENTS = {"gt_error": "m", "max_joint_error": "m", "gr_error": "rad"}


class Version3(GenerationAdapter):
    """ProtoMotions 3.x: an argparse program, motions saved by torch, frozen configs beside the checkpoint."""

    generation = Generation.V3
    label = "3.x"
    script = "protomotions/inference_agent.py"
    refs = r"main$|v3(\.|$)"
    origin_of_checkout = "branch main"
    hydra = False
    motion_suffixes = (".motion", ".pt")
    conversions: ClassVar[Mapping[RawFormat, str]] = {
        RawFormat.AMASS: _CONVERT_AMASS,
        RawFormat.PHC: f"convert the AMASS files that PHC made it from: {_CONVERT_AMASS}",
        RawFormat.HUMANML3D: f"it contains no rotations; convert its AMASS sources: {_CONVERT_AMASS}",
    }
    motion_names_carry_robot = False
    checkpoint_names = CHECKPOINT_NAMES
    own_packages = ("protomotions",)
    required_packages = ("torch", "lightning", "numpy")
    package_rules: ClassVar[Mapping[str, PackageRule]] = {
        "moviepy": PackageRule("3.x imports ImageSequenceClip from its moviepy 2 location", ">=2"),
        "openmesh": PackageRule("3.x never imports it, and without a wheel pip compiles it for minutes"),
        "open3d": PackageRule("3.x never imports it, and it takes hundreds of MB"),
    }
    download_bytes, disk_bytes = 30_000_000, 67_000_000  # estimated
    assets_in_lfs = True
    metrics = MetricDefinitions(
        units={
            **{f"{name}/{part}": unit for name, unit in _COMPONENTS.items() for part in ("mean", "max", "min")},
            "failure_rate": "share of motions",
            "success_rate": "share of motions",
            "num_evaluated": "motions",
            "action_delta_mean_rad": "rad",
            "action_delta_max_rad": "rad",
            "action_delta_mean_deg": "deg",
            "action_delta_max_deg": "deg",
            "action_rate_mean_rad_s": "rad/s",
            "high_jerk_frame_percentage_mean": "%",
        },
        common={
            "success_rate": "eval/success_rate",
            "mean_position_error_m": "eval/gt_error/mean",
            "mean_rotation_error_deg": "eval/gr_error/mean",
        },
        factors={"mean_rotation_error_deg": math.degrees(1.0)},
        by_itself=True,
    )

    @property
    def program(self) -> Program:
        from pmlaunch.generations.v3.program import InferenceProgram

        return InferenceProgram()

    def open(self, root: Path, source: Source, environment: Mapping[str, str]) -> Checkout:
        from pmlaunch.generations.v3.checkout import v3_checkout

        return v3_checkout(root, source, environment.get("PROTOMOTIONS_ASSET_ROOT"))

    def training(self, checkpoint: Path) -> Training | None:
        """The training whose frozen configs are there, or whose arguments, which it writes as JSON to config.yaml."""
        arguments = read_mapping(checkpoint.parent / "config.yaml")
        if not (checkpoint.parent / FROZEN_CONFIGS).is_file() and "robot_name" not in arguments:
            return None
        from pmlaunch.generations.v3.frozen_configs import training

        return training(checkpoint, arguments)

    def trained_config(self, checkpoint: Path) -> Mapping[str, object]:
        from pmlaunch.generations.v3.frozen_configs import frozen_text

        return frozen_text(checkpoint)

    def refuse_unreadable_config(self, checkpoint: Path) -> None:
        from pmlaunch.generations.v3.frozen_configs import FrozenState, read_frozen

        if read_frozen(checkpoint).state is FrozenState.UNREADABLE:
            path = checkpoint.parent / FROZEN_CONFIGS
            raise PmlaunchError(
                "PML130", f"{path} was not saved by torch.", hint="download the file again", subject=str(path)
            )
