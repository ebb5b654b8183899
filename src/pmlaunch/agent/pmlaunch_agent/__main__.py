"""Entry point of `python -m pmlaunch_agent`."""

import sys

from pmlaunch_agent.main import main

if __name__ == "__main__":
    sys.exit(main())
