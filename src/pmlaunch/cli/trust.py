"""The question whether a file may decide what is started."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from pmlaunch.errors import PmlaunchError
from pmlaunch.model import Severity

if TYPE_CHECKING:
    from pmlaunch.settings import Settings
    from pmlaunch.trust import Untrusted


def require_trust(settings: Settings, untrusted: Sequence[Untrusted], *, ask: bool) -> None:
    """Ask once for all files that the user has not agreed to; a yes is remembered.

    Raises PML145 after a no, and where nobody can be asked: without a terminal, or unless `ask`.
    """
    if not untrusted:
        return
    files = [each.file for each in untrusted]
    if ask and sys.stdin.isatty() and sys.stderr.isatty():
        from pmlaunch.cli.render.layout import say
        from pmlaunch.cli.render.terminal import console_on

        console = console_on(sys.stderr)
        say(console, "This would be started because of files that you have not agreed to yet:")
        for each in untrusted:
            say(console, (f"  {each.file}", "bold"), f"  ->  {', '.join(each.programs)}")
        if typer.confirm("Trust them? A yes is remembered until they change.", default=False, err=True):
            settings.trusted.add(*files)
            return
    message = " ".join(each.finding(Severity.ERROR).message for each in untrusted)
    named = " ".join(f'"{file}"' for file in files)
    raise PmlaunchError("PML145", message, fix=f"pmlaunch trust {named}", subject=str(files[0]))
