"""torch.distributed: a backend that Windows has, and the report of what was really formed."""

from __future__ import annotations

import functools

from pmlaunch_agent.wrapping import wrap_attribute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable

    from pmlaunch_agent.imports import PostImportHooks
    from pmlaunch_agent.record import Record

_ARGUMENT = "process_group_backend"  # present in every Lightning 2.x
_DDP_MODULES = (
    "lightning.fabric.strategies.ddp",
    "lightning.pytorch.strategies.ddp",
    "lightning_fabric.strategies.ddp",
    "pytorch_lightning.strategies.ddp",
)


def install(backend: str | None, hooks: PostImportHooks, record: Record) -> None:
    """Make `backend` the default of DDPStrategy (None: leave Lightning's), and report every process group."""
    if backend:
        for name in _DDP_MODULES:
            hooks.when_imported(name, functools.partial(_set_default, backend, record))
    hooks.when_imported("torch.distributed.distributed_c10d", functools.partial(_report, record))


def _set_default(backend: str, record: Record, module: ModuleType) -> None:
    """Lightning takes nccl for CUDA unless told otherwise, and no environment variable tells it."""

    def wrapper(init: Callable[..., Any]) -> Callable[..., Any]:
        position = init.__code__.co_varnames.index(_ARGUMENT)

        @functools.wraps(init)
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            by_position = len(args) >= position
            if not by_position and kwargs.get(_ARGUMENT) is None:
                kwargs[_ARGUMENT] = backend
                record.applied("ddp_backend", backend=backend, module=module.__name__)
            elif kwargs.get(_ARGUMENT, backend) != backend:
                record.note(f"the script itself asks for {_ARGUMENT}={kwargs[_ARGUMENT]!r}, which wins")
            init(self, *args, **kwargs)

        return __init__

    wrap_attribute(module, "DDPStrategy.__init__", wrapper)


def _report(record: Record, module: Any) -> None:
    def wrapper(init_process_group: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(init_process_group)
        def init(*args: Any, **kwargs: Any) -> None:
            init_process_group(*args, **kwargs)
            backend, world_size = str(module.get_backend()), module.get_world_size()
            record.verdict.data.update(backend=backend, world_size=world_size)
            record.milestone("process_group", backend=backend, world_size=world_size, rank=module.get_rank())

        return init

    wrap_attribute(module, "init_process_group", wrapper)
