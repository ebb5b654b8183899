"""The ProtoMotions checkout: where it is, its generation and its commit. Read without git."""

from __future__ import annotations

from pmlaunch.doctor.check import Observation
from pmlaunch.doctor.target import DoctorTarget
from pmlaunch.git.queries import Head, read_head


def look(target: DoctorTarget) -> Observation:
    checkout = target.checkout
    if checkout is None:
        return Observation((("ProtoMotions", "none"),), (target.problem,) if target.problem else ())
    head = read_head(checkout.root)
    return Observation(
        (
            ("path", str(checkout.root)),
            ("known from", str(checkout.source)),
            ("generation", str(checkout.generation)),
            ("at", _described(head) if head else "no git repository, so the version is unknown"),
        )
    )


def _described(head: Head) -> str:
    """What is checked out, such as "v2.3, commit 4a905b99" or "branch main, commit ..."."""
    names = [*head.tags, *([f"branch {head.branch}"] if head.branch else [])]
    return ", ".join([*names, f"commit {head.commit[:10]}" if head.commit else "commit unknown"])
