"""The embedded evaluation: a real, small physics evaluation for machines without GPU, Isaac Lab or checkpoint.

`eval_agent.py` takes the command line of ProtoMotions' script of that name, so pmlaunch starts both the same
way. It needs the extra packages of `pmlaunch[demo]`; importing this package needs none of them.
"""

import time
from pathlib import Path
from typing import Final

STARTED: Final = time.perf_counter()
"""When the program began: eval_agent.py imports this package first."""

ROOT: Final = Path(__file__).resolve().parent
EVAL_AGENT: Final = ROOT / "eval_agent.py"
CONFIGS: Final = ROOT / "config"
CHECKPOINT: Final = ROOT / "data" / "pretrained_models" / "demo" / "smpl" / "last.ckpt"
MOTIONS: Final = ROOT / "data" / "motions"
