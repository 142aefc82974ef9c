"""A folder for what can be made again: learned tokenizers and encoded corpora, by content."""

import os
import sys
from pathlib import Path

from nmt.files import explained


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
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder
