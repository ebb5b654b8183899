"""Generated clips for a checkout of ProtoMotions 3, which ships none of SMPL's humanoid: a walk, a wave and a squat.

They are the motions of motions/generated/, computed for the skeleton in the checkout's MJCF file, so that the feet touch
the ground. The content of a .motion file was derived from those that upstream ships: dof_pos are the joints' rotation
vectors in the order of the bodies, velocities are central differences, dof_vel are angular velocities in the parent's
frame.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pmlaunch.generations.checkout import BodyPosition, Checkout
from pmlaunch.support.atomic import write_bytes
from pmlaunch.support.cache import cache_root, content_key
from pmlaunch.support.names import fold

if TYPE_CHECKING:
    from pmlaunch.motions.generated.skeleton import Skeleton
    from pmlaunch.motions.poselib_motion import Motion

ROBOT = "smpl"
_PREFIX = "pmlaunch_smpl_"
_NAMES = {"walk": ("walk", "walking"), "wave": ("wave", "waving"), "squat": ("squat", "squatting")}
_KEEP = 30  # files of about 330 kB
_LOW, _SLOW = 0.08, 0.1  # m, m/s: a body below both touches the ground


def own_clip(wanted: str, checkout: Checkout, robot: str) -> Path | None:
    """The clip that `wanted` names; None if there is none for this robot of this checkout."""
    named = (name for name, names in _NAMES.items() if fold(wanted) in map(fold, (*names, _PREFIX + name)))
    return next(_made(named, checkout, robot), None)


def own_clips(checkout: Checkout, robot: str = ROBOT) -> list[Path]:
    """All clips for this robot of this checkout; none if it is not a humanoid with SMPL's bodies."""
    return list(_made(_NAMES, checkout, robot))


def is_own(path: Path) -> bool:
    """Whether a motion file is a generated clip."""
    return path.name.startswith(_PREFIX) and path.suffix == ".motion"


def _made(names: Iterable[str], checkout: Checkout, robot: str) -> Iterator[Path]:
    """The files of the clips, written unless the same bytes are there already."""
    positions = checkout.body_positions(robot) if robot == ROBOT else None
    skeleton = _skeleton(positions) if positions else None
    contents = ((name, _content(name, skeleton)) for name in names) if skeleton else ()
    for name, content in contents:
        if content is None:
            continue
        path = _home() / "clips" / content_key(content)[:16] / f"{_PREFIX}{name}.motion"
        try:
            if not path.is_file() or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_bytes(path, content)
                _prune(path.parent.parent)
        except OSError:
            continue  # without a writable folder there are no clips
        yield path


def _prune(folder: Path) -> None:
    """Keep the newest files; the others were made for skeletons that have changed since."""
    clips = sorted(folder.glob(f"*/{_PREFIX}*.motion"), key=lambda path: path.stat().st_mtime)
    for path in clips[:-_KEEP]:
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # it holds another clip
            path.parent.rmdir()


def _home() -> Path:
    """The cache folder, or the user's data folder if the cache is off: a run needs the file in any case."""
    from platformdirs import user_data_path

    return cache_root() or user_data_path("pmlaunch", appauthor=False)


def _skeleton(positions: Mapping[str, BodyPosition]) -> Skeleton | None:
    """The skeleton, if its bodies and their parents are SMPL's, in SMPL's order."""
    import numpy as np

    from pmlaunch.motions.generated.skeleton import NODE_NAMES, PARENTS, Skeleton

    parents = ["" if parent < 0 else NODE_NAMES[parent] for parent in PARENTS]
    if tuple(positions) != NODE_NAMES or [position.parent for position in positions.values()] != parents:
        return None
    return Skeleton(np.array([position[1:] for position in positions.values()]))


def _content(name: str, skeleton: Skeleton) -> bytes | None:
    """The content of a clip's file; None for a skeleton that cannot move, such as one whose bones have no length."""
    import numpy as np

    from pmlaunch.motions.generated.choreography import own_motion
    from pmlaunch.motions.torch_file import tensor_file

    with np.errstate(all="ignore"):
        motion = own_motion(name, skeleton)
    sound = np.isfinite(motion.local_rotation).all() and np.isfinite(motion.root_translation).all()
    return tensor_file(tensors_of(motion)) if sound else None


def tensors_of(motion: Motion) -> dict[str, Any]:
    """The content of a .motion file of ProtoMotions 3.

    float32: rigid_body_pos (T, J, 3) m, rigid_body_rot and local_rigid_body_rot (T, J, 4) xyzw, rigid_body_vel m/s and
    rigid_body_ang_vel rad/s (T, J, 3), dof_pos rad and dof_vel rad/s (T, 3 (J - 1)); bool: rigid_body_contacts (T, J).
    """
    import numpy as np

    from pmlaunch.motions.kinematics import forward_kinematics, inverse, multiply, to_vector

    local, step = motion.local_rotation, 1.0 / motion.fps
    positions, rotations = forward_kinematics(motion.parents, motion.local_translation, local, motion.root_translation)
    velocities = np.gradient(positions, step, axis=0)

    def turning(q: Any) -> Any:
        """Angular velocities (T, ..., 3) in rad/s; the first and the last frame repeat their neighbour's."""
        inner = to_vector(multiply(q[2:], inverse(q[:-2]))) / (2.0 * step)
        return np.concatenate([inner[:1], inner, inner[-1:]])

    touching = (positions[..., 2] < _LOW) & (np.linalg.norm(velocities, axis=-1) < _SLOW)
    frames = motion.frames
    arrays = {
        "dof_pos": to_vector(local[:, 1:]).reshape(frames, -1),
        "dof_vel": turning(local[:, 1:]).reshape(frames, -1),
        "rigid_body_pos": positions,
        "rigid_body_rot": rotations,
        "rigid_body_vel": velocities,
        "rigid_body_ang_vel": turning(rotations),
        "local_rigid_body_rot": local,
    }
    return {
        "fps": round(motion.fps),
        **{key: array.astype("<f4") for key, array in arrays.items()},
        "rigid_body_contacts": touching,
    }
