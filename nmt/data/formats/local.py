"""Read corpora from local files: two aligned texts, or one file of pairs.

The reader of each format is a generator of chunks of pairs. Small files are kept in memory; large
ones are read again in each pass, so that they need not fit into memory.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from nmt.config import DataConfig
from nmt.data.corpus.types import (
    SPLITS,
    Chunk,
    Column,
    Origin,
    Raw,
    RawBitext,
    RawCorpus,
    RawStream,
    SplitName,
)
from nmt.data.formats import parquet
from nmt.data.formats.columns import find_pair, named_columns
from nmt.data.formats.json_values import read_objects
from nmt.data.formats.lines import lines, pieces, refuse_missing
from nmt.data.formats.opening import plain_name
from nmt.data.formats.tables import SEPARATORS, TAB, read_table
from nmt.data.formats.tmx import read_tmx
from nmt.data.words import is_blank
from nmt.errors import DataError
from nmt.files import parse_json

LARGE_BYTES = 32_000_000  # of text, roughly: we count characters
CSV_ROWS = 10_000  # per chunk
FIRST_LINE = 1 << 20  # characters
MOST_KEYS = 10_000  # keys of an object that are searched for text
DEEPEST = 8  # levels of nested objects that are searched for text
PEEKED = 100  # lines of a text that are checked for tabs
Choose = Callable[[list[str]], tuple[str, str]]  # picks the two columns among those of a file
Reader = Callable[[Path, DataConfig], Iterator[Chunk]]
UNREAD = {
    ".xlsx": "a spreadsheet; save it as CSV in UTF-8",
    ".xls": "a spreadsheet; save it as CSV in UTF-8",
    ".ods": "a spreadsheet; save it as CSV in UTF-8",
    ".docx": "a document; save each language as text in UTF-8",
    ".doc": "a document; save each language as text in UTF-8",
    ".odt": "a document; save each language as text in UTF-8",
    ".pdf": "a PDF; extract its text",
    ".po": "a message catalogue; convert it to TMX or CSV with po2tmx or po2csv",
    ".xliff": "XLIFF; convert it to TMX or CSV with xliff2po and po2tmx",
    ".xlf": "XLIFF; convert it to TMX or CSV with xliff2po and po2tmx",
    ".sdltm": "a proprietary translation memory; export it as TMX",
    ".sgm": "SGML; extract the text from its <seg> elements",
    ".sgml": "SGML; extract the text from its <seg> elements",
    ".xml": "XML; extract its text, one sentence per line, or convert it to TMX",
    ".html": "a web page; download the file that it links to",
    ".tar": "an archive; unpack it and name the files in it",
    ".tgz": "an archive; unpack it and name the files in it",
    ".arrow": "an Arrow file; convert it to Parquet, JSON lines or CSV",
    ".yaml": "YAML; convert it to JSON lines",
    ".yml": "YAML; convert it to JSON lines",
}


def read_files(config: DataConfig) -> RawCorpus:
    """The splits that `data.files` names.

    Raises:
        DataError: a file is missing, unreadable or broken, with its name and line.
    """
    assert config.files is not None, "the config was checked"
    splits: dict[SplitName, Raw] = {}
    names: dict[str, str] = {}
    for name in SPLITS:
        place: str | tuple[str, str] | None = getattr(config.files, name)
        if place is not None:
            for path in [place] if isinstance(place, str) else place:
                _refuse_pipe(Path(path))
            splits[name] = read_split(place, config)
            names[name] = place if isinstance(place, str) else " and ".join(place)
    return RawCorpus(splits, Origin("files", splits=names))


def read_split(place: str | tuple[str, str], config: DataConfig) -> Raw:
    """One split, from a file of pairs or two aligned texts.

    Raises:
        DataError: a file is missing, broken, or in an unsupported format.
    """
    paths = [Path(place)] if isinstance(place, str) else list(map(Path, place))
    for path in paths:
        refuse_missing(path)
    try:
        if len(paths) == 1:
            return _kept(partial(_reader(paths[0]), paths[0], config), again=True)
        _check_texts(*paths)
        return _kept(partial(_aligned, *paths), again=all(path.is_file() for path in paths))
    except OSError as error:
        raise DataError(f"cannot read {error.filename}: {error.strerror or error}") from None


def _kept(read: Callable[[], Iterator[Chunk]], *, again: bool) -> Raw:
    """A small bitext is kept in memory; a large one is read again in each pass.

    again: whether it can be read more than once, which a pipe cannot.
    """
    chunks: list[Chunk] = []
    size = 0
    for chunk in read():
        chunks.append(chunk)
        size += sum(len(text or "") + 1 for side in chunk for text in side)
        if again and size > LARGE_BYTES:
            return RawStream(read)
    return RawBitext.of(chunks)


def _check_texts(source: Path, target: Path) -> None:
    """Reject two files that cannot be a text and its translation, line by line."""
    if source.samefile(target):
        raise DataError(f"{source} and {target} are the same file: name a text and its translation")
    for path in (source, target):
        suffix = plain_name(path).suffix.lower()
        if suffix in UNREAD:
            raise DataError(f"{path} is {UNREAD[suffix]}")
        if suffix in READERS and suffix != ".txt":
            raise DataError(
                f"{path}: two files must be aligned texts, one sentence per line, but a '{suffix}' "
                "file holds pairs: name it alone, and join several into one"
            )
        if path.is_file():
            first = list(islice(chain.from_iterable(lines(path)), PEEKED))
            if len(first) > 1 and all(TAB in line for line in first):
                raise DataError(
                    f"{path}: every line contains a tab, so this is a table, not one sentence per "
                    "line; extract the column of the text, or name it alone as a .tsv of pairs"
                )


def _aligned(source: Path, target: Path) -> Iterator[Chunk]:
    """The pairs of two aligned texts."""
    sides = (lines(source), lines(target))
    rests: list[list[str]] = [[], []]  # lines of each side that are read but have no partner yet
    pairs = 0
    while True:
        rests = [rest or next(side, []) for rest, side in zip(rests, sides, strict=True)]
        count = min(map(len, rests))
        if not count:
            break
        yield [list[str | None](rest[:count]) for rest in rests]
        pairs += count
        rests = [rest[count:] for rest in rests]
    if any(rests):
        counts = [
            pairs + len(rest) + sum(map(len, side)) for rest, side in zip(rests, sides, strict=True)
        ]
        raise DataError(
            f"{source} has {counts[0]:,} lines and {target} has {counts[1]:,}: aligned files have "
            "one translation per line; look for missing or doubled line ends"
        )


def _refuse_pipe(path: Path) -> None:
    refuse_missing(path)
    if not path.is_file():
        raise DataError(
            f"{path} is not an ordinary file, but must be read more than once: save it as one"
        )


def _reader(path: Path) -> Reader:
    _refuse_pipe(path)
    suffix = plain_name(path).suffix.lower()
    if suffix in UNREAD:
        raise DataError(f"{path}: cannot read a '{suffix}' file, which is {UNREAD[suffix]}")
    if suffix not in READERS:
        raise DataError(
            f"{path}: cannot read a '{suffix}' file; give pairs as .tsv, .txt, .csv, .jsonl, "
            ".json, .tmx or .parquet, and two aligned texts as a list of two files"
        )
    return READERS[suffix]


def _tabs(path: Path, config: DataConfig) -> Iterator[Chunk]:
    return read_table(path, config, separators=[TAB], rows=CSV_ROWS)


def _csv(path: Path, config: DataConfig) -> Iterator[Chunk]:
    return read_table(path, config, separators=SEPARATORS, rows=CSV_ROWS)


def _tmx(path: Path, config: DataConfig) -> Iterator[Chunk]:
    return read_tmx(path, (config.source, config.target))


def _json(path: Path, config: DataConfig) -> Iterator[Chunk]:
    """JSON lines, or one of the containers that `read_objects` reads."""
    choose = _chooser(path, config)
    entries = _entries(path) if _is_lines(path, choose) else read_objects(path)
    columns: tuple[str, str] | None = None
    pairs: tuple[Column, Column] = ([], [])
    for number, entry in entries:
        columns = columns or choose(list(_text_keys(entry, "")))
        for side, column in zip(pairs, columns, strict=True):
            side.append(_value(entry, column, path, number))
        if len(pairs[0]) == CSV_ROWS:
            yield pairs
            pairs = ([], [])
    yield pairs


def _is_lines(path: Path, choose: Choose) -> bool:
    """Whether the file is JSON lines: its first line is an object, and not a container of rows."""
    start = ""
    for piece in pieces(path):
        start = (start + piece).lstrip()
        if "\n" in start or len(start) > FIRST_LINE:
            break
    line, _, rest = start.partition("\n")
    if not start.startswith("{"):
        return not start.startswith("[")
    try:
        entry = parse_json(line)
    except ValueError:
        return bool(line.rstrip(" \r")[1:].strip()) and rest.lstrip().startswith("{")
    try:
        choose(list(_text_keys(entry, "")))
    except DataError:
        inner = [value for value in entry.values() if isinstance(value, list | dict)]
        return not any(isinstance(value, list) for value in inner) and len(inner) < 2
    return True


def _entries(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSON lines file."""
    for number, line in enumerate(chain.from_iterable(lines(path)), start=1):
        if not is_blank(line):
            yield number, _entry(line, path, number)


def _entry(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        entry = parse_json(line)
    except ValueError as error:
        raise DataError(f"{path}:{number}: not JSON ({error})") from None
    if not isinstance(entry, dict):
        raise DataError(f'{path}:{number}: not a JSON object such as {{"en": "...", "fr": "..."}}')
    return entry


def _text_keys(entry: dict[str, Any], prefix: str) -> Iterator[str]:
    """The dotted names of values that may be text; only the first MOST_KEYS keys are searched."""
    todo = [(prefix, entry)]
    left = MOST_KEYS
    while todo:
        prefix, part = todo.pop()
        for key, value in part.items():
            left -= 1
            if not left:
                return
            if isinstance(value, dict) and prefix.count(".") < DEEPEST:
                todo.append((f"{prefix}{key}.", value))
            elif value is None or isinstance(value, str):
                yield f"{prefix}{key}"


def _value(entry: dict[str, Any], column: str, path: Path, number: int) -> str | None:
    value: Any = entry
    for key in [column] if column in entry else column.split("."):
        if value is None:
            return None
        if not isinstance(value, dict) or key not in value:
            raise DataError(f"{path}:{number}: this object lacks '{column}', which others have")
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
            f"{path}: not a Parquet file, or cut short ({reason}); copy it again"
        ) from None


def _chooser(path: Path, config: DataConfig) -> Choose:
    def choose(columns: Iterable[str]) -> tuple[str, str]:
        named = named_columns(config)
        try:
            return find_pair(list(columns), (config.source, config.target), named=named)
        except DataError as error:
            raise DataError(f"{path}: {error}") from None

    return choose


READERS: dict[str, Reader] = {
    ".tsv": _tabs, ".tab": _tabs, ".txt": _tabs, ".csv": _csv, ".jsonl": _json, ".ndjson": _json,
    ".json": _json, ".tmx": _tmx, ".parquet": _parquet,
}  # fmt: skip
