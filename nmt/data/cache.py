"""The cache: a folder for tokenizers and encoded corpora, which can be rebuilt at any time."""

import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from time import time
from weakref import finalize

from nmt import locks
from nmt.files import os_errors_as_write_error, remove_drafts

MONTH = 30 * 24 * 3600  # seconds


def cache_folder(kind: str) -> Path:
    """`$NMT_CACHE/kind`, by default in the user's cache folder; created if missing."""
    given = os.environ.get("NMT_CACHE")
    if given:
        root = Path(given)
    elif sys.platform == "darwin":
        root = Path.home() / "Library" / "Caches" / "nmt"
    elif sys.platform == "win32":
        root = Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "nmt"
    else:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nmt"
    folder = root / kind
    with os_errors_as_write_error(folder):
        folder.mkdir(parents=True, exist_ok=True)
    remove_drafts(folder)
    return folder


def remove_unused(folder: Path) -> None:
    """Remove files not used for a month; `used` records each use."""
    with suppress(OSError):
        for path in folder.iterdir():
            with suppress(FileNotFoundError):  # another process may be cleaning up, too
                if path.is_file() and time() - path.stat().st_mtime > MONTH:
                    path.unlink()


def used(path: Path) -> None:
    """Record that a file in the cache is in use now."""
    with suppress(OSError):  # a shared cache may be read-only
        os.utime(path)


class Scratch:
    """A temporary folder in the cache for this process, removed when this object is collected.

    It stays locked until then, so that the next process can recognise and remove the folders that
    killed processes left.
    """

    def __init__(self, kind: str) -> None:
        parent = cache_folder("scratch")
        _sweep(parent)
        with os_errors_as_write_error(parent):
            while True:
                self.folder = Path(mkdtemp(prefix=f"{kind}-", dir=parent))
                descriptor = locks.open_folder(self.folder)
                if descriptor is None or locks.held_by_us(descriptor, self.folder):
                    break
                os.close(descriptor)
        self._end = finalize(self, _remove, self.folder, descriptor, os.getpid())


def _remove(folder: Path, descriptor: int | None, owner: int) -> None:
    if os.getpid() != owner:  # in a forked child process
        return
    shutil.rmtree(folder, ignore_errors=True)
    if descriptor is not None:
        os.close(descriptor)


def _sweep(parent: Path) -> None:
    """Remove the folders of processes that have ended."""
    for folder in parent.iterdir():
        with suppress(OSError), locks.if_free(folder) as free:  # another process may sweep, too
            if free and folder.is_dir() and not folder.is_symlink():
                shutil.rmtree(folder, ignore_errors=True)
