"""Inspect a merged config: which values do not resolve, are missing, or name code that a run would execute."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pmlaunch.agent.pmlaunch_agent.contract import AGENT_TARGET
from pmlaunch.errors import nearest
from pmlaunch.generations.override_types import wrong_type
from pmlaunch.generations.source_names import KNOWN_TARGETS, SourceNames
from pmlaunch.generations.v2.arithmetic import NotArithmeticError, evaluate
from pmlaunch.model import Finding, Severity
from pmlaunch.support.yaml_file import MOST_OF_A_CONFIG, config_loader

_MASKED_MIMIC = "protomotions.agents.masked_mimic."
_MASKS = "env.config.masked_mimic.masked_mimic_masking.joint_masking.masked_mimic_fixed_conditioning"
_MOST = 8  # findings of one kind
_MOST_WORK = 8_000  # resolved interpolations, and nodes that they copy; the configs of 2.3 need 1,600


@contextlib.contextmanager
def safe_resolvers() -> Iterator[list[str]]:
    """Register ProtoMotions' resolvers, with arithmetic for `eval`. Yields the list of refused expressions."""
    from omegaconf import OmegaConf

    refused: list[str] = []

    def arithmetic(expression: object) -> object:
        try:
            return evaluate(expression)
        except NotArithmeticError:
            refused.append(str(expression))
            raise

    # like upstream's, these take one argument only
    def total(values: Any) -> Any:
        return sum(values)

    def whole(value: Any) -> int:
        return int(value)

    resolvers: dict[str, Callable[..., Any]] = {
        "eval": arithmetic,
        "if": lambda condition, yes, no: yes if condition else no,
        "eq": lambda one, other: str(one).lower() == str(other).lower(),
        "sqrt": lambda value: math.sqrt(float(value)),
        "sum": total,
        "sum_list": total,
        "ceil": math.ceil,
        "int": whole,
        "len": len,
    }
    for name, resolver in resolvers.items():
        OmegaConf.register_new_resolver(name, resolver, replace=True)
    try:
        yield refused
    finally:
        for name in resolvers:
            OmegaConf.clear_resolver(name)


class InterpolationBomb(BaseException):  # no Exception, which OmegaConf would wrap and go on
    """The interpolations of a config expand to more values than any real config has."""


@contextlib.contextmanager
def bounded_omegaconf() -> Iterator[None]:
    """Let OmegaConf and Hydra read YAML with `config_loader`, and stop interpolations that would not end.

    OmegaConf has no option for either, so this replaces the function that makes its loader, and wraps the one that
    every interpolation passes and raises InterpolationBomb. libyaml's parser saves 0.10 s of the 0.95 s of CPU of a dry
    run on the configs of 2.3.
    """
    import omegaconf._utils as omegaconf_utils
    from omegaconf.base import Container

    own, resolve, work = omegaconf_utils.get_yaml_loader, Container.resolve_parse_tree, 0

    def counted(container: Any, *arguments: Any, **named: Any) -> Any:
        nonlocal work
        value = resolve(container, *arguments, **named)
        work += 1 + _size_of(value)
        if work > _MOST_WORK:
            raise InterpolationBomb
        return value

    omegaconf_utils.get_yaml_loader = partial(config_loader, MOST_OF_A_CONFIG)
    Container.resolve_parse_tree = counted  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        omegaconf_utils.get_yaml_loader = own
        Container.resolve_parse_tree = resolve  # type: ignore[method-assign]


def _size_of(value: Any) -> int:
    """Roughly what a resolved interpolation makes OmegaConf copy: characters of a text / 100, nodes of a container."""
    from omegaconf import DictConfig, ListConfig

    size, pending = 0, [value]
    while pending and size < _MOST_WORK:
        node = pending.pop()
        size += 1
        if isinstance(node, (DictConfig, ListConfig)):
            content = node._content  # noqa: SLF001 (iterating over the container would resolve its values)
            pending += content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
        elif isinstance(node, str):
            size += len(node) // 100
    return size


def inspect_config(config: Any, refused: list[str]) -> tuple[list[Finding], dict[str, Any]]:
    """(findings, facts) of a merged config: what would stop a run or must not be run, and the fields of a ConfigReport.

    Resolves the config in place. `refused` holds the expressions that the resolvers refuse.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    findings: list[Finding] = []
    try:
        OmegaConf.resolve(config)
    except (OmegaConfBaseException, ArithmeticError, TypeError, ValueError, RecursionError):
        findings += _unresolved(config, refused)
    values = dict(_plain_leaves(OmegaConf.to_container(config, resolve=False), ""))
    findings += [
        Finding("PML110", Severity.ERROR, f"{key} has no value (???).", hint=f"{key}=VALUE", subject=key)
        for key, value in values.items()
        if value == "???"
    ][:_MOST]
    return findings, {**_facts(values), "targets": _targets(values)}


def _plain_leaves(node: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of every value in dicts and lists."""
    if isinstance(node, dict):
        for key, child in node.items():
            yield from _plain_leaves(child, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from _plain_leaves(child, f"{prefix}[{index}]")
    else:
        yield prefix, node


def _unresolved(config: Any, refused: list[str]) -> list[Finding]:
    """One finding for each value that does not resolve; those that contain code first."""
    from omegaconf.errors import MissingMandatoryValue

    findings = []
    for key, node, holder in _leaves(config, ""):
        refused.clear()
        try:
            _ = holder[node]
        except MissingMandatoryValue:
            continue
        except Exception as error:  # noqa: BLE001  # a resolver may raise anything
            if refused:
                message = (
                    f"{key} uses ${{eval:...}} with {refused[-1]!r}, which is not arithmetic. Nothing was executed."
                )
                findings.append(Finding("PML108", Severity.ERROR, message, subject=key))
            else:
                reason = str(error).strip().splitlines()[0][:500]
                findings.append(Finding("PML109", Severity.ERROR, f"{key} does not resolve: {reason}", subject=key))
    findings.sort(key=lambda finding: finding.code)
    return findings[:_MOST]


def _leaves(node: Any, prefix: str) -> Iterator[tuple[str, Any, Any]]:
    """(dotted key, last key, its container) of every value of the config, with interpolations unresolved."""
    from omegaconf import DictConfig, ListConfig

    keys: Sequence[Any] = range(len(node)) if isinstance(node, ListConfig) else list(node.keys())
    for key in keys:
        path = f"{prefix}[{key}]" if isinstance(node, ListConfig) else f"{prefix}{'.' if prefix else ''}{key}"
        child = node._get_node(key)  # noqa: SLF001  # the only access that does not resolve the value
        is_container = isinstance(child, (DictConfig, ListConfig))
        if is_container and not child._is_none() and not child._is_missing() and not child._is_interpolation():  # noqa: SLF001
            yield from _leaves(child, path)
        else:
            yield path, key, node


def _targets(values: Mapping[str, Any]) -> dict[str, str]:
    """Each `_target_` that is not known from ordinary configs: a run would import and call it."""
    return {
        key: target
        for key, target in values.items()
        if key.rpartition(".")[2] in ("_target_", "_config_target_")
        and isinstance(target, str)
        and target not in ("???", AGENT_TARGET)
        and target not in KNOWN_TARGETS
    }


def foreign_code(targets: Mapping[str, str], root: Path) -> list[Finding]:
    """A finding for each target that is not a class or function of the checkout at `root`."""
    own, findings = SourceNames(root).kinds(set(targets.values())), []
    for key, target in targets.items():
        if target not in own:
            standard = target.split(".")[0] in sys.stdlib_module_names
            code, where = ("PML108", "the standard library") if standard else ("PML115", "another package")
            message = f"{key} is {target}: a run would call code from {where}, not from ProtoMotions."
            if target.startswith("protomotions."):
                message = f"{key} is {target}, which the checkout does not define. A run could find it in any package."
            findings.append(Finding(code, Severity.ERROR, message, hint=f"--no-check {code}", subject=key))
    return findings[:_MOST]


def _facts(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that planning needs; None if the config does not tell."""

    def value(key: str, *types: type) -> Any:
        found = values.get(key)
        return found if isinstance(found, types) and not isinstance(found, bool) and found != "???" else None

    rate = value("simulator.config.sim.fps", int, float)
    decimation = value("simulator.config.sim.decimation", int, float)
    agent = value("agent._target_", str) or ""
    return {
        "control_hz": rate / decimation if rate and decimation else None,
        "motion_file": value("motion_file", str),
        "max_eval_steps": value("agent.config.max_eval_steps", int, float),
        "num_envs": value("num_envs", int, float),
        "agent": agent or None,
        "control_type": value("robot.control.control_type", str),
        # other agents never look at it
        "expert_model": value("agent.config.expert_model_path", str) if agent.startswith(_MASKED_MIMIC) else None,
        "random_masks": agent.startswith(_MASKED_MIMIC) and _MASKS in values and values[_MASKS] is None,
    }


def wrong_types(bare: Any, config: Any, keys: Sequence[str]) -> Iterator[Finding]:
    """PML022 for those of `keys` whose value in `config` is of another type than in `bare`, which has no overrides."""
    from omegaconf import OmegaConf

    def value(holder: Any, key: str) -> Any:
        with contextlib.suppress(Exception):  # a resolver may raise anything, and then the type is not known
            found = OmegaConf.select(holder, key)
            return OmegaConf.to_container(found, resolve=False) if OmegaConf.is_config(found) else found
        return None

    for key in keys:
        new = value(config, key)
        if found := wrong_type(key, value(bare, key), new, str(new)):
            yield found


def unknown_keys(config: Any, keys: Sequence[str]) -> dict[str, str]:
    """Those of `keys` that the config lacks -> the nearest that it has, or ""."""
    from omegaconf import OmegaConf

    known = {path.split("[")[0] for path, _, _ in _leaves(config, "")}
    known |= {".".join(path.split(".")[:depth]) for path in known for depth in range(1, path.count(".") + 1)}
    unknown: dict[str, str] = {}
    for key in keys:
        if key in known or key.startswith("hydra."):
            continue
        with contextlib.suppress(Exception):
            if OmegaConf.select(config, key) is not None:
                continue
        last = key.rpartition(".")[2]  # a key may have been typed without its path
        ending = min((path for path in known if path.endswith(f".{last}")), default=None)
        unknown[key] = next(iter(nearest(key, {path: path for path in sorted(known)})), ending or "")
    return unknown
