"""The user's folders, as the environment names them."""

from __future__ import annotations

import os


def follow_environment() -> None:
    """Let platformdirs read the environment on Windows too, where it asks the system otherwise."""
    if os.name == "nt":
        import platformdirs.windows

        platformdirs.windows.get_win_folder = platformdirs.windows.get_win_folder_from_env_vars
