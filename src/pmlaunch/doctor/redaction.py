r"""Remove what identifies a person or a machine from a text: home folder, user, host, addresses, credentials.

A name is removed wherever it is a word of its own. One that is also an ordinary word of such a text ("a", "host",
"python") is removed only where it must be a name: as a part of a path, or before an @.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from pmlaunch.codes import CODES
from pmlaunch.support.secrets import SECRET, SECRET_RULES, is_secret_name

HOME, USER, HOST, ADDRESS, MAIL = "~", "<user>", "<host>", "<address>", "<e-mail>"

_SEPARATOR = r"[\\/]+"
# a name or folder never begins or ends in the middle of a word
_BEFORE, _AFTER = r"(?<![^\W_])(?<!--)", r"(?![^\W_])"
# common names that identify no one; removing them would only make the text harder to read
_NOBODY = {"root", "user", "users", "admin", "administrator", "localhost", "home", "workgroup", "default", "public"}
# short words and words of paths that do not occur in the registry of codes
_ORDINARY = {
    "bin", "cache", "code", "config", "conda", "cores", "cpu", "cuda", "data", "desktop", "driver", "fine", "free",
    "genesis", "gib", "here", "host", "isaac", "isaacgym", "isaaclab", "isaacsim", "lib", "linux", "local", "models", "mujoco",
    "none", "opt", "packages", "program", "programs", "project", "projects", "runs", "share", "site", "src", "temp",
    "tmp", "usr", "var", "venv", "windows", "work", "yes",
}  # fmt: skip
_MAIL = re.compile(r"(?<![\w.+-])(?!git@)[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# any user's folder below the place where a system keeps homes
_HOMES = re.compile(
    r"((?:\b[A-Za-z]:|/mnt/[a-z]|/[a-z](?=/Users/))?[\\/]+Users[\\/]+|(?<![\w.~-])/home/)"
    r"(?!<user>)([^\\/:*?\"'<>|\r\n]+(?=[\\/])|[^\\/:*?\"'<>|\s]+)",
    re.IGNORECASE,
)
_KEPT_HOMES = {"public", "default", "all users"}
_Rule = tuple[re.Pattern[str], "str | Callable[[re.Match[str]], str]"]


@dataclass(frozen=True)
class Redactor:
    """Removes homes, names of users and hosts, the machine's addresses, and literal secrets from a text.

    `folders` are further folders and what to put in their place, those inside another one first.
    """

    homes: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)
    folders: tuple[tuple[str, str], ...] = ()

    @classmethod
    def here(cls, environment: Mapping[str, str]) -> Redactor:
        """The redactor for this process's user and machine. Looks up no name on the network."""
        known = {name.upper(): value for name, value in environment.items() if value}
        drive = known.get("HOMEDRIVE", "") + known.get("HOMEPATH", "")
        homes = [known.get("HOME"), known.get("USERPROFILE"), drive if len(drive) > 3 else None]
        homes.append(_asked(lambda: str(Path.home())))
        users = [known.get(name) for name in ("USER", "USERNAME", "LOGNAME", "SUDO_USER")]
        users += [_asked(getpass.getuser), _asked(_full_name)]
        users += [re.split(_SEPARATOR, home)[-1] for home in homes if home]
        names = ("COMPUTERNAME", "HOSTNAME", "HOST", "USERDOMAIN", "USERDNSDOMAIN", "LOGONSERVER")
        hosts = [known.get(name, "").strip("\\") for name in names]
        hosts.append(_asked(socket.gethostname) or "")
        hosts += [host.split(".")[0] for host in hosts if host]
        secrets = [value for name, value in known.items() if is_secret_name(name) and len(value) >= 8]
        return cls(_unique(homes), _unique(users), _unique(hosts), _unique(_own_addresses()), _unique(secrets))

    def clean(self, text: str) -> str:
        """`text` with placeholders in place of all of these."""
        for pattern, replacement in self._rules:
            text = pattern.sub(replacement, text)
        return text

    @cached_property
    def _rules(self) -> list[_Rule]:
        names = [(name, USER) for name in self.users] + [(name, HOST) for name in self.hosts]
        return [
            *((re.compile(re.escape(secret)), SECRET) for secret in self.secrets),
            *SECRET_RULES,
            (_MAIL, MAIL),
            *((pattern, placeholder) for path, placeholder in self.folders if (pattern := _home_pattern(path))),
            *((pattern, HOME) for home in self.homes if (pattern := _home_pattern(home))),
            (_HOMES, lambda found: found[0] if found[2].casefold() in _KEPT_HOMES else f"{found[1]}{USER}"),
            *((_name_pattern(name), placeholder) for name, placeholder in names if name.casefold() not in _NOBODY),
            *(
                (re.compile(rf"(?<![\w.:]){re.escape(address)}(?![\w:]|\.\w)", re.IGNORECASE), ADDRESS)
                for address in self.addresses
            ),
        ]


def _home_pattern(home: str) -> re.Pattern[str] | None:
    """A home with either separator, single or doubled as in a quoted text, but not as the beginning of another name."""
    parts = [part for part in re.split(_SEPARATOR, home) if part]
    if not parts or (len(parts) == 1 and parts[0].endswith(":")):
        return None  # a root identifies no one, and every path begins with it
    body = _SEPARATOR.join(re.escape(part) for part in parts)
    start = r"(?<![\w.~-])[\\/]+" if home[0] in "\\/" else r"(?<![^\W_])"
    return re.compile(rf"{start}{body}(?![\w-]|\.\w)", re.IGNORECASE)


def _name_pattern(name: str) -> re.Pattern[str]:
    """Matches `name` as a word of its own; a word of such texts, or one too short to tell, only where it must be a name."""
    escaped = re.escape(name)
    shortest = 3 if name.isascii() else 2  # two Chinese characters are a whole name
    if len(name) >= shortest and not name.isdigit() and name.casefold() not in _vocabulary():
        return re.compile(rf"{_BEFORE}{escaped}{_AFTER}", re.IGNORECASE)
    places = [rf"(?<![\w@./\\-]){escaped}(?=@[\w-])", rf"(?<=\w@){escaped}{_AFTER}"]
    if len(name) < 3:  # a folder of that name says who; a folder named "python" says nothing
        places.append(rf"(?<=[^\W_][\\/]){escaped}(?=[\\/]|\s|$)")
    return re.compile("|".join(places), re.IGNORECASE)


_WORD = re.compile(r"(?<![\w-])\w+(?![\w-])")  # "max" in --max-steps is not a word


@cache
def _vocabulary() -> frozenset[str]:
    """The words in doctor's own messages."""
    from pmlaunch.doctor.registry import MACHINE_CHECKS

    texts = [f"{code.title} {code.cause} {code.cure}" for code in CODES.values()]
    texts += [f"{check.name} {check.title} {check.group.value}" for check in MACHINE_CHECKS.values()]
    return frozenset({*_ORDINARY, *_WORD.findall(" ".join(texts).casefold())})


def _asked(question: Callable[[], str | None]) -> str | None:
    """An answer of the system, or None: it may have no user of this number, no home, no name."""
    try:
        return question()
    except (KeyError, OSError, RuntimeError, ImportError):
        return None


def _full_name() -> str | None:
    """The person's full name as the system knows it, if it is more than one word."""
    import pwd

    name = pwd.getpwuid(os.getuid()).pw_gecos.split(",")[0].strip()
    return name if " " in name else None


def _own_addresses() -> list[str]:
    """Addresses of this machine's network interfaces, without those that every machine has."""
    import psutil

    cards = [card for interface in psutil.net_if_addrs().values() for card in interface]
    everywhere = ("127.", "::1", "00:00:00:00:00:00", "0.0.0.0")  # noqa: S104
    found = [card.address.split("%")[0] for card in cards]
    return [address for address in found if address and not address.startswith(everywhere)]


def _unique(names: Iterable[str | None]) -> tuple[str, ...]:
    """Each name once, the longest first, since one may contain another."""
    return tuple(sorted({name for name in names if name and name.strip()}, key=lambda name: (-len(name), name)))
