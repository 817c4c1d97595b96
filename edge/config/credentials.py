"""Reads passwords from files and from systemd's credentials, so that no password stands in the configuration."""

import os
import stat
from pathlib import Path

from ..addresses import shown_file
from ..errors import ConfigError
from ..paths import read_bytes, read_pipe


def password_for(option: str, file: str, credential: str) -> str:
    """Returns the password in ``file`` or, if none is named, that of systemd's credential (LoadCredential).

    Empty if there is neither, or with an empty ``credential``. ``option`` names the file in messages. Raises
    ``ConfigError`` if the file cannot be read, or if every user may read it.
    """
    if file:
        return read_password(option, file)
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    path = os.path.join(folder, credential) if folder and credential else ""
    return read_password(option, path) if os.path.exists(path) else ""


def read_password(option: str, path: str) -> str:
    """Reads a password file, without the end of the line. Raises ``ConfigError`` if every user may read the file."""
    try:
        file = Path(path).expanduser()
        if file.stat().st_mode & 0o007:
            raise ConfigError(f"{option} {shown_file(path)} can be read by every user; chmod 640 it")
        return read_bytes(file, 2**20).decode("utf-8-sig").rstrip("\r\n")
    except ConfigError:  # which is a ValueError too
        raise
    except UnicodeDecodeError as error:
        raise ConfigError(f"{option} {shown_file(path)} is not UTF-8; save the file as UTF-8") from error
    except (OSError, ValueError, RuntimeError) as error:  # also a path with a null byte, or an unknown user after ~
        reason = getattr(error, "strerror", None) or type(error).__name__
        hint = "" if shown_file(path) == path else "; name a file that contains it, by its whole path"
        raise ConfigError(f"{option} {shown_file(path)} cannot be read: {reason}{hint}") from error


def address_in(option: str, path: str, example: str, *, is_private: bool = False) -> str:
    """Returns the address in a file, or in a pipe that a shell hands over; ``example`` is one for messages.

    Every user of the machine can read a command line, so that an address with a secret is in a file. One that
    ``is_private`` must not be readable by every user. Raises ``ConfigError``.
    """
    name = f"{option} {shown_file(path)}"
    try:
        file = Path(path).expanduser()
        mode = file.stat().st_mode
        if is_private and stat.S_ISREG(mode) and mode & 0o007:
            raise ConfigError(f"{name} can be read by every user; chmod 640 it")
        address = read_pipe(file).decode("utf-8-sig").strip()
    except ConfigError:
        raise
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: the file is not UTF-8 text") from error
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"{name}: this is neither an address ({example}) nor a file that can be read: "
            f"{getattr(error, 'strerror', None) or type(error).__name__}"
        ) from error
    if not address:
        raise ConfigError(f"{name}: the file is empty; write the address ({example}) into it")
    return address
