"""Local copies of corpora from the hub, so that the next run needs no network.

Below HF_HOME/nmt there is one small Parquet file per split, with two columns each. A folder is
named by the commit and by a digest of the request; `refs/main` holds the commit that main was at
when the hub last answered. A copy records the configs, splits and columns that were available.
Therefore it can serve a request that is worded differently but means the same, and no request
that means something else. Copies are written atomically.
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
from nmt.data.hub.errors import cache_errors_as_write_error
from nmt.errors import DataError
from nmt.files import read_json, remove_drafts, replacing_folder, write_json, write_text
from nmt.locks import DAY

log = logging.getLogger(__name__)

ORIGIN = "origin.json"
LAYOUT = 2  # raise it if the files of a folder change; copies of another layout are fetched again
COMMIT = re.compile(r"[0-9a-f]{7,64}")
OLD_DRAFT = re.compile(r"\..+-[0-9a-f]{12}\.\d+")  # the drafts of earlier versions
PAIR = ("source", "target")


class DamagedCopy(DataError):
    """A copy was cut short or changed, or it belongs to another request."""

    def __init__(self, folder: Path, why: str) -> None:
        self.reason = f"{folder} is damaged ({why})"
        super().__init__(f"{self.reason}; delete it and try again")


class _AlreadyCopied(Exception):
    """Another process has finished the same copy first."""


@dataclass(frozen=True)
class Contents:
    """What a data set offers a `data` section to choose from."""

    configs: list[str]
    folders: list[str]
    splits: list[str]
    columns: list[str]

    def selected(self, config: DataConfig) -> tuple[str, dict[str, str], tuple[str, str]]:
        """The config, the splits and the columns that a `data` section selects.

        Raises:
            DataError: it asks for something that the data set lacks.
        """
        name = choose_config(config, self.configs, self.folders)
        splits = {str(key): split for key, split in choose_splits(config, self.splits).items()}
        languages = (config.source, config.target)
        return name, splits, find_pair(self.columns, languages, named=named_columns(config))


def root() -> Path:
    """The folder with the copies of all data sets."""
    return Path(constants.HF_HOME) / "nmt" / "corpora"


@dataclass(frozen=True)
class CorpusCopies:
    """The copies of one data set, as seen by one config."""

    config: DataConfig

    @property
    def folder(self) -> Path:
        """The folder with all copies of this data set."""
        return root() / self.config.corpus.replace("/", "--")

    def copy(self, commit: str) -> Path | None:
        """A copy for this config, or for one that selects the same data in other words."""
        exact = self.at(commit)
        if exact.is_dir():
            return exact  # if it is damaged or of something else, `load` reports it
        return next((folder for folder in self._all(commit) if self._serves(folder)), None)

    def old_copy(self, commit: str) -> Path | None:
        """A copy of the earlier layout, which lacks the choices, if it holds the usual ones."""
        return next((folder for folder in self._all(commit) if self._may_serve(folder)), None)

    def load(self, folder: Path) -> RawCorpus:
        """Read a copy.

        Raises:
            DamagedCopy: it is cut short, changed, or not what this config asks for.
        """
        with _errors_as_damage(folder):
            record = _record(folder)
            origin = (record["corpus"], record["revision"])
            if origin != (self.config.corpus, folder.parent.name):
                raise ValueError(f"it is a copy of {origin[0]} at {origin[1]}")
            if "layout" in record and not self._serves(folder):
                raise ValueError("it holds other splits or columns")
        return load(folder)

    def _all(self, commit: str) -> list[Path]:
        return sorted((self.folder / commit).glob(f"{self._languages()}-*"))

    def _serves(self, folder: Path) -> bool:
        """Whether this config, given the recorded choices, would select what the copy holds."""
        with suppress(DataError, OSError, ValueError, TypeError, KeyError):
            record = _record(folder)
            if record["layout"] == LAYOUT:
                held = (record["config"], record["splits"], tuple(record["columns"]))
                return Contents(**record["choices"]).selected(self.config) == held
        return False

    def _may_serve(self, folder: Path) -> bool:
        config = self.config
        with suppress(DataError, OSError, ValueError, TypeError, KeyError):
            record = _record(folder)
            if "layout" in record:
                return False
            columns, splits = record["columns"], record["splits"]
            pair = find_pair(columns, (config.source, config.target), named=named_columns(config))
            usual = all(
                splits.get(split) in {None, *USUAL_NAMES[split]}
                for split in USUAL_NAMES
                if getattr(config.splits, split) is None
            )
            requested = config.splits.model_dump().items()
            return (
                pair == tuple(columns)
                and usual
                and (config.config or "default") == record["config"]
                and all(name in {None, splits.get(split)} for split, name in requested)
            )
        return False

    def at(self, commit: str) -> Path:
        """The folder for the copy of a commit."""
        config = self.config
        request = [LAYOUT, config.config, config.source, config.target, config.source_column,
                 config.target_column, config.splits.model_dump()]  # fmt: skip
        digest = sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()[:12]
        return self.folder / commit / f"{self._languages()}-{digest}"

    def _languages(self) -> str:
        return quote(f"{self.config.source}-{self.config.target}", safe=" ")

    def commit(self) -> str | None:
        """The commit that the requested revision was at when the hub last answered."""
        revision = self.config.revision or "main"
        known = self._known(revision)
        if known is not None:
            return known
        return (
            revision if COMMIT.fullmatch(revision) and (self.folder / revision).is_dir() else None
        )

    def revisions(self) -> list[str]:
        """The revisions that have copies."""
        return sorted(unquote(path.name) for path in (self.folder / "refs").glob("[!.]*"))

    def remember(self, commit: str) -> None:
        """Record which commit the requested revision is at."""
        revision = self.config.revision or "main"
        if self._known(revision) != commit:  # only then, so that a read-only cache works, too
            with cache_errors_as_write_error(root()):
                write_text(self._ref(revision), commit)

    def _known(self, revision: str) -> str | None:
        with suppress(OSError, ValueError):
            commit = self._ref(revision).read_text(encoding="utf-8")[:100].strip()
            return commit if COMMIT.fullmatch(commit) else None
        return None

    def _ref(self, revision: str) -> Path:
        return self.folder / "refs" / quote(revision, safe="")


def load(folder: Path) -> RawCorpus:
    """Read a copy, without checking that it fits a config.

    Raises:
        DamagedCopy: it is cut short or changed.
    """
    with _errors_as_damage(folder):
        record = _record(folder)
        for name, size in record.get("bytes", {}).items():
            if (folder / name).stat().st_size != size:
                raise ValueError(f"{name} does not have the {size:,} bytes that were written")
        known = {field.name for field in fields(Origin)}
        origin = {key: value for key, value in record.items() if key in known}
        splits = {name: _split(file) for name in SPLITS
                  if (file := folder / f"{name}.parquet").is_file()}  # fmt: skip
        return RawCorpus(splits, Origin(**{**origin, "columns": tuple(record["columns"])}))


def discard(folder: Path) -> None:
    """Delete a damaged copy.

    Raises:
        DataError: it cannot be deleted.
    """
    shutil.rmtree(folder, ignore_errors=True)  # another process may delete it, too
    if folder.exists():
        raise DataError(f"cannot delete {folder}; delete it, or set HF_HOME to another folder")


def sweep() -> None:
    """Delete the unfinished copies, of all data sets, that killed processes left."""
    for folder in root().glob("*/*"):
        remove_drafts(folder)
        for hidden in folder.glob(".*"):
            with suppress(OSError):
                if OLD_DRAFT.fullmatch(hidden.name) and time() - hidden.stat().st_mtime > DAY:
                    shutil.rmtree(hidden, ignore_errors=True)


def _split(file: Path) -> Raw:
    large = parquet.local_table(file).metadata.num_rows > LARGE
    return RawStream(partial(_pairs, file)) if large else RawBitext.of(_pairs(file))


def _pairs(file: Path) -> Iterator[Chunk]:
    with _errors_as_damage(file.parent):
        yield from parquet.read_columns(parquet.local_table(file), PAIR)


@contextmanager
def _errors_as_damage(folder: Path) -> Iterator[None]:
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


def _record(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = read_json(folder / ORIGIN)
    return record


@contextmanager
def writing(folder: Path) -> Iterator[Path]:
    """A draft of the folder, renamed to it at the end of the block; an error leaves nothing.

    Raises:
        WriteError: the disk is full, or the folder cannot be written.
    """
    with (
        cache_errors_as_write_error(root()),
        suppress(_AlreadyCopied),
        replacing_folder(folder) as draft,
    ):
        yield draft
        if folder.is_dir():
            raise _AlreadyCopied


def write_origin(draft: Path, origin: Origin, contents: Contents | None = None) -> None:
    """Record where a copy came from, what could be chosen, and the sizes of its files."""
    sizes = {file.name: file.stat().st_size for file in sorted(draft.glob("*.parquet"))}
    record = {**asdict(origin), "layout": LAYOUT, "bytes": sizes}
    if contents is not None:
        record["choices"] = asdict(contents)
    write_json(draft / ORIGIN, record)
