"""torch.distributed: a backend that Windows has, and a report of the process group that was formed."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from pmlaunch_agent.hooks.post_import import PostImportHooks
from pmlaunch_agent.hooks.wrapping import Function, wrap_attribute
from pmlaunch_agent.report.journal import Journal

_ARGUMENT = "process_group_backend"  # present in every Lightning 2.x
_DDP_MODULES = (
    "lightning.fabric.strategies.ddp",
    "lightning.pytorch.strategies.ddp",
    "lightning_fabric.strategies.ddp",
    "pytorch_lightning.strategies.ddp",
)


def install(backend: str | None, hooks: PostImportHooks, journal: Journal) -> None:
    """Make `backend` the default of DDPStrategy (None: keep Lightning's), and report every process group."""
    if backend:
        for name in _DDP_MODULES:
            hooks.when_imported(name, functools.partial(_set_default, backend, journal))
    hooks.when_imported("torch.distributed.distributed_c10d", functools.partial(_report, journal))


def _set_default(backend: str, journal: Journal, module: ModuleType) -> None:
    """Wrap DDPStrategy: Lightning takes nccl for CUDA by default, and no environment variable changes that."""

    def wrapper(init: Function) -> Function:
        position = init.__code__.co_varnames.index(_ARGUMENT)

        @functools.wraps(init)
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
            by_position = len(args) >= position
            if not by_position and kwargs.get(_ARGUMENT) is None:
                kwargs[_ARGUMENT] = backend
                journal.applied("ddp_backend", backend=backend, module=module.__name__)
            elif kwargs.get(_ARGUMENT, backend) != backend:
                journal.note(f"the script itself asks for {_ARGUMENT}={kwargs[_ARGUMENT]!r}, which wins")
            init(self, *args, **kwargs)

        return __init__

    wrap_attribute(module, "DDPStrategy.__init__", wrapper)


def _report(journal: Journal, module: Any) -> None:
    def wrapper(init_process_group: Function) -> Function:
        @functools.wraps(init_process_group)
        def init(*args: Any, **kwargs: Any) -> None:
            init_process_group(*args, **kwargs)
            journal.process_group(str(module.get_backend()), module.get_world_size(), module.get_rank())

        return init

    wrap_attribute(module, "init_process_group", wrapper)
