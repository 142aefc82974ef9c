"""Locks that a process holds on files and folders, and that end with it, however it ends.

The system keeps them (flock), so that a killed process leaves none. Where a file system has
no such locks, nobody is refused, and what a killed process left is cleared away after a day.
"""

import errno
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from time import time

from nmt.errors import UsageError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

DAY = 24 * 3600  # seconds
FAR = 1 << 30  # a place in a file that is never reached
_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


@contextmanager
def only_process(path: Path, what: str) -> Iterator[None]:
    """Be the only process in the block that holds the lock at `path`, a file made for it.

    The file tells who holds it and since when; it goes at the end. That of a process that was
    killed is taken over.

    what: what is locked, for the refusal.

    Raises:
        UsageError: another process holds it; names host, process and time.
        OSError: the file cannot be made.
    """
    descriptor = _acquire(path, what)
    try:
        holder = {
            "host": platform.node(),
            "pid": os.getpid(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps(holder).encode())
        yield
    finally:
        with suppress(OSError):
            path.unlink()  # while it is held, so that nobody waits for a file that is gone
        os.close(descriptor)


def _acquire(path: Path, what: str) -> int:
    while True:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(path, flags, 0o666)
        try:
            if not _lock(descriptor, wait=False):
                raise UsageError(f"{what} is in use: {_holder(path)}; wait for it, or end it first")
            if _is_at(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its holder ended and removed it just now: try again


def held_by_us(descriptor: int, path: Path) -> bool:
    """Lock what was just made; False if somebody who cleared away was faster and removed it."""
    _lock(descriptor, wait=True)
    return _is_at(descriptor, path)


@contextmanager
def if_free(path: Path) -> Iterator[bool]:
    """Whether nobody holds a file or folder; in the block, we do."""
    if fcntl is None:
        yield time() - path.stat().st_mtime > DAY
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield True
        except BlockingIOError:
            yield False
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            yield time() - path.stat().st_mtime > DAY
    finally:
        os.close(descriptor)


def open_folder(folder: Path) -> int | None:
    """A descriptor to lock a folder by; None on Windows, which has none."""
    return None if os.name == "nt" else os.open(folder, os.O_RDONLY)


def _lock(descriptor: int, *, wait: bool) -> bool:
    """Take the lock; False if somebody else has it and we do not wait."""
    if fcntl is None:
        return _lock_on_windows(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
    return True


def _lock_on_windows(descriptor: int) -> bool:
    import msvcrt

    os.lseek(descriptor, FAR, os.SEEK_SET)  # what is locked cannot be read: no byte of the text
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError:
        return False
    finally:
        os.lseek(descriptor, 0, os.SEEK_SET)
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is still the one at `path`."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text(encoding="utf-8")[:1000])
        return f"process {int(holder['pid'])} on {holder['host']!r} since {holder['since']!r}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process holds it"
