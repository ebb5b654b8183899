"""The bodies of a ProtoMotions 2 environment."""

from __future__ import annotations

from typing import Any

from pmlaunch_agent.artifacts.motion_file import Bodies, Frame, rotations_of, to_array


class Bodies2(Bodies):
    """The bodies of ProtoMotions 2's BaseEnv."""

    def frame(self) -> Frame:
        state = self._env.simulator.get_bodies_state()
        return (to_array(state.rigid_body_pos), to_array(state.rigid_body_rot), *self._reference())

    def _reference(self) -> tuple[Any, Any]:
        """Upstream's reference, moved to where it was spawned, on the ground: positions and rotations."""
        env = self._env
        if not hasattr(env, "mimic_info_dict"):  # only such environments follow a motion; others start from one
            return None, None
        manager = env.motion_manager
        state = env.motion_lib.get_motion_state(manager.motion_ids, manager.motion_times)
        wanted = state.rigid_body_pos + env.respawn_offset_relative_to_data.view(-1, 1, 3)
        ground = env.terrain.get_ground_heights(wanted[:, 0]).view(-1, 1, 1)
        placed = to_array(wanted)
        placed[..., 2:] += to_array(ground)
        return placed, rotations_of(state)

    def skeleton(self) -> tuple[list[str], list[int]]:
        """See `Bodies`. Parents are from the skeleton of the first motion, which may order its bodies differently."""
        names = [str(name) for name in self._env.config.robot.body_names]
        try:
            tree = self._env.motion_lib.state.motions[0].skeleton_tree
            nodes, parents = [str(name) for name in tree.node_names], tree.parent_indices.tolist()
            above = {name: nodes[parent] if parent >= 0 else "" for name, parent in zip(nodes, parents)}  # noqa: B905
        except (AttributeError, IndexError, KeyError, TypeError):
            above = {}
        return names, [names.index(above[name]) if above.get(name) in names else -1 for name in names]
