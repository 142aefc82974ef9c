"""Copies of what was read from the hub, so that the next run needs no network.

One small Parquet file a split, two columns each, below HF_HOME/nmt. A folder is named by commit
and by a digest of what was asked; `refs/main` holds the commit that main was at last time. A
folder is written under another name and then renamed, so that it is there whole or not at all.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from huggingface_hub import constants

from nmt.config import DataConfig
from nmt.data import parquet
from nmt.data.corpus import SPLITS, Origin
from nmt.data.raw import LARGE, Chunk, Raw, RawBitext, RawCorpus, RawStream
from nmt.data.trouble import disk_explained
from nmt.errors import DataError
from nmt.files import sync

ORIGIN = "origin.json"
LAYOUT = 1  # part of every digest: raise it when the files of a folder change


def root() -> Path:
    """Where the copies of all data sets lie."""
    return Path(constants.HF_HOME) / "nmt" / "corpora"


@dataclass(frozen=True)
class Shelf:
    """The copies of one data set, as one config asks for it."""

    config: DataConfig

    @property
    def folder(self) -> Path:
        """Where all copies of this data set lie."""
        return root() / self.config.corpus.replace("/", "--")

    def copy(self, commit: str) -> Path | None:
        """A whole copy of what this config asks for, or of the same asked for in other words."""
        exact = self.at(commit)
        alike = sorted(exact.parent.glob(f"{self._languages()}-*"))
        return next((folder for folder in [exact, *alike] if self._serves(folder)), None)

    def _serves(self, folder: Path) -> bool:
        if not (folder / ORIGIN).is_file():
            return False
        if folder == self.at(folder.parent.name):
            return True
        config, story = self.config, _story(folder)
        columns, splits = story["columns"], config.splits.model_dump()
        return (
            (config.config or "default") == story["config"]
            and config.source_column in {None, columns[0]}
            and config.target_column in {None, columns[1]}
            and all(name in {None, story["splits"].get(split)} for split, name in splits.items())
        )

    def at(self, commit: str) -> Path:
        """Where the copy of a commit is to be written."""
        config = self.config
        asked = [LAYOUT, config.config, config.source, config.target, config.source_column,
                 config.target_column, config.splits.model_dump()]  # fmt: skip
        digest = sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:12]
        return self.folder / commit / f"{self._languages()}-{digest}"

    def _languages(self) -> str:
        return f"{self.config.source}-{self.config.target}"

    def commit(self) -> str | None:
        """The commit that the asked revision was at when the hub last answered."""
        asked = self.config.revision or "main"
        ref = self._ref(asked)
        if ref.is_file():
            return ref.read_text(encoding="utf-8").strip()
        return asked if (self.folder / asked).is_dir() else None

    def revisions(self) -> list[str]:
        """The revisions of which there are copies."""
        return sorted(unquote(path.name) for path in (self.folder / "refs").glob("[!.]*"))

    def remember(self, commit: str) -> None:
        """Note which commit the asked revision is at."""
        with disk_explained(root()):
            ref = self._ref(self.config.revision or "main")
            ref.parent.mkdir(parents=True, exist_ok=True)
            draft = ref.with_name(f".{ref.name}.{os.getpid()}")
            draft.write_text(commit, encoding="utf-8")
            draft.replace(ref)

    def _ref(self, revision: str) -> Path:
        return self.folder / "refs" / quote(revision, safe="")


def load(folder: Path) -> RawCorpus:
    """Read a copy.

    Raises:
        DataError: somebody damaged it.
    """
    with _damage_told(folder):
        story = _story(folder)
        columns = story.pop("columns")
        splits = {name: _split(file) for name in SPLITS
                  if (file := folder / f"{name}.parquet").is_file()}  # fmt: skip
        return RawCorpus(splits, Origin(**story, columns=tuple(columns)))


def _split(file: Path) -> Raw:
    large = parquet.local_table(file).metadata.num_rows > LARGE
    return RawStream(partial(_pairs, file)) if large else RawBitext.of(_pairs(file))


def _pairs(file: Path) -> Iterator[Chunk]:
    with _damage_told(file.parent):
        yield from parquet.read_columns(parquet.local_table(file), PAIR)


@contextmanager
def _damage_told(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, TypeError, KeyError, parquet.BrokenParquet) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{folder} is damaged ({reason}); delete it and try again") from None


def _story(folder: Path) -> dict[str, Any]:
    return json.loads((folder / ORIGIN).read_text(encoding="utf-8"))


PAIR = ("source", "target")


@contextmanager
def writing(folder: Path) -> Iterator[Path]:
    """A draft of the folder, renamed to it at the end of the block; a failure leaves nothing.

    Raises:
        DataError: the disk is full, or the folder cannot be written.
    """
    draft = folder.with_name(f".{folder.name}.{os.getpid()}")
    with disk_explained(root()):
        try:
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            yield draft
            for file in draft.iterdir():
                sync(file)
            if not (folder / ORIGIN).is_file():  # another process may have been quicker
                shutil.rmtree(folder, ignore_errors=True)
                draft.rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def write_origin(draft: Path, origin: Origin) -> None:
    """Note where a copy came from."""
    text = json.dumps(asdict(origin), indent=2, ensure_ascii=False)
    (draft / ORIGIN).write_text(text + "\n", encoding="utf-8")
