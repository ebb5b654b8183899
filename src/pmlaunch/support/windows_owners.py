"""The owner of a file on Windows, by its security identifier. ctypes, as pywin32 would be a large dependency.

See https://learn.microsoft.com/windows/win32/secauthz/security-identifiers
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

_HARMLESS = {
    "S-1-1-0",  # Everyone: the file system has no owners
    "S-1-5-18",  # the system
    "S-1-5-32-544",  # administrators
    "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",  # TrustedInstaller
}
_FILE_OBJECT, _OWNER, _TOKEN_QUERY, _TOKEN_USER = 1, 1, 8, 1  # of Windows' headers


def other_sid(path: Path) -> str | None:
    """The owner of a file, unless it is this user or an administrator; None also if Windows does not tell."""
    owner, user = _sid_of_file(path), _sid_of_user()
    return owner if owner and user and owner not in {user, *_HARMLESS} else None


def _library(name: str) -> Any:
    return getattr(ctypes, "WinDLL")(name, use_last_error=True)  # noqa: B009 (mypy knows it on Windows only)


def _sid_of_file(path: Path) -> str | None:
    """The owner's security identifier; None if Windows does not tell it."""
    owner, descriptor = ctypes.c_void_p(), ctypes.c_void_p()
    pointers = (ctypes.byref(owner), None, None, None, ctypes.byref(descriptor))
    if _library("advapi32").GetNamedSecurityInfoW(str(path), _FILE_OBJECT, _OWNER, *pointers):
        return None
    try:
        return _text_of(owner)
    finally:
        _library("kernel32").LocalFree(descriptor)


def _sid_of_user() -> str | None:
    kernel, api = _library("kernel32"), _library("advapi32")
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    token, size = ctypes.c_void_p(), ctypes.c_uint32()
    if not api.OpenProcessToken(ctypes.c_void_p(kernel.GetCurrentProcess()), _TOKEN_QUERY, ctypes.byref(token)):
        return None
    try:
        buffer = ctypes.create_string_buffer(256)  # TOKEN_USER: a pointer to the identifier, which follows it
        if not api.GetTokenInformation(token, _TOKEN_USER, buffer, len(buffer), ctypes.byref(size)):
            return None
        return _text_of(ctypes.c_void_p.from_buffer(buffer))
    finally:
        kernel.CloseHandle(token)


def _text_of(sid: ctypes.c_void_p) -> str | None:
    text = ctypes.c_wchar_p()
    if not sid or not _library("advapi32").ConvertSidToStringSidW(sid, ctypes.byref(text)):
        return None
    try:
        return text.value
    finally:
        _library("kernel32").LocalFree(text)
