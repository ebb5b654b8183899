"""`pmlaunch` and `python -m pmlaunch`."""

import gc
import os
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    if sys.argv[1:] == ["--version"]:  # scripts and editors ask often, so do not import the command line
        from pmlaunch import __version__

        sys.stdout.write(f"pmlaunch {__version__}\n")
        return
    if "_PMLAUNCH_COMPLETE" in os.environ:  # Tab was pressed
        from pmlaunch.cli.shells import answer

        sys.exit(answer())
    # a command makes many objects and little garbage: collecting it as usual, and once more at the end, takes a sixth
    gc.set_threshold(100_000)
    from pmlaunch.cli.app import run

    code = run(sys.argv[1:])
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
