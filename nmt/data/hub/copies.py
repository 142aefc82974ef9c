"""Copies of what was read from the hub, so that the next run needs no network.

One small Parquet file a split, two columns each, below HF_HOME/nmt. A folder is named by commit
and by a digest of what was asked; `refs/main` holds the commit that main was at last time. A copy
tells what there was to choose from, so that it serves whoever asks for the same in other words,
and nobody whose question has another answer. It is there whole or not at all.
"""

import json
import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from functools import partial
from hashlib import sha256
from pathlib import Path
from time import time
from typing import Any
from urllib.parse import quote, unquote

from huggingface_hub import constants

from nmt.config import DataConfig
from nmt.data.corpus.types import LARGE, SPLITS, Chunk, Origin, Raw, RawBitext, RawCorpus, RawStream
from nmt.data.formats import parquet
from nmt.data.formats.columns import find_pair, named_columns
from nmt.data.hub.configs import USUAL_NAMES, choose_config, choose_splits
from nmt.data.hub.errors import disk_explained
from nmt.errors import DataError
from nmt.files import read_json, remove_drafts, replacing_folder, write_json, write_text
from nmt.locks import DAY

log = logging.getLogger(__name__)

ORIGIN = "origin.json"
LAYOUT = 2  # raise it when the files of a folder change: other copies are fetched again
COMMIT = re.compile(r"[0-9a-f]{7,64}")
OLD_DRAFT = re.compile(r"\..+-[0-9a-f]{12}\.\d+")  # what earlier versions called theirs
PAIR = ("source", "target")


class DamagedCopy(DataError):
    """A copy was cut short, changed, or is another's."""

    def __init__(self, folder: Path, why: str) -> None:
        self.reason = f"{folder} is damaged ({why})"
        super().__init__(f"{self.reason}; delete it and try again")


class _Quicker(Exception):
    """Another process has finished the same copy."""


@dataclass(frozen=True)
class Choices:
    """What a data set has of each kind of which a config takes one."""

    configs: list[str]
    folders: list[str]
    splits: list[str]
    columns: list[str]

    def taken(self, config: DataConfig) -> tuple[str, dict[str, str], tuple[str, str]]:
        """The config, the splits and the columns that a `data` section takes.

        Raises:
            DataError: it asks for something that is not there.
        """
        name = choose_config(config, self.configs, self.folders)
        splits = {str(key): split for key, split in choose_splits(config, self.splits).items()}
        languages = (config.source, config.target)
        return name, splits, find_pair(self.columns, languages, named=named_columns(config))


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
        """A copy of what this config asks for, or of the same asked for in other words."""
        exact = self.at(commit)
        if exact.is_dir():
            return exact  # if it is another's or damaged, `load` says so
        return next((folder for folder in self._all(commit) if self._serves(folder)), None)

    def old_copy(self, commit: str) -> Path | None:
        """A copy of an earlier layout that tells too little, if its answers are the usual ones."""
        return next((folder for folder in self._all(commit) if self._may_serve(folder)), None)

    def load(self, folder: Path) -> RawCorpus:
        """Read a copy.

        Raises:
            DamagedCopy: it is cut short, changed, or not what this config asks for.
        """
        with _damage_told(folder):
            story = _story(folder)
            there = (story["corpus"], story["revision"])
            if there != (self.config.corpus, folder.parent.name):
                raise ValueError(f"it is of {there[0]} at {there[1]}")
            if "layout" in story and not self._serves(folder):
                raise ValueError("it holds other splits or columns")
        return load(folder)

    def _all(self, commit: str) -> list[Path]:
        return sorted((self.folder / commit).glob(f"{self._languages()}-*"))

    def _serves(self, folder: Path) -> bool:
        """Whether this config, given the choices that there were, takes what the copy holds."""
        with suppress(DataError, OSError, ValueError, TypeError, KeyError):
            story = _story(folder)
            if story["layout"] == LAYOUT:
                held = (story["config"], story["splits"], tuple(story["columns"]))
                return Choices(**story["choices"]).taken(self.config) == held
        return False

    def _may_serve(self, folder: Path) -> bool:
        config = self.config
        with suppress(DataError, OSError, ValueError, TypeError, KeyError):
            story = _story(folder)
            if "layout" in story:
                return False
            columns, splits = story["columns"], story["splits"]
            pair = find_pair(columns, (config.source, config.target), named=named_columns(config))
            usual = all(
                splits.get(split) in {None, *USUAL_NAMES[split]}
                for split in USUAL_NAMES
                if getattr(config.splits, split) is None
            )
            asked = config.splits.model_dump().items()
            return (
                pair == tuple(columns)
                and usual
                and (config.config or "default") == story["config"]
                and all(name in {None, splits.get(split)} for split, name in asked)
            )
        return False

    def at(self, commit: str) -> Path:
        """Where the copy of a commit is to be written."""
        config = self.config
        asked = [LAYOUT, config.config, config.source, config.target, config.source_column,
                 config.target_column, config.splits.model_dump()]  # fmt: skip
        digest = sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:12]
        return self.folder / commit / f"{self._languages()}-{digest}"

    def _languages(self) -> str:
        return quote(f"{self.config.source}-{self.config.target}", safe=" ")

    def commit(self) -> str | None:
        """The commit that the asked revision was at when the hub last answered."""
        asked = self.config.revision or "main"
        known = self._known(asked)
        if known is not None:
            return known
        return asked if COMMIT.fullmatch(asked) and (self.folder / asked).is_dir() else None

    def revisions(self) -> list[str]:
        """The revisions of which there are copies."""
        return sorted(unquote(path.name) for path in (self.folder / "refs").glob("[!.]*"))

    def remember(self, commit: str) -> None:
        """Note which commit the asked revision is at."""
        asked = self.config.revision or "main"
        if self._known(asked) != commit:  # a cache that may not be written serves as well
            with disk_explained(root()):
                write_text(self._ref(asked), commit)

    def _known(self, revision: str) -> str | None:
        with suppress(OSError, ValueError):
            found = self._ref(revision).read_text(encoding="utf-8")[:100].strip()
            return found if COMMIT.fullmatch(found) else None
        return None

    def _ref(self, revision: str) -> Path:
        return self.folder / "refs" / quote(revision, safe="")


def load(folder: Path) -> RawCorpus:
    """Read a copy, whoever asks for it.

    Raises:
        DamagedCopy: it is cut short or changed.
    """
    with _damage_told(folder):
        story = _story(folder)
        for name, size in story.get("bytes", {}).items():
            if (folder / name).stat().st_size != size:
                raise ValueError(f"{name} has not the {size:,} bytes that were written")
        known = {field.name for field in fields(Origin)}
        told = {key: value for key, value in story.items() if key in known}
        splits = {name: _split(file) for name in SPLITS
                  if (file := folder / f"{name}.parquet").is_file()}  # fmt: skip
        return RawCorpus(splits, Origin(**{**told, "columns": tuple(story["columns"])}))


def discard(folder: Path) -> None:
    """Delete a damaged copy.

    Raises:
        DataError: it may not be deleted.
    """
    shutil.rmtree(folder, ignore_errors=True)  # another process may delete it, too
    if folder.exists():
        raise DataError(f"cannot delete {folder}; delete it, or let HF_HOME name another folder")


def sweep() -> None:
    """Delete what killed processes left half-written, of all data sets."""
    for folder in root().glob("*/*"):
        remove_drafts(folder)
        for left in folder.glob(".*"):
            with suppress(OSError):
                if OLD_DRAFT.fullmatch(left.name) and time() - left.stat().st_mtime > DAY:
                    shutil.rmtree(left, ignore_errors=True)


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
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        parquet.BrokenParquet,
    ) as error:
        raise DamagedCopy(folder, " ".join(str(error).split())) from None


def _story(folder: Path) -> dict[str, Any]:
    story: dict[str, Any] = read_json(folder / ORIGIN)
    return story


@contextmanager
def writing(folder: Path) -> Iterator[Path]:
    """A draft of the folder, renamed to it at the end of the block; a failure leaves nothing.

    Raises:
        DataError: the disk is full, or the folder cannot be written.
    """
    with disk_explained(root()), suppress(_Quicker), replacing_folder(folder) as draft:
        yield draft
        if folder.is_dir():
            raise _Quicker


def write_origin(draft: Path, origin: Origin, choices: Choices | None = None) -> None:
    """Note where a copy came from, what there was to choose from, and how large its files are."""
    sizes = {file.name: file.stat().st_size for file in sorted(draft.glob("*.parquet"))}
    story = {**asdict(origin), "layout": LAYOUT, "bytes": sizes}
    if choices is not None:
        story["choices"] = asdict(choices)
    write_json(draft / ORIGIN, story)
