"""Corpora in local files: two aligned texts, or one file of pairs.

Lines end with "\\n" and nothing else (a "\\r" before it belongs to the line end): Unicode's other
separators occur inside sentences, and counting them as ends would shift one side against the
other.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from nmt.config import DataConfig
from nmt.data import parquet
from nmt.data.columns import find_pair
from nmt.data.corpus import SPLITS, Origin, SplitName
from nmt.data.raw import RawBitext, RawCorpus
from nmt.errors import DataError

Choose = Callable[[list[str]], tuple[str, str]]  # the two columns among those of a file


def read_files(config: DataConfig) -> RawCorpus:
    """The splits that `data.files` names.

    Raises:
        DataError: a file is missing, unreadable or broken, with its name and line.
    """
    assert config.files is not None, "the config was checked"
    splits: dict[SplitName, RawBitext] = {}
    stories: dict[str, str] = {}
    for name in SPLITS:
        place: str | tuple[str, str] | None = getattr(config.files, name)
        if place is not None:
            splits[name] = read_split(place, config)
            stories[name] = place if isinstance(place, str) else " and ".join(place)
    return RawCorpus(splits, Origin("files", splits=stories))


def read_split(place: str | tuple[str, str], config: DataConfig) -> RawBitext:
    """One split: a file of pairs, or two aligned texts."""
    if isinstance(place, str):
        return _pairs(Path(place), config)
    source, target = map(Path, place)
    sources, targets = _lines(source), _lines(target)
    if len(sources) != len(targets):
        raise DataError(
            f"{source} has {len(sources):,} lines and {target} has {len(targets):,}: "
            "aligned files have one translation on each line; look for lost or doubled line ends"
        )
    return RawBitext(list(sources), list(targets))


def _pairs(path: Path, config: DataConfig) -> RawBitext:
    readers = {
        ".tsv": _tsv, ".jsonl": _jsonl, ".json": _jsonl, ".csv": _csv, ".parquet": _parquet
    }  # fmt: skip
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            f"{path}: cannot tell what is in a '{path.suffix}' file; pairs come as "
            ".tsv, .jsonl, .csv or .parquet, two aligned texts as a list of two files"
        )
    return reader(path, config)


def _tsv(path: Path, config: DataConfig) -> RawBitext:
    """Two columns, or more with a header that names the languages."""
    rows = [line.split("\t") for line in _lines(path)]
    places, start, width = (0, 1), 0, 2
    if rows and (pair := _header(rows[0], config)):
        places, start, width = (rows[0].index(pair[0]), rows[0].index(pair[1])), 1, len(rows[0])
    for number, row in enumerate(rows[start:], start + 1):
        if len(row) != width:
            raise DataError(
                f"{path}:{number}: {len(row)} columns where {width} are expected; "
                "a pair is a sentence, one tab, and its translation"
            )
    return RawBitext([row[places[0]] for row in rows[start:]],
                     [row[places[1]] for row in rows[start:]])  # fmt: skip


def _header(cells: list[str], config: DataConfig) -> tuple[str, str] | None:
    """The columns' names, if this line names columns."""
    named = (config.source_column, config.target_column)
    if any(named):
        return _chooser(Path("the first line"), config)(cells)
    try:
        return find_pair(cells, (config.source, config.target), headers_only=True)
    except DataError:
        return None  # a sentence and its translation


def _csv(path: Path, config: DataConfig) -> RawBitext:
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    pairs = RawBitext()
    try:
        header = next(reader, [])
        places = [header.index(name) for name in _chooser(path, config)(header)]
        for row in reader:
            if len(row) != len(header):
                raise DataError(
                    f"{path}:{reader.line_num}: {len(row)} columns where the header has "
                    f"{len(header)}; put text with a comma in double quotes"
                )
            pairs.extend([row[places[0]]], [row[places[1]]])
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: no CSV ({error})") from None
    return pairs


def _jsonl(path: Path, config: DataConfig) -> RawBitext:
    pairs, columns = RawBitext(), None
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}:{number}: no JSON ({error})") from None
        if not isinstance(entry, dict):
            raise DataError(f'{path}:{number}: no JSON object such as {{"en": "...", "fr": "..."}}')
        columns = columns or _chooser(path, config)(list(_text_keys(entry, "")))
        source, target = (_value(entry, column, path, number) for column in columns)
        pairs.extend([source], [target])
    return pairs


def _text_keys(entry: dict[str, Any], prefix: str) -> Iterator[str]:
    for key, value in entry.items():
        if isinstance(value, dict):
            yield from _text_keys(value, f"{prefix}{key}.")
        elif value is None or isinstance(value, str):
            yield f"{prefix}{key}"


def _value(entry: dict[str, Any], column: str, path: Path, number: int) -> str | None:
    value: Any = entry
    for key in [column] if column in entry else column.split("."):
        if value is None:
            return None
        if not isinstance(value, dict) or key not in value:
            raise DataError(f"{path}:{number}: no '{column}' in this line, as there is in others")
        value = value[key]
    if value is not None and not isinstance(value, str):
        raise DataError(f"{path}:{number}: '{column}' is {value!r:.40}, not text")
    return value


def _parquet(path: Path, config: DataConfig) -> RawBitext:
    _refuse_missing(path)
    try:
        table = parquet.local_table(path)
        columns = _chooser(path, config)(parquet.text_columns(table))
        return RawBitext.of(parquet.read_columns(table, columns))
    except parquet.BrokenParquet as error:
        raise DataError(f"{path}: no Parquet file, or cut short ({error}); copy it again") from None


def _chooser(path: Path, config: DataConfig) -> Choose:
    def choose(columns: Iterable[str]) -> tuple[str, str]:
        named = (config.source_column, config.target_column)
        try:
            return find_pair(list(columns), (config.source, config.target), named=named)
        except DataError as error:
            raise DataError(f"{path}: {error}") from None

    return choose


def _lines(path: Path) -> list[str]:
    text = _text(path)
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()  # the end of the last line, not another one
    return [line.removesuffix("\r") for line in lines] if "\r" in text else lines


def _text(path: Path) -> str:
    _refuse_missing(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        hint = "; it looks like UTF-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        raise DataError(
            f"{path}:{line}: no valid UTF-8 (byte 0x{data[error.start]:02x}){hint}; "
            "save the file as UTF-8"
        ) from None


def _refuse_missing(path: Path) -> None:
    if path.is_dir():
        raise DataError(f"{path} is a folder; data.files names files")
    if not path.exists():
        raise DataError(f"no file {path} (looked in {Path.cwd()}); correct data.files")
