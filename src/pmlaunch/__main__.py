"""`pmlaunch` and `python -m pmlaunch`."""

import sys

from pmlaunch.cli.app import run


def main() -> None:
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
