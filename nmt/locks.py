"""Locks on files and folders that are released when the process ends, however it ends.

The operating system keeps them (flock), so a killed process leaves no lock. On a file system
without such locks no process is refused, and the leftovers of a killed process are removed after a
day.
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
FAR = 1 << 30  # an offset that no lock file reaches
_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


@contextmanager
def only_process(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file at `path` during the block, so that no other process can enter it.

    The file records who holds the lock and since when; it is removed at the end. The lock file of
    a killed process is taken over.

    what: what the lock protects, for the error message.

    Raises:
        UsageError: another process holds the lock; the message names host, process and time.
        OSError: the lock file cannot be created.
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
            path.unlink()  # while the lock is held, so that nobody locks a file already removed
        os.close(descriptor)


def _acquire(path: Path, what: str) -> int:
    while True:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(path, flags, 0o666)
        try:
            if not _lock(descriptor, wait=False):
                raise UsageError(f"{what} is in use: {_holder(path)}; wait for it, or stop it")
            if _is_at(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its holder has just ended and removed the file: try again


def held_by_us(descriptor: int, path: Path) -> bool:
    """Lock a newly created file or folder; False if another process's cleanup removed it first."""
    _lock(descriptor, wait=True)
    return _is_at(descriptor, path)


@contextmanager
def if_free(path: Path) -> Iterator[bool]:
    """Yield whether no process holds a file or folder; if so, we hold it during the block."""
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
    """A descriptor for locking a folder; None on Windows, where folders cannot be opened."""
    return None if os.name == "nt" else os.open(folder, os.O_RDONLY)


def _lock(descriptor: int, *, wait: bool) -> bool:
    """Take the lock; False if another process holds it and `wait` is false."""
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

    os.lseek(descriptor, FAR, os.SEEK_SET)  # past the text: locked bytes are unreadable
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError:
        return False
    finally:
        os.lseek(descriptor, 0, os.SEEK_SET)
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether `path` still names the open file."""
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
