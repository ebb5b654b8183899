"""A process group of one rank that needs no transport, for builds of torch that have none.

PyTorch's Windows builds have no NCCL, and those of torch 2.8 to 2.10 have no gloo transport either. Lightning's
single-device strategy would do without a group, but then `Fabric.all_gather` returns tensors without the rank's
dimension, which ProtoMotions 2.3 relies on. With one rank every collective copies its input to its output, so this
group behaves like gloo with one rank, and DistributedDataParallel works on it.
"""

from __future__ import annotations

import functools
import os
import sys
from collections import deque
from typing import Any, Mapping

from pmlaunch_agent.contract import ONE_RANK
from pmlaunch_agent.hooks.post_import import Function, PostImportHooks, wrap_attribute
from pmlaunch_agent.report.journal import Journal

_C10D = "torch.distributed.distributed_c10d"


def install(hooks: PostImportHooks, journal: Journal) -> None:
    """Form this group where it is asked for, and in place of gloo if gloo has no transport and there is one rank."""
    hooks.when_imported(_C10D, functools.partial(_wrap, journal))


def _wrap(journal: Journal, c10d: Any) -> None:
    def wrapper(init_process_group: Function) -> Function:
        @functools.wraps(init_process_group)
        def init(backend: str | None = None, *args: Any, **kwargs: Any) -> None:
            if not _is_needed(backend, kwargs, c10d):
                init_process_group(backend, *args, **kwargs)
                return
            if backend != ONE_RANK:
                journal.applied("one_rank_group", instead_of=backend, torch=str(sys.modules["torch"].__version__))
            form(c10d, init_process_group)

        return init

    wrap_attribute(c10d, "init_process_group", wrapper)


def form(c10d: Any, init_process_group: Function) -> None:
    """Register the backend with torch and form the group. `c10d` is the module torch.distributed.distributed_c10d."""
    if ONE_RANK not in c10d.Backend.backend_list:
        group = _group_class(c10d)
        c10d.Backend.register_backend(ONE_RANK, lambda *_: group(), devices=["cpu", "cuda"])
    init_process_group(ONE_RANK, store=_store(sys.modules["torch.distributed"]), rank=0, world_size=1)


def _store(distributed: Any) -> Any:
    """A store without a network: no port, no libuv, and this machine's name need not resolve."""
    if hasattr(distributed, "HashStore"):
        return distributed.HashStore()
    import tempfile  # not needed by other runs, and slow to import

    # Windows builds lack HashStore. No other user can create or open this file; torch removes it at the end.
    handle, path = tempfile.mkstemp(prefix="pmlaunch-store-")
    os.close(handle)
    return distributed.FileStore(path, 1)


def _is_needed(backend: str | None, options: Mapping[str, Any], c10d: Any) -> bool:
    world_size = int(options.get("world_size", -1))
    if (int(os.environ.get("WORLD_SIZE") or 1) if world_size < 0 else world_size) != 1:
        return False
    return backend == ONE_RANK or (backend == "gloo" and not has_gloo_transport(c10d))


def has_gloo_transport(c10d: Any) -> bool:
    """Whether gloo can open a device. In PyTorch's Windows builds of torch 2.8 to 2.10 it cannot, although it is there."""
    try:
        c10d.ProcessGroupGloo.create_default_device()
    except (AttributeError, RuntimeError):
        return False
    return True


# Both classes are created when torch is there to derive them from.
def _work_class(c10d: Any) -> Any:
    make_future = sys.modules["torch"].futures.Future

    class Done(c10d.Work):  # type: ignore[misc]
        """A collective that was finished when it was started; its result is a list of tensors."""

        def __init__(self, result: Any) -> None:
            super().__init__()
            self._result = result
            self._future: Any = make_future()
            self._future.set_result(result)

        def wait(self, *_timeout: Any) -> bool:
            return True

        def is_completed(self) -> bool:
            return True

        def is_success(self) -> bool:
            return True

        def result(self) -> Any:
            return self._result

        def get_future(self) -> Any:
            return self._future

    return Done


def _group_class(c10d: Any) -> Any:
    make = _work_class(c10d)
    # torch before 2.7 keeps the C++ half of a Work only; once the Python half is gone, its wait() never returns
    pending: deque[Any] = deque(maxlen=64)

    def done(result: Any) -> Any:
        pending.append(make(result))
        return pending[-1]

    class OneRankGroup(c10d.ProcessGroup):  # type: ignore[misc]
        """Rank 0 of 1. Collectives take lists of tensors, those that gather or scatter lists of lists."""

        def __init__(self) -> None:
            super().__init__(0, 1)

        def getBackendName(self) -> str:  # noqa: N802 (torch's name)
            return ONE_RANK

        def _unchanged(self, tensors: Any = (), *_options: Any, **_named: Any) -> Any:
            return done(tensors)

        barrier = allreduce = allreduce_coalesced = broadcast = reduce = _unchanged

        def _to_the_only_rank(self, outputs: Any, inputs: Any, *_options: Any) -> Any:
            for output, tensor in zip(outputs, inputs):
                output[0].copy_(tensor)
            return done(outputs)

        allgather = gather = _to_the_only_rank

        def _from_the_only_rank(self, outputs: Any, inputs: Any, *_options: Any) -> Any:
            for output, tensors in zip(outputs, inputs):
                output.copy_(tensors[0])
            return done(outputs)

        scatter = reduce_scatter = _from_the_only_rank

        def _one_to_one(self, outputs: Any, inputs: Any, *_options: Any) -> Any:
            for output, tensor in zip(outputs, inputs):
                output.copy_(tensor)
            return done(outputs)

        alltoall = allgather_into_tensor_coalesced = _one_to_one

        def _whole(self, output: Any, tensor: Any, *_options: Any) -> Any:
            output.copy_(tensor.reshape(output.shape))
            return done([output])

        alltoall_base = _allgather_base = _reduce_scatter_base = _whole

    return OneRankGroup
