"""pmlaunch: evaluate ProtoMotions humanoid policies with one command, Windows first.

The functions of this package do what the commands do, and print nothing:

    import pmlaunch

    run = pmlaunch.evaluate("demo", motions="walk", seed=1)
    run.metrics["eval/gt_err"]
    pmlaunch.compare("latest~1", run)

What fails raises `PmlaunchError`, with a `code` that `pmlaunch explain` knows and a `hint`. See `pmlaunch.api`.
"""

__version__ = "0.1.0"
__all__ = [
    "Comparison",
    "EvalRequest",
    "LaunchPlan",
    "PmlaunchError",
    "Progress",
    "Run",
    "RunList",
    "RunSummary",
    "compare",
    "evaluate",
    "export",
    "list_runs",
    "load_run",
    "plan",
]


def __getattr__(name: str) -> object:
    # imported when it is used: whoever only wants the version, or the command line, does not wait for it
    if name in __all__:
        from importlib import import_module

        return getattr(import_module("pmlaunch.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
