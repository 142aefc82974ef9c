"""Corpora in local files: two aligned texts, or one file of pairs.

Each format is a generator of chunks of pairs. Small files are read at once; large ones at each pass
anew, so that they need not fit into the memory.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from nmt.config import DataConfig
from nmt.data import parquet
from nmt.data.columns import find_pair
from nmt.data.corpus import SPLITS, Origin, SplitName
from nmt.data.lines import blocks, lines, refuse_missing
from nmt.data.raw import Chunk, Column, Raw, RawBitext, RawCorpus, RawStream
from nmt.errors import DataError

LARGE_BYTES = 32_000_000  # of text
PACKED = 4  # bytes of text in a byte of Parquet, about
CSV_ROWS = 10_000  # of a chunk
Choose = Callable[[list[str]], tuple[str, str]]  # the two columns among those of a file


def read_files(config: DataConfig) -> RawCorpus:
    """The splits that `data.files` names.

    Raises:
        DataError: a file is missing, unreadable or broken, with its name and line.
    """
    assert config.files is not None, "the config was checked"
    splits: dict[SplitName, Raw] = {}
    stories: dict[str, str] = {}
    for name in SPLITS:
        place: str | tuple[str, str] | None = getattr(config.files, name)
        if place is not None:
            splits[name] = read_split(place, config)
            stories[name] = place if isinstance(place, str) else " and ".join(place)
    return RawCorpus(splits, Origin("files", splits=stories))


def read_split(place: str | tuple[str, str], config: DataConfig) -> Raw:
    """One split: a file of pairs, or two aligned texts."""
    if isinstance(place, str):
        paths = [Path(place)]
        read = partial(_reader(paths[0]), paths[0], config)
    else:
        paths = list(map(Path, place))
        read = partial(_aligned, *paths)
    for path in paths:
        refuse_missing(path)
    size = sum(path.stat().st_size for path in paths)
    large = size * (PACKED if paths[0].suffix.lower() == ".parquet" else 1) > LARGE_BYTES
    return RawStream(read) if large else RawBitext.of(read())


def _aligned(source: Path, target: Path) -> Iterator[Chunk]:
    """Line by line."""
    sides = (lines(source), lines(target))
    left: list[list[str]] = [[], []]
    pairs = 0
    while True:
        left = [rest or next(side, []) for rest, side in zip(left, sides, strict=True)]
        count = min(map(len, left))
        if not count:
            break
        yield [list[str | None](rest[:count]) for rest in left]
        pairs += count
        left = [rest[count:] for rest in left]
    if any(left):
        counts = [
            pairs + len(rest) + sum(map(len, side)) for rest, side in zip(left, sides, strict=True)
        ]
        raise DataError(
            f"{source} has {counts[0]:,} lines and {target} has {counts[1]:,}: "
            "aligned files have one translation on each line; look for lost or doubled line ends"
        )


def _reader(path: Path) -> Callable[[Path, DataConfig], Iterator[Chunk]]:
    readers = {
        ".tsv": _tsv, ".jsonl": _jsonl, ".json": _jsonl, ".csv": _csv, ".parquet": _parquet
    }  # fmt: skip
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            f"{path}: cannot tell what is in a '{path.suffix}' file; pairs come as "
            ".tsv, .jsonl, .csv or .parquet, two aligned texts as a list of two files"
        )
    return reader


def _tsv(path: Path, config: DataConfig) -> Iterator[Chunk]:
    """Two columns, or more with a header that names the languages."""
    places, width, number = (0, 1), 2, 0
    for block in lines(path):
        rows = [line.split("\t") for line in block]
        start = 0
        if not number and (pair := _header(rows[0], config)):
            places, start, width = (rows[0].index(pair[0]), rows[0].index(pair[1])), 1, len(rows[0])
        widths = list(map(len, rows))
        if widths.count(width) != len(rows):
            place = next(place for place, found in enumerate(widths) if found != width)
            raise DataError(
                f"{path}:{number + place + 1}: {widths[place]} columns where {width} are expected; "
                "a pair is a sentence, one tab, and its translation"
            )
        number += len(rows)
        yield [row[places[0]] for row in rows[start:]], [row[places[1]] for row in rows[start:]]


def _header(cells: list[str], config: DataConfig) -> tuple[str, str] | None:
    """The columns' names, if this line names columns."""
    named = (config.source_column, config.target_column)
    if any(named):
        return _chooser(Path("the first line"), config)(cells)
    try:
        return find_pair(cells, (config.source, config.target), headers_only=True)
    except DataError:
        return None  # a sentence and its translation


def _csv(path: Path, config: DataConfig) -> Iterator[Chunk]:
    sources: Column = []
    targets: Column = []
    text = chain.from_iterable(io.StringIO(block, newline="") for block in blocks(path))
    reader = csv.reader(text, strict=True)
    try:
        header = next(reader, [])
        places = [header.index(name) for name in _chooser(path, config)(header)]
        for row in reader:
            if len(row) != len(header):
                raise DataError(
                    f"{path}:{reader.line_num}: {len(row)} columns where the header has "
                    f"{len(header)}; put text with a comma in double quotes"
                )
            sources.append(row[places[0]])
            targets.append(row[places[1]])
            if len(sources) == CSV_ROWS:
                yield sources, targets
                sources, targets = [], []
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: no CSV ({error})") from None
    yield sources, targets


def _jsonl(path: Path, config: DataConfig) -> Iterator[Chunk]:
    columns: tuple[str, str] | None = None
    first = 1
    for block in lines(path):
        pairs: tuple[Column, Column] = ([], [])
        for number, line in enumerate(block, first):
            if not line.strip():
                continue
            entry = _entry(line, path, number)
            columns = columns or _chooser(path, config)(list(_text_keys(entry, "")))
            for side, column in zip(pairs, columns, strict=True):
                side.append(_value(entry, column, path, number))
        first += len(block)
        yield pairs


def _entry(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise DataError(f"{path}:{number}: no JSON ({error})") from None
    if not isinstance(entry, dict):
        raise DataError(f'{path}:{number}: no JSON object such as {{"en": "...", "fr": "..."}}')
    return entry


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


def _parquet(path: Path, config: DataConfig) -> Iterator[Chunk]:
    try:
        table = parquet.local_table(path)
        columns = _chooser(path, config)(parquet.text_columns(table))
        yield from parquet.read_columns(table, columns)
    except (parquet.BrokenParquet, OSError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{path}: no Parquet file, or cut short ({reason}); copy it again"
        ) from None


def _chooser(path: Path, config: DataConfig) -> Choose:
    def choose(columns: Iterable[str]) -> tuple[str, str]:
        named = (config.source_column, config.target_column)
        try:
            return find_pair(list(columns), (config.source, config.target), named=named)
        except DataError as error:
            raise DataError(f"{path}: {error}") from None

    return choose
