"""The ProtoMotions checkout: found, of which generation, at which commit. Read without git."""

from __future__ import annotations

from pmlaunch.doctor.check import Check, Group, Seen, Site
from pmlaunch.git.queries import Head, read_head


def _look(site: Site) -> Seen:
    checkout = site.checkout
    if checkout is None:
        return Seen(findings=(site.problem,) if site.problem else (), facts=(("ProtoMotions", "none"),))
    head = read_head(checkout.root)
    facts = [
        ("path", str(checkout.root)),
        ("known from", str(checkout.source)),
        ("generation", str(checkout.generation)),
        ("at", _told(head) if head else "no git repository: which version it is cannot be told"),
    ]
    return Seen(tuple(facts))


def _told(head: Head) -> str:
    """ "v2.3, commit 4a905b99", "branch main, commit ..." """
    names = [*head.tags, *([f"branch {head.branch}"] if head.branch else [])]
    return ", ".join([*names, f"commit {head.commit[:10]}" if head.commit else "commit unknown"])


CHECKOUT = Check("checkout", "ProtoMotions", Group.CHECKOUT, _look)
