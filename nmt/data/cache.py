"""A folder for what can be made again: learned tokenizers and encoded corpora, by content."""

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
    """`$NMT_CACHE/kind`, by default in the user's cache folder; made if missing."""
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
    """Remove what nobody has used for a month; `used` says when that was."""
    with suppress(OSError):
        for path in folder.iterdir():
            with suppress(FileNotFoundError):  # somebody else clears away, too
                if path.is_file() and time() - path.stat().st_mtime > MONTH:
                    path.unlink()


def used(path: Path) -> None:
    """Note that something in the cache is used now."""
    with suppress(OSError):  # a cache that is shared may be read-only
        os.utime(path)


class Scratch:
    """A folder in the cache for what only this process needs; it goes with the last who holds it.

    It is locked as long, so that the next process can tell what a killed one left, and
    removes that.
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
    if os.getpid() != owner:  # a fork of it
        return
    shutil.rmtree(folder, ignore_errors=True)
    if descriptor is not None:
        os.close(descriptor)


def _sweep(parent: Path) -> None:
    """Remove the folders of processes that have ended."""
    for left in parent.iterdir():
        with suppress(OSError), locks.if_free(left) as free:  # somebody else sweeps, too
            if free and left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
