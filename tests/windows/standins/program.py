"""Stand-in for eval_agent.py: prints what reached it and ends as STANDIN_ENDING says."""

import ctypes
import json
import os
import sys
import time

WORDS = ("ISAAC_PATH", "EXP_PATH", "CARB_APP_PATH", "PMLAUNCH_RUN_DIR", "PYTHONUTF8")


class ProgramError(Exception):
    """An exception that only the program knows."""


def end(ending: str) -> None:
    """End as `ending` says; only "0" returns."""
    if ending == "exception":
        raise ProgramError("the policy fell over")
    if ending == "import isaacsim":
        import isaacsim

        print("ISAACSIM", isaacsim.__file__, flush=True)
        return
    if ending == "missing module":
        import a_package_that_nobody_has  # noqa: F401
    if ending == "access violation":  # in a native thread: in this one ctypes turns it into OSError
        ctypes.WinDLL("kernel32").SetErrorMode(2)  # no dialog box: nobody would close it
        ctypes.WinDLL("kernel32").CreateThread(None, 0, ctypes.c_void_p(16), None, 0, None)
        time.sleep(60)
    if ending == "stack buffer overrun":  # as __fastfail ends a process: no handler, no exit routine
        ctypes.WinDLL("kernel32").TerminateProcess(ctypes.c_void_p(-1), 0xC0000409)
    if ending == "abort":
        os.abort()
    if ending == "os._exit(0)":  # what SimulationApp.close() can do to an exception on its way up
        os._exit(0)
    if ending != "0":
        sys.exit(int(ending.rsplit(maxsplit=1)[-1]))


def main() -> None:
    sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # when started without pmlaunch
    from protomotions.agents.ppo.agent import PPO

    seen = {"argv": sys.argv[1:], "cwd": os.getcwd(), "variables": {name: os.environ.get(name) for name in WORDS}}
    print("SEEN " + json.dumps(seen), flush=True)
    PPO().evaluate_policy(lambda: end(os.environ.get("STANDIN_ENDING", "0")))


if __name__ == "__main__":
    main()
