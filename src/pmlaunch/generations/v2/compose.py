"""Compose, merge and resolve a run's config exactly as eval_agent.py does, without executing anything.

Later layers win: the checkpoint's config.yaml, its `eval_overrides`, the command line (as in 2.3). Where upstream uses
Python's eval, arithmetic is used instead (see arithmetic.py). The report is cached by content: if no file and no
override has changed, Hydra is not imported.
"""

from __future__ import annotations

import contextlib
import copy
import re
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pmlaunch import __version__
from pmlaunch.errors import PmlaunchError
from pmlaunch.generations.v2 import config_inspection as inspection
from pmlaunch.generations.values import ConfigReport
from pmlaunch.model import Finding, Severity
from pmlaunch.support.cache import JsonCache, content_key, tree_content
from pmlaunch.support.files import read_bytes
from pmlaunch.support.json import as_mapping, exactly, to_json
from pmlaunch.support.paths import refuse_remote_in
from pmlaunch.support.secrets import holds_secret
from pmlaunch.support.yaml_file import MOST_OF_A_CONFIG, yaml_mapping, yaml_mappings

_LONGEST = 500  # characters of a reason
_SCHEMA = "config report 8"
_MAY_BE_REMOTE = re.compile(rb"\\|(?<!:)//")


def config_report(
    config_dir: Path, train_config: Path | None, overrides: Sequence[str], user_keys: Sequence[str]
) -> ConfigReport:
    """The report on the config of a run. Never raises because of a file's content.

    `train_config` is the checkpoint's config.yaml, `overrides` the command line, `user_keys` the dotted keys typed by
    the user, which should exist without the overrides.
    """
    parts: list[bytes | str] = [_SCHEMA, __version__, *overrides, "", *user_keys, ""]
    try:
        parts += tree_content(config_dir, ".yaml")
    except OSError as error:  # Hydra would read it without a limit
        message = f"{error.filename} cannot be read: {error.strerror}."
        return ConfigReport((Finding("PML109", Severity.ERROR, message, subject=str(error.filename)),))
    with contextlib.suppress(OSError):
        parts.append(read_bytes(train_config) if train_config else b"")
    cache, key = JsonCache("configs"), content_key(*parts)
    report = exactly(ConfigReport, cache.get(key))
    if report is None:
        try:
            with inspection.bounded_omegaconf():
                report = _examine(config_dir, train_config, overrides, user_keys)
        except inspection.InterpolationBomb:
            message = (
                "The interpolations of the config expand to more values than any real config has, so they were not "
                "resolved."
            )
            report = ConfigReport(
                (Finding("PML109", Severity.ERROR, message, subject=str(train_config or config_dir)),)
            )
        if not any(map(holds_secret, overrides)):
            cache.put(key, to_json(report))
    foreign = inspection.foreign_code(report.targets, config_dir.parent.parent)  # of sources, which the key leaves out
    return replace(report, findings=(*report.findings, *foreign), targets={})


def _examine(
    config_dir: Path, train_config: Path | None, overrides: Sequence[str], user_keys: Sequence[str]
) -> ConfigReport:
    try:
        _refuse_remote_defaults(config_dir)
        trained = _load(train_config) if train_config else None
        untouched = copy.deepcopy(trained) if user_keys else None
        composed = _compose(config_dir, overrides)
        merged = _merge(trained, composed)
    except PmlaunchError as error:
        return ConfigReport((Finding(error.code, Severity.ERROR, error.message, error.hint, subject=error.subject),))
    bare = None
    if user_keys:
        bare = _merge(untouched, _compose(config_dir, [text for text in overrides if not text.startswith("++")]))
    with inspection.safe_resolvers() as refused:
        if bare is not None and (mistyped := tuple(inspection.wrong_types(bare, merged, user_keys))):
            return ConfigReport(mistyped)  # other values may depend on these
        findings, facts = inspection.inspect_config(merged, refused)
    unknown: dict[str, str] = {}
    if bare is not None and not findings:
        unknown = inspection.unknown_keys(bare, user_keys)
    return ConfigReport(tuple(findings), unknown_keys=unknown, **facts)


def _refuse_remote_defaults(config_dir: Path) -> None:
    """Raise PML147 for a defaults list that would make Hydra open a path on another computer."""
    for path in sorted(config_dir.rglob("*.yaml")):
        content = b""
        with contextlib.suppress(OSError):  # which Hydra reports, if it needs the file
            content = path.read_bytes()
        if _MAY_BE_REMOTE.search(content):  # parsing all of them would take longer than composing
            refuse_remote_in(as_mapping(*yaml_mappings([path])).get("defaults"), path)


def _load(path: Path) -> Any:
    """The checkpoint's config. Raises PML107 if the file is not a config."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        return OmegaConf.create(dict(yaml_mapping(path, "PML107", separators=MOST_OF_A_CONFIG)))
    except (OmegaConfBaseException, ValueError, RecursionError) as error:
        reason = str(error).replace("\n", " ")[:_LONGEST]
        raise PmlaunchError("PML107", f"{path} cannot be read: {reason}", subject=str(path)) from error


def _compose(config_dir: Path, overrides: Sequence[str]) -> Any:
    """The config that Hydra composes from the overrides. Raises PML109 with Hydra's reason."""
    from hydra import compose, initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are for the authors of the configs
            with initialize_config_dir(str(config_dir), version_base="1.1"):
                return compose(overrides=[text for text in overrides if not text.startswith("++hydra.")])
    except (HydraException, OmegaConfBaseException, YAMLError, OSError, ValueError, RecursionError) as error:
        reason = str(error).strip().splitlines()
        message = f"Hydra cannot compose the config: {' '.join(line.strip() for line in reason[:3])[:_LONGEST]}"
        raise PmlaunchError("PML109", message) from error


def _merge(trained: Any, composed: Any) -> Any:
    """The result of OmegaConf.merge without its copies of the whole config: modifies and returns `trained`."""
    from omegaconf.errors import OmegaConfBaseException

    if trained is None:
        return composed
    try:
        if trained.get("eval_overrides") is not None:
            trained.merge_with(copy.deepcopy(trained.eval_overrides))
        trained.merge_with(composed)
        return trained
    except (OmegaConfBaseException, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0][:_LONGEST]
        raise PmlaunchError(
            "PML109", f"The checkpoint's config and the overrides cannot be merged: {reason}"
        ) from error
