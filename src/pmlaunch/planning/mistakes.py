"""Mistakes in what was typed: misspelt names, words without an option, contradictions. Errors propose the whole command."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pmlaunch.catalog.constraints import constraints
from pmlaunch.catalog.motions import MotionSearch
from pmlaunch.catalog.presets import presets
from pmlaunch.errors import AmbiguousNameError, PmlaunchError, UnknownNameError, nearest, proposal
from pmlaunch.generations.checkout import Checkout
from pmlaunch.generations.overrides import OverrideKind, UserOverride
from pmlaunch.generations.values import BACKEND
from pmlaunch.model import Origin, Source
from pmlaunch.planning.command_line import corrected
from pmlaunch.request import EvalRequest, parameters
from pmlaunch.support.names import fold
from pmlaunch.support.paths import find_path

OPTION_OF: Mapping[str, str] = {
    "num_envs": "num_envs",
    "headless": "headless",
    "seed": "seed",
    "ngpu": "devices",
    "checkpoint": "checkpoint",
    "motion_file": "motions",
    "robot": "robot",
    "simulator": "simulator",
    "terrain": "terrain",
    "agent.config.max_eval_steps": "max_steps",
    "agent.evaluator.max_eval_steps": "max_steps",
    "fabric.accelerator": "device",
    BACKEND: "ddp_backend",
}
"""The key of an override -> the option that means the same."""


def refuse_contradictions(request: EvalRequest, overrides: Sequence[UserOverride]) -> None:
    """Raise PML021 for an override that contradicts an option or another override."""
    seen: dict[str, tuple[str, Any]] = {}
    for typed, override in zip(request.overrides, overrides, strict=True):
        if override.kind is OverrideKind.DELETE or (
            override.kind is OverrideKind.GROUP and override.key not in OPTION_OF
        ):
            continue
        name = OPTION_OF.get(override.key)
        given = getattr(request, name) if name else None
        if name and given not in (None, ()) and not _equal(given, override.value):
            option = _option(name, given)
            message = f"{typed} and {option} contradict each other."
            fix = corrected(request, **{name: () if isinstance(given, tuple) else None})
            raise PmlaunchError("PML021", message, fix=fix, subject=typed)
        before, value = seen.setdefault(override.key, (typed, override.value))
        if not _equal(value, override.value):
            left = tuple(text for text in request.overrides if text != before)
            message = f"{before} and {typed} contradict each other."
            raise PmlaunchError("PML021", message, fix=corrected(request, overrides=left), subject=typed)


def refuse_exclude_without_motion(request: EvalRequest, source: Source) -> None:
    """Raise PML001 for --exclude if the motions, which come from `source`, are not those of --motion or the model."""
    if request.exclude and source.origin in (Origin.OVERRIDE, Origin.CHECKPOINT):
        chooser = "an override" if source.origin is Origin.OVERRIDE else "the checkpoint"
        message = f"--exclude leaves out motions of --motion, but here {chooser} names the motion."
        raise PmlaunchError("PML001", message, hint="add --motion FILE", subject=request.exclude[0])


def _equal(one: Any, other: Any) -> bool:
    """Whether two values mean the same, however they are written."""
    if isinstance(one, (list, tuple)) and len(one) == 1 and not isinstance(other, (list, tuple)):
        return _equal(one[0], other)
    if isinstance(one, str) and isinstance(other, str):
        return one == other or (fold(one) == fold(other) != "")
    return bool(one == other)


def _option(name: str, value: Any) -> str:
    """The option as it was typed, with its value."""
    parameter = parameters(EvalRequest)[name]
    if isinstance(value, bool):
        return str(parameter.flags[0] if value else parameter.option.off)
    shown = ", ".join(value) if isinstance(value, tuple) else value
    return f"{parameter.flags[0]} {shown}"


@contextlib.contextmanager
def proposing(request: EvalRequest, name: str) -> Iterator[None]:
    """Let the error for an unknown name propose the command with the nearest name in the field `name` of `request`."""
    try:
        yield
    except UnknownNameError as error:
        typed, subject = getattr(request, name), error.subject or ""
        if name == "motions" and "," in subject:
            parts = [part.strip() for it in typed for part in (it.split(",") if it == subject else [it])]
            error.fix = corrected(request, motions=tuple(filter(None, parts)))
        elif name == "model" and fold(subject) in {
            fold(it) for preset in presets("motion").values() for it in preset.names
        }:
            error.fix = corrected(request, model="demo", motions=(subject, *request.motions))
        elif error.nearest and isinstance(typed, tuple) and error.subject in typed:
            error.fix = corrected(
                request, **{name: tuple(error.nearest if it == error.subject else it for it in typed)}
            )
        elif error.nearest and error.subject == typed:
            error.fix = corrected(request, **{name: error.nearest})
        error.hint = error.fix or error.hint
        raise


def refuse_bare_words(request: EvalRequest, search: MotionSearch) -> None:
    """Raise PML020 for a word that is neither an option nor an override, with the option that was probably meant."""
    words = [text for text in request.overrides if "=" not in text and not text.startswith(("+", "~"))]
    meanings = {word: _meaning(word, search) for word in words}
    # a dotted key without a value is for the generation's own parser
    bare = [word for word, (name, _) in meanings.items() if name or "." not in word]
    if not bare:
        return
    changes: dict[str, Any] = {"overrides": tuple(text for text in request.overrides if text not in bare)}
    options = []
    for word in bare:
        name, value = meanings[word]
        told = f"{word} is neither an option nor an override (KEY=VALUE)."
        if name is None:
            raise PmlaunchError("PML020", told, fix="pmlaunch eval --help", subject=word)
        options.append(f"{parameters(EvalRequest)[name].flags[0]} {value}")
        before = changes.get(name, getattr(request, name))
        changes[name] = tuple(dict.fromkeys((*before, value))) if isinstance(before, tuple) else value
    verb = "is" if len(bare) == 1 else "are"
    told = f"{' and '.join(bare)} {verb} neither an option nor an override (KEY=VALUE)."
    message = f"{told} Did you mean {' '.join(options)}?"
    raise PmlaunchError("PML020", message, fix=corrected(request, **changes), subject=bare[0])


def _meaning(word: str, search: MotionSearch) -> tuple[str | None, str]:
    """The option that a bare word is a value of, and the value; None if it means nothing here.

    A motion comes first, because --motion is what people leave out.
    """
    near = None
    if word.endswith(".ckpt"):
        return "checkpoint", word
    with contextlib.suppress(OSError):
        if find_path(word, search.places)[0].exists():
            return "motions", word
    try:
        search.find(word)
    except AmbiguousNameError:
        return "motions", word
    except UnknownNameError as error:
        near = error.nearest
    else:
        return "motions", word
    known = {
        "robot": [name for each in search.robots for name in each.names],
        "simulator": search.checkout.simulators(),
        "terrain": search.checkout.options("terrain"),
        "constraints": [each.name for each in constraints(search.checkout)],
    }
    names = (name for name, values in known.items() if fold(word) in map(fold, values))
    return next(((name, word) for name in names), ("motions", near) if near else (None, word))


def refuse_unknown_options(request: EvalRequest, checkout: Checkout, overrides: Sequence[UserOverride]) -> None:
    """Raise PML003 for an option that a config group of the checkout does not have."""
    for override in overrides:
        group = override.key.split("@")[0]
        if override.kind is not OverrideKind.GROUP or group in ("robot", "simulator"):
            continue
        options = checkout.options(group)
        for choice in override.choices:
            if choice not in options:
                near = nearest(choice, {option: option for option in options})
                raise PmlaunchError(
                    "PML003",
                    f"{group} has no option {choice!r}.{proposal(near)}",
                    hint="one of: " + ", ".join(options) if options and not near else None,
                    fix=_with_option(request, override.key, choice, near[0]) if near else None,
                    subject=f"+{override.key}={override.text}",
                )


def _with_option(request: EvalRequest, key: str, choice: str, option: str) -> str:
    """The command line with another option in the override of a group."""

    def mended(text: str) -> str:
        name, _, options = text.partition("=")
        return f"{name}={options.replace(choice, option)}" if name.lstrip("+") == key else text

    return corrected(request, overrides=tuple(map(mended, request.overrides)))
