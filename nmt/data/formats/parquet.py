"""Read two columns of a Parquet file, from the disk or from the hub.

Multi30k on the hub has 10.5 GB of pictures and 4 MB of text. A Parquet file ends with a table of
contents for the pieces of each column. We fetch that table and then only the pieces that we need,
with HTTP range requests: neighbouring pieces in one request, several requests at a time.
"""

import io
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

TAIL_BYTES = 64 * 1024
NEAR_BYTES = 64 * 1024  # a gap this small costs less than another request
REQUEST_BYTES = 8 * 1024 * 1024
WINDOW_BYTES = 64 * 1024 * 1024
PARALLEL_REQUESTS = 6
ROWS = 20_000  # per chunk, and per row group that is written
HARMLESS_ROWS, ROWS_A_BYTE = 1_000_000, 100  # above both, a file is not text but a bomb
HARMLESS_BYTES, UNPACKED_A_BYTE = 256 * 2**20, 200
MOST_COLUMNS = 10_000
DEEPEST = 32  # levels of nested structs
Column = list[str | None]


class BrokenParquet(Exception):
    """The file is not Parquet, or it is truncated."""


Range = tuple[int, int]  # half-open: (start, stop)


class RemoteFile(io.RawIOBase):
    """A remote file of which only the requested ranges are fetched and kept.

    `fetch(start, stop)` downloads the bytes of a range.
    """

    def __init__(self, fetch: Callable[[int, int], bytes], size: int) -> None:
        self._fetch = fetch
        self._position = 0
        self._pieces: dict[int, bytes] = {}
        self._starts: list[int] = []
        self.size = size
        self.fetched = 0  # bytes downloaded so far

    def want(self, ranges: Iterable[Range]) -> None:
        """Fetch the missing ranges: close ones together, several requests at a time."""
        merged = [self._cut(*r) for r in _merged(sorted(ranges)) if not self._held(*r)]
        steps = [list(_steps(*span)) for span in merged]
        with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
            answers = pool.map(lambda step: self._fetch(*step), chain.from_iterable(steps))
            for (start, stop), parts in zip(merged, steps, strict=True):
                data = b"".join(islice(answers, len(parts)))
                if len(data) != stop - start:
                    raise BrokenParquet(f"received {len(data)} bytes instead of {stop - start}")
                self._pieces[start] = data + self._pieces.pop(stop, b"")
                self.fetched += len(data)
        self._starts = sorted(self._pieces)

    def forget(self) -> None:
        """Drop everything that was fetched, to free its memory."""
        self._pieces, self._starts = {}, []

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = base + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        start = self._position
        stop = self.size if size is None or size < 0 else min(start + size, self.size)
        if stop <= start:
            return b""
        if not self._held(start, stop):
            self.want([(start, stop)])
        begin = self._piece_at(start)
        self._position = stop
        return self._pieces[begin][start - begin : stop - begin]

    def _piece_at(self, position: int) -> int:
        place = bisect_right(self._starts, position) - 1
        return self._starts[place] if place >= 0 else -1

    def _cut(self, start: int, stop: int) -> Range:
        """The range without its end if that has been fetched already, such as the file's tail."""
        begin = self._piece_at(stop - 1)
        return (start, begin) if start < begin and self._held(begin, stop) else (start, stop)

    def _held(self, start: int, stop: int) -> bool:
        begin = self._piece_at(start)
        return begin >= 0 and stop <= begin + len(self._pieces[begin])


def remote_table(
    fetch: Callable[[int, int], bytes], size: int
) -> tuple[pq.ParquetFile, RemoteFile]:
    """Open a remote file by fetching only its tail.

    Raises:
        BrokenParquet: the file does not end like a Parquet file.
    """
    file = RemoteFile(fetch, size)
    file.want([(max(0, size - TAIL_BYTES), size)])
    return _open(file, size), file


def local_table(path: Path) -> pq.ParquetFile:
    """Open a file on the disk.

    Raises:
        BrokenParquet: it is not Parquet, or it is truncated.
    """
    return _open(path, path.stat().st_size)


def text_columns(table: pq.ParquetFile) -> list[str]:
    """The columns of text; nested ones are written `translation.en`."""
    return list(islice(text_fields(table.schema_arrow), MOST_COLUMNS))


def read_columns(
    table: pq.ParquetFile, columns: Sequence[str], remote: RemoteFile | None = None
) -> Iterator[list[Column]]:
    """The values of the columns, chunk by chunk; a null struct gives None."""
    try:
        for groups, ranges in _parts(table, columns, remote):
            if remote is not None:
                remote.want(ranges)
            for group in groups:
                for rows in table.iter_batches(
                    ROWS, row_groups=[group], columns=list(columns), use_threads=False
                ):
                    yield values(rows, columns)
            if remote is not None:
                remote.forget()
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise BrokenParquet(_one_line(error)) from error


def values(rows: Any, columns: Sequence[str]) -> list[Column]:
    """The columns of an Arrow table as lists."""
    return [_leaf(rows, column).to_pylist() for column in columns]


def write_pairs(path: Path, batches: Iterable[Sequence[Column]]) -> int:
    """Write (sources, targets) batches into a Parquet file; returns the number of rows."""
    schema = pa.schema([("source", pa.string()), ("target", pa.string())])
    rows = 0
    with pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True) as writer:
        for batch in batches:
            writer.write_table(pa.table(list(batch), schema=schema), row_group_size=ROWS)
            rows += len(batch[0])
    return rows


def _open(where: Any, size: int) -> pq.ParquetFile:
    try:
        table = pq.ParquetFile(where, pre_buffer=False, page_checksum_verification=True)
        _check_proportions(table.metadata, size)
        return table
    except (pa.ArrowException, UnicodeDecodeError, RecursionError) as error:
        raise BrokenParquet(_one_line(error)) from error


def _check_proportions(metadata: Any, size: int) -> None:
    """Reject a small file that claims far more content than compressed text could have."""
    if metadata.num_rows > max(HARMLESS_ROWS, ROWS_A_BYTE * size):
        raise BrokenParquet(f"it claims {metadata.num_rows:,} rows in {size:,} bytes")
    if metadata.num_columns > MOST_COLUMNS:
        raise BrokenParquet(f"it has {metadata.num_columns:,} columns")
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        if group.total_byte_size > max(HARMLESS_BYTES, UNPACKED_A_BYTE * size):
            raise BrokenParquet(
                f"it claims {group.total_byte_size:,} bytes in a row group, but has {size:,} bytes"
            )


def _parts(
    table: pq.ParquetFile, columns: Sequence[str], remote: RemoteFile | None
) -> Iterable[tuple[list[int], list[Range]]]:
    """Row groups to read together, and their byte ranges if the file is remote.

    For a local file we read no more of the metadata than the number of row groups: Arrow aborts
    the whole process on some damaged descriptions of columns.
    """
    if remote is not None:
        return _windows(table.metadata, columns)
    return (([group], []) for group in range(table.num_row_groups))


def _windows(metadata: Any, columns: Sequence[str]) -> Iterator[tuple[list[int], list[Range]]]:
    """Row groups to read together, about WINDOW_BYTES at a time, and their byte ranges."""
    groups: list[int] = []
    ranges: list[Range] = []
    for number in range(metadata.num_row_groups):
        groups.append(number)
        ranges.extend(_chunks(metadata.row_group(number), columns))
        if sum(stop - start for start, stop in ranges) > WINDOW_BYTES:
            yield groups, ranges
            groups, ranges = [], []
    if groups:
        yield groups, ranges


def _chunks(group: Any, columns: Sequence[str]) -> Iterator[Range]:
    """The byte ranges of the columns in one row group."""
    for place in range(group.num_columns):
        chunk = group.column(place)
        if any(_inside(chunk.path_in_schema, column) for column in columns):
            start = chunk.data_page_offset
            if chunk.has_dictionary_page and chunk.dictionary_page_offset:
                start = min(start, chunk.dictionary_page_offset)
            yield start, start + chunk.total_compressed_size


def _inside(path: str, column: str) -> bool:
    return path == column or path.startswith(f"{column}.")


def _merged(ranges: Iterable[Range]) -> Iterator[Range]:
    """Join ranges that are close to each other, so that they take one request."""
    start, stop = -1, -1
    for first, last in ranges:
        if start >= 0 and first - stop <= NEAR_BYTES:
            stop = max(stop, last)
            continue
        if start >= 0:
            yield start, stop
        start, stop = first, last
    if start >= 0:
        yield start, stop


def _steps(start: int, stop: int) -> Iterator[Range]:
    """Split a long range into several requests."""
    for begin in range(start, stop, REQUEST_BYTES):
        yield begin, min(begin + REQUEST_BYTES, stop)


def text_fields(schema: Iterable[Any], prefix: str = "", depth: int = 0) -> Iterator[str]:
    """The dotted names of all text fields in an Arrow schema, at most DEEPEST structs deep."""
    for entry in schema:
        if pa.types.is_struct(entry.type) and depth < DEEPEST:
            inner = (entry.type.field(place) for place in range(entry.type.num_fields))
            yield from text_fields(inner, f"{prefix}{entry.name}.", depth + 1)
        elif _is_text(entry.type):
            yield f"{prefix}{entry.name}"


def _is_text(kind: Any) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _leaf(rows: Any, column: str) -> Any:
    """The column with a dotted name: `text.en` is a field of a struct or the name of a column."""
    if column in rows.column_names:
        return rows[column]
    name, *path = column.split(".")
    while name not in rows.column_names:
        name, path = f"{name}.{path[0]}", path[1:]
    values = rows[name]
    for step in path:
        values = pc.struct_field(values, step)
    return values


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
