"""Lets root work where other users decide what a path names, without being misled by them.

The owner of a folder can replace everything in it by links, pipes or other folders, at any moment. So root does not
work by path there. It becomes that owner, for good (``become_owner``) or in a child process (``as_owner``), and the
kernel refuses what the owner may not do. Other users than root work as they are: whatever misleads them, they can do
nothing that they may not do.
"""

import errno
import json
import logging
import os
import pwd
import select
import signal
import stat
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, NoReturn, TypeVar

log = logging.getLogger("maskwatch")
NOGROUP = 65534
"""The group of a user whom this machine does not know. The group of the folder may be more than its owner has."""
LATE = ("_strptime", "calendar", "encodings.idna", "multiprocessing.popen_fork", "concurrent.futures.thread")
"""What Python loads late. It is loaded before root becomes a user who may not read it, below /root for example."""
LIMIT_S = 30.0
"""Seconds for work in a child process. Its user can stop that process, or give it a pipe to wait for."""
MAX_ANSWER = 2_000_000
MAX_LINKS = 40
"""Links on one path, as in the kernel."""
FOR_OTHERS = stat.S_IWGRP | stat.S_IWOTH
T = TypeVar("T")


class _Way(NamedTuple):
    """How far root alone decides about a path: its folder there, the names that follow, and who decides about them.

    ``owner`` is None where root decides about everything, and for names that are missing.
    """

    folder: str
    rest: list[str]
    owner: int | None
    is_shared: bool
    """Whether everybody, or a group, can put something into ``folder`` under the next name, or under any name."""


def owner_of(path: Path) -> int | None:
    """Returns the user who decides what a path names; None if only root does, or if this process is not root's.

    Raises ``OSError`` if it could be any of several users, because root could become none of them safely.
    """
    if os.geteuid() != 0:
        return None
    way = _way(path)
    if way.is_shared and way.owner is None:
        text = (
            "other users may write there, and could mislead root: chmod go-w, or use a folder that one user may write"
        )
        raise PermissionError(errno.EPERM, text, way.folder)
    return way.owner


def become_owner(folder: Path) -> None:
    """Makes root's process the owner of a folder of another user, for good. Raises ``OSError``."""
    owner = owner_of(folder)
    if owner is not None:
        name = _become(owner, folder)
        log.info("working as user %s, who owns %s", name, folder)
        if not os.access(os.__file__, os.R_OK):
            log.warning("user %s may not read %s: what is loaded from there later is missing", name, sys.prefix)


def as_owner(path: Path, work: Callable[[], T], failure: type[Exception]) -> T:
    """Works as the owner of what a path names: here if that is root or this is not root, else in a child process.

    What ``work`` returns must be JSON. Raises ``failure`` for one that ``work`` raises, and if it does not come to its
    end there.

    The child has the memory of root's process. The kernel keeps other processes of that user out of it, because it has
    changed its user since it began, and it executes no program.
    """
    try:
        owner = owner_of(path)
    except OSError as error:
        raise failure(f"{error.filename}: {error.strerror}") from None
    if owner is None:
        return work()
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(sender, partial(_work, owner, path, work), failure)
    os.close(sender)
    try:
        answer = json.loads(_received(receiver))
    except (TimeoutError, ValueError):
        raise failure(f"{path}: what was to be done there did not come to its end; look at what is there") from None
    finally:
        os.close(receiver)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if "problem" in answer:
        raise failure(answer["problem"])
    result: T = answer["result"]
    return result


def _way(path: Path) -> _Way:
    """Follows a path as far as root alone decides about it: what is known of that part stays true."""
    folder, names, links = "/", list(path.absolute().parts[:0:-1]), 0
    while names:
        mode = os.lstat(folder).st_mode
        try:
            entry = os.lstat(os.path.join(folder, names[-1]))
        except OSError as error:  # there is nothing yet; what has a name that is too long will never be
            may_come = error.errno != errno.ENAMETOOLONG
            return _Way(folder, names[::-1], None, may_come and bool(mode & FOR_OTHERS))
        is_shared = bool(mode & FOR_OTHERS)
        if is_shared and not mode & stat.S_ISVTX:
            return _Way(folder, names[::-1], None, True)
        if entry.st_uid != 0 and (is_shared or stat.S_ISDIR(entry.st_mode) or stat.S_ISLNK(entry.st_mode)):
            return _Way(folder, names[::-1], entry.st_uid, is_shared)
        name = os.path.join(folder, names.pop())
        if stat.S_ISLNK(entry.st_mode) and (links := links + 1) <= MAX_LINKS:
            target = Path(os.readlink(name))
            folder = "/" if target.is_absolute() else folder
            names += [part for part in target.parts[::-1] if part != "/"]
        elif stat.S_ISDIR(entry.st_mode):
            folder = name
        else:
            return _Way(folder, [os.path.basename(name), *names[::-1]], None, False)
    return _Way(folder, [], None, bool(os.lstat(folder).st_mode & FOR_OTHERS))


def _become(user: int, path: Path) -> str:
    """Changes the user and the groups of this process; returns the user's name. Raises ``OSError``."""
    for module in LATE:
        import_module(module)
    try:
        account = pwd.getpwuid(user)
        name, group, groups = account.pw_name, account.pw_gid, os.getgrouplist(account.pw_name, account.pw_gid)
    except KeyError:
        name, group, groups = str(user), NOGROUP, []
    try:
        os.setgroups(groups)
        os.setresgid(group, group, group)
        os.setresuid(user, user, user)
    except OSError as error:  # in a container, for a user whom it does not have
        text = f"it belongs to user {name}, whom root cannot become: {error.strerror}"
        raise OSError(error.errno, text, str(path)) from None
    return name


def _work(owner: int, path: Path, work: Callable[[], object]) -> object:
    _become(owner, path)
    return work()


def _answer(sender: int, work: Callable[[], object], failure: type[Exception]) -> NoReturn:
    """Works in the child process, writes the result to the pipe, and ends the process."""
    try:
        try:
            answer = {"result": work()}
        except failure as error:
            answer = {"problem": str(error)}
        except OSError as error:
            answer = {"problem": f"{error.filename}: {error.strerror}"}
        with open(sender, "w", encoding="utf-8") as pipe:
            json.dump(answer, pipe)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _received(receiver: int) -> bytes:
    """Reads the answer of a child process. Raises ``TimeoutError``, ``ValueError`` if it is too long."""
    answer, end = b"", time.monotonic() + LIMIT_S
    while select.select([receiver], [], [], max(0.0, end - time.monotonic()))[0]:
        if not (piece := os.read(receiver, 65536)):
            return answer
        answer += piece
        if len(answer) > MAX_ANSWER:
            raise ValueError("too long")
    raise TimeoutError
