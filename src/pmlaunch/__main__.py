"""`pmlaunch` and `python -m pmlaunch`."""

import gc
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    if sys.argv[1:] == ["--version"]:  # scripts and editors ask often, so do not import the command line
        from pmlaunch import __version__

        sys.stdout.write(f"pmlaunch {__version__}\n")
        return
    gc.set_threshold(100_000)  # a command makes many objects and little garbage: collecting as usual takes 10 % longer
    from pmlaunch.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
