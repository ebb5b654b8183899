"""The embedded evaluation: a small but real physics evaluation that needs no GPU, Isaac Lab or downloaded checkpoint.

`eval_agent.py` takes the command line of ProtoMotions' script of that name, so pmlaunch starts both alike. Running it
needs the packages of `pmlaunch[demo]`; importing this package does not.
"""

import time
from pathlib import Path
from typing import Final

STARTED: Final = time.perf_counter()
"""Start time of the program, because eval_agent.py imports this package first."""

ROOT: Final = Path(__file__).resolve().parent
EVAL_AGENT: Final = ROOT / "eval_agent.py"
CONFIGS: Final = ROOT / "config"
CHECKPOINT: Final = ROOT / "data" / "pretrained_models" / "demo" / "smpl" / "last.ckpt"
MOTIONS: Final = ROOT / "data" / "motions"
