"""`pmlaunch` and `python -m pmlaunch`."""

import sys


def main() -> None:
    if sys.argv[1:] == ["--version"]:  # asked by scripts and by editors, often: at once
        from pmlaunch import __version__

        print(f"pmlaunch {__version__}")
        return
    from pmlaunch.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
