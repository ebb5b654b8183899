"""What is particular to ProtoMotions 2: an agent that evaluates every motion once, writes the figures and ends.

Upstream's evaluate_policy runs forever and measures nothing; its calc_eval_metrics measures, but only training calls
it. Hydra instantiates whatever `agent._target_` names, so the launcher names our factory there and the checkpoint's own
class in spec.json's hooks.agent. The factory makes a subclass of that; nothing is patched.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

from pmlaunch_agent.contract import AGENT_TARGET, Hooks
from pmlaunch_agent.hooks.evaluations import Evaluations
from pmlaunch_agent.report.journal import Journal


def install(hooks: Hooks, journal: Journal, evaluations: Evaluations) -> None:
    """Create the module that AGENT_TARGET names, with a factory bound to this run: Hydra passes its own arguments only."""

    def agent(*args: Any, **kwargs: Any) -> Any:
        from pmlaunch_agent.protomotions2.evaluation import MeasuredAgent  # only now: the start is quicker

        module, _, name = str(hooks.agent).rpartition(".")
        base = getattr(importlib.import_module(module), name)
        journal.applied("agent", target=hooks.agent)
        bound = {"_hooks": hooks, "_journal": journal, "_evaluations": evaluations}
        kind = type(f"Measured{base.__name__}", (MeasuredAgent, base), bound)
        return kind(*args, **kwargs)

    name, _, attribute = AGENT_TARGET.rpartition(".")
    module: Any = ModuleType(name, "Made by pmlaunch_agent.protomotions2.install.")
    setattr(module, attribute, agent)
    sys.modules[name] = module
