"""Spare a run the import of torch's compiler where TORCH_COMPILE_DISABLE=1 turns it off anyway."""

from __future__ import annotations

import functools
import os
import types
from typing import Any

from pmlaunch_agent.hooks.post_import import Function, PostImportHooks, wrap_attribute


def install(hooks: PostImportHooks) -> None:
    """Make torch.compile return functions as they are, if the compiler is switched off.

    torch.compile itself imports torch._inductor, for seconds, before it looks at the switch and calls the function
    uncompiled. Modules still go through it: it wraps them, and upstream may rely on the wrapper.
    """
    if os.environ.get("TORCH_COMPILE_DISABLE") == "1":
        hooks.when_imported("torch", _spare)


def _spare(torch: Any) -> None:
    def wrapper(compiler: Function) -> Function:
        @functools.wraps(compiler)
        def compile(model: Any = None, *args: Any, **kwargs: Any) -> Any:  # noqa: A001  # torch's name for it
            return model if isinstance(model, types.FunctionType) else compiler(model, *args, **kwargs)

        return compile

    wrap_attribute(torch, "compile", wrapper)
