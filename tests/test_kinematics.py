"""Rotations against values worked out by hand, and each function against its inverse."""

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
def test_a_quarter_turn_goes_by_the_right_hand(axis: str, before: np.ndarray, after: np.ndarray) -> None:
    np.testing.assert_allclose(rotate(about(axis, QUARTER), before), after, atol=1e-12)


def test_a_product_does_its_right_side_first() -> None:
    both = multiply(about("z", QUARTER), about("x", QUARTER))
    np.testing.assert_allclose(rotate(both, Y), Z, atol=1e-12)  # y goes to z, which z leaves alone


def test_inverse_undoes() -> None:
    turn = from_vector(np.array([0.3, -1.0, 2.0]))
    np.testing.assert_allclose(multiply(turn, inverse(turn)), IDENTITY, atol=1e-12)


@pytest.mark.parametrize("vector", [(0.0, 0.0, 0.0), (1e-12, 0.0, 0.0), (1e-5, 2e-5, 0.0), (0.5, -0.2, 2.9)])
def test_vectors_there_and_back(vector: tuple[float, ...]) -> None:
    np.testing.assert_allclose(to_vector(from_vector(np.array(vector))), vector, atol=1e-12)


def test_the_shorter_way_round() -> None:
    np.testing.assert_allclose(to_vector(-about("z", 0.5)), [0.0, 0.0, 0.5], atol=1e-12)
    np.testing.assert_allclose(to_vector(about("z", 1.5 * np.pi)), [0.0, 0.0, -QUARTER], atol=1e-12)


def test_slerp_keeps_its_speed() -> None:
    path = slerp(about("y", 0.2), -about("y", 1.2), np.array([0.0, 0.25, 1.0]))
    np.testing.assert_allclose(to_vector(path)[:, 1], [0.2, 0.45, 1.2], atol=1e-12)


def test_heading_drops_lean_and_roll() -> None:
    posture = multiply(multiply(about("z", 0.7), about("y", 0.4)), about("x", -0.2))
    np.testing.assert_allclose(heading(posture), about("z", 0.7), atol=1e-12)


def test_an_arm_of_two_bones() -> None:
    offsets = np.array([[9.0, 9.0, 9.0], [1.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
    local = np.stack([about("z", QUARTER), about("z", QUARTER), IDENTITY])[None]
    positions, rotations = forward_kinematics([-1, 0, 1], offsets, local, np.array([[0.0, 0.0, 5.0]]))
    np.testing.assert_allclose(positions[0], [[0, 0, 5], [0, 1, 5], [-2, 1, 5]], atol=1e-12)
    np.testing.assert_allclose(local_rotations([-1, 0, 1], rotations), local, atol=1e-12)


def test_normalized() -> None:
    np.testing.assert_allclose(normalized(np.array([[3.0, 4.0]])), [[0.6, 0.8]])
