"""Rotations against hand-computed values, and each function against its inverse."""

from __future__ import annotations

import numpy as np
import pytest

from pmlaunch.motions.kinematics import (
    IDENTITY,
    about,
    forward_kinematics,
    from_vector,
    heading,
    inverse,
    local_rotations,
    multiply,
    normalized,
    rotate,
    slerp,
    to_vector,
)

X, Y, Z = np.eye(3)
QUARTER = np.pi / 2


@pytest.mark.parametrize(("axis", "before", "after"), [("x", Y, Z), ("y", Z, X), ("z", X, Y)])
def test_quarter_turns_follow_the_right_hand_rule(axis: str, before: np.ndarray, after: np.ndarray) -> None:
    np.testing.assert_allclose(rotate(about(axis, QUARTER), before), after, atol=1e-12)


def test_product_applies_its_right_side_first() -> None:
    both = multiply(about("z", QUARTER), about("x", QUARTER))
    np.testing.assert_allclose(rotate(both, Y), Z, atol=1e-12)  # x turns y into z, which z leaves unchanged


def test_inverse_undoes_a_rotation() -> None:
    turn = from_vector(np.array([0.3, -1.0, 2.0]))
    np.testing.assert_allclose(multiply(turn, inverse(turn)), IDENTITY, atol=1e-12)


@pytest.mark.parametrize("vector", [(0.0, 0.0, 0.0), (1e-12, 0.0, 0.0), (1e-5, 2e-5, 0.0), (0.5, -0.2, 2.9)])
def test_rotation_vector_round_trip(vector: tuple[float, ...]) -> None:
    np.testing.assert_allclose(to_vector(from_vector(np.array(vector))), vector, atol=1e-12)


def test_rotation_vectors_take_the_shorter_way() -> None:
    np.testing.assert_allclose(to_vector(-about("z", 0.5)), [0.0, 0.0, 0.5], atol=1e-12)
    np.testing.assert_allclose(to_vector(about("z", 1.5 * np.pi)), [0.0, 0.0, -QUARTER], atol=1e-12)


def test_slerp_has_constant_speed() -> None:
    path = slerp(about("y", 0.2), -about("y", 1.2), np.array([0.0, 0.25, 1.0]))
    np.testing.assert_allclose(to_vector(path)[:, 1], [0.2, 0.45, 1.2], atol=1e-12)


def test_heading_drops_lean_and_roll() -> None:
    posture = multiply(multiply(about("z", 0.7), about("y", 0.4)), about("x", -0.2))
    np.testing.assert_allclose(heading(posture), about("z", 0.7), atol=1e-12)


def test_forward_kinematics_of_a_two_bone_arm() -> None:
    offsets = np.array([[9.0, 9.0, 9.0], [1.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
    local = np.stack([about("z", QUARTER), about("z", QUARTER), IDENTITY])[None]
    positions, rotations = forward_kinematics([-1, 0, 1], offsets, local, np.array([[0.0, 0.0, 5.0]]))
    np.testing.assert_allclose(positions[0], [[0, 0, 5], [0, 1, 5], [-2, 1, 5]], atol=1e-12)
    np.testing.assert_allclose(local_rotations([-1, 0, 1], rotations), local, atol=1e-12)


def test_normalized_vectors() -> None:
    np.testing.assert_allclose(normalized(np.array([[3.0, 4.0]])), [[0.6, 0.8]])
