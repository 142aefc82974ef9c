"""A folder for what can be made again: learned tokenizers and encoded corpora, by content."""

import os
import platform
import re
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from time import time
from weakref import finalize

from nmt.files import os_errors_as_write_error

WEEK = 7 * 24 * 3600  # seconds


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
    return folder


class Scratch:
    """A folder in the cache for what only this process needs; it goes with the last who holds it.

    What a killed process left behind is removed after a week. Its name tells the process and the
    machine, since a training may last longer than that.
    """

    def __init__(self, kind: str) -> None:
        parent = cache_folder("scratch")
        _sweep(parent)
        with os_errors_as_write_error(parent):
            self.folder = Path(
                mkdtemp(prefix=f"{kind}-{os.getpid()}-", suffix=f"-{platform.node()}", dir=parent)
            )
        self._end = finalize(self, shutil.rmtree, self.folder, ignore_errors=True)


def _sweep(parent: Path) -> None:
    for left in parent.iterdir():
        with suppress(FileNotFoundError):  # somebody else sweeps, too
            if time() - left.stat().st_mtime > WEEK and not _runs(left.name):
                shutil.rmtree(left, ignore_errors=True)


def _runs(name: str) -> bool:
    """Whether the process that made a scratch folder runs, as far as can be told from here."""
    found = re.fullmatch(r"[^-]+-(\d+)-[^-]+-(.*)", name)
    if found is None or found[2] != platform.node() or os.name == "nt":
        return False  # Windows has no signal that only asks
    try:
        os.kill(int(found[1]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
