"""`python -m pmlaunch_agent`: what the launcher starts."""

import sys

from pmlaunch_agent.main import main

if __name__ == "__main__":
    sys.exit(main())
