"""Tells who runs a command, for the audit trail."""

import os
import pwd
from contextlib import suppress
from pathlib import Path

NO_LOGIN = 2**32 - 1
"""``loginuid`` of a process that no login has begun."""


def person() -> str:
    """Returns who has logged in and runs this command, and as whom, if that is another user."""
    user, login = _user_name(os.getuid()), os.environ.get("SUDO_USER", "")
    with suppress(OSError, ValueError):  # the kernel keeps it, if the login has set it
        login = _user_name(int(Path("/proc/self/loginuid").read_bytes())) or login
    return f"{login} as {user}"[:100] if login not in ("", user) else user


def _user_name(number: int) -> str:
    if number == NO_LOGIN:
        return ""
    with suppress(KeyError):
        return pwd.getpwuid(number).pw_name
    return str(number)
