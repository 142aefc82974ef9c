"""Download two columns of each split of a data set, at one commit, into a folder."""

import logging
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from huggingface_hub import (
    get_hf_file_metadata,
    get_session,
    get_token,
    hf_hub_url,
    hf_raise_for_status,
)

from nmt.config import DataConfig
from nmt.data.corpus.types import Origin, SplitName
from nmt.data.formats import parquet
from nmt.data.formats.columns import find_pair, named_columns
from nmt.data.formats.parquet import Column
from nmt.data.hub import copies
from nmt.data.hub.client import SILENCE_SECONDS
from nmt.data.hub.configs import Listing, choose_splits, list_files
from nmt.errors import DataError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Commit:
    """One commit of a data set, and its files."""

    name: str
    sizes: dict[str, int]
    """File -> bytes."""


@dataclass
class Traffic:
    """Bytes that were downloaded, and the total size of the files they belong to."""

    fetched: int = 0
    whole: int = 0


def fetch(config: DataConfig, commit: Commit, folder: Path) -> None:
    """Download the selected columns of the selected splits from the hub into a folder.

    Raises:
        DataError: the data set lacks what the config asks for, or is broken.
        HubUnreachable: the hub stopped answering.
        Exception: any error of the libraries; `explained` turns it into one of ours.
    """
    with copies.writing(folder) as draft:
        listing = list_files(config, commit.name, list(commit.sizes), draft / "scratch")
        splits = choose_splits(config, list(listing.files))
        log.info("%s: fetching %s", config.corpus, ", ".join(splits.values()))
        if listing.all_parquet:
            text_columns = _fetch_parquet(config, commit, listing, splits, draft)
        else:
            text_columns = _fetch_others(config, listing, splits, draft)
        shutil.rmtree(draft / "scratch", ignore_errors=True)
        contents = copies.Contents(
            listing.configs, listing.folders, list(listing.files), text_columns
        )
        split_origins = {str(split): name for split, name in splits.items()}
        columns = _columns(config, text_columns)
        copies.write_origin(
            draft,
            Origin(config.corpus, listing.name, commit.name, columns, split_origins),
            contents,
        )
    log.info("%s: kept in %s", config.corpus, folder)


def _fetch_parquet(
    config: DataConfig,
    commit: Commit,
    listing: Listing,
    splits: dict[SplitName, str],
    draft: Path,
) -> list[str]:
    """Fetch single columns with range requests; returns the names of all text columns."""
    text_columns: list[str] = []
    traffic = Traffic()
    for split, name in splits.items():
        files = [_RemoteParquet(config, commit, path) for path in listing.files[name]]
        text_columns = text_columns or files[0].text_columns()
        columns = _columns(config, text_columns)
        _check_rows(name, sum(file.rows for file in files), listing.declared.get(name))
        parquet.write_pairs(draft / f"{split}.parquet", _batches(config, files, columns))
        traffic.fetched += sum(file.remote.fetched for file in files)
        traffic.whole += sum(file.remote.size for file in files)
    log.info(
        "%s: fetched %.1f MB of %.1f MB",
        config.corpus, traffic.fetched / 1e6, traffic.whole / 1e6,
    )  # fmt: skip
    return text_columns


def _batches(
    config: DataConfig, files: list["_RemoteParquet"], columns: tuple[str, str]
) -> Iterator[list[Column]]:
    for number, file in enumerate(files, 1):
        if len(files) > 1:
            log.info("%s: file %d of %d", config.corpus, number, len(files))
        yield from file.read(columns)


class _RemoteParquet:
    """One Parquet file on the hub, opened by fetching its tail."""

    def __init__(self, config: DataConfig, commit: Commit, path: str) -> None:
        url = hf_hub_url(config.corpus, path, repo_type="dataset", revision=commit.name)
        size = commit.sizes.get(path) or get_hf_file_metadata(url).size or 0
        self.path = path
        try:
            self.table, self.remote = parquet.remote_table(partial(_range, url), size)
        except parquet.BrokenParquet as error:
            raise self._broken(error) from None
        self.rows: int = self.table.metadata.num_rows

    def text_columns(self) -> list[str]:
        return parquet.text_columns(self.table)

    def read(self, columns: tuple[str, str]) -> Iterator[list[Column]]:
        try:
            if missing := set(columns) - set(self.text_columns()):
                raise DataError(f"{self.path} has no text column {' or '.join(sorted(missing))}")
            yield from parquet.read_columns(self.table, columns, self.remote)
        except parquet.BrokenParquet as error:
            raise self._broken(error) from None

    def _broken(self, error: Exception) -> DataError:
        return DataError(
            f"{self.path} is not a Parquet file, or was cut short ({error}); "
            "set data.revision to an intact commit, or tell its owner"
        )


def _range(url: str, start: int, stop: int) -> bytes:
    """Bytes start to stop of a file on the hub."""
    headers = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
    if token := get_token():
        headers["Authorization"] = f"Bearer {token}"
    response = get_session().get(url, headers=headers, timeout=SILENCE_SECONDS)
    hf_raise_for_status(response)
    whole_file = response.status_code == 200  # the server does not support ranges
    return response.content[start:stop] if whole_file else response.content


def _fetch_others(
    config: DataConfig, listing: Listing, splits: dict[SplitName, str], draft: Path
) -> list[str]:
    """Fetch other formats that `datasets` reads, such as CSV: whole files, then two columns."""
    if hasattr(listing.builder.config, "keep_default_na"):  # CSV: "None" and "NA" are words, too
        listing.builder.config.keep_default_na = False
    listing.builder.download_and_prepare()
    text_columns: list[str] = []
    for split, name in splits.items():
        table = listing.builder.as_dataset(split=name)
        text_columns = text_columns or list(parquet.text_fields(table.features.arrow_schema))
        columns = _columns(config, text_columns)
        selected = list(dict.fromkeys(column.split(".")[0] for column in columns))
        selected = [name for name in table.column_names if name in {*selected, *columns}]
        batches = table.select_columns(selected).with_format("arrow").iter(batch_size=10_000)
        parquet.write_pairs(draft / f"{split}.parquet", _values(batches, columns))
        _check_rows(name, len(table), listing.declared.get(name))
    return text_columns


def _values(batches: Iterable[Any], columns: tuple[str, str]) -> Iterator[list[Column]]:
    for rows in batches:
        yield parquet.values(rows, columns)


def _columns(config: DataConfig, text_columns: list[str]) -> tuple[str, str]:
    named = named_columns(config)
    return find_pair(text_columns, (config.source, config.target), named=named)


def _check_rows(split: str, rows: int, declared: int | None) -> None:
    if declared is not None and declared != rows:
        raise DataError(
            f"its card declares {declared:,} rows in '{split}', but its files have {rows:,}: an "
            "upload went wrong; set data.revision to an intact commit, or tell its owner"
        )
