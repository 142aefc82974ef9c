r"""Read text files block by block, so that a file may be larger than memory.

Only "\n" ends a line (a "\r" before it belongs to the line end). Unicode's other separators occur
inside sentences; if they ended lines, the two sides of a corpus would no longer be aligned. A file
without any "\n" is assumed to have the line ends of old Macs, "\r".
"""

import codecs
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from nmt.data.formats.opening import HEAD, opened, refuse_foreign
from nmt.errors import DataError

BLOCK = 1 << 21  # bytes read at once
LONGEST_LINE = 1 << 24  # bytes: no sentence is that long, and a file without line ends is not text
SETTLED = 1 << 16  # bytes without a line feed after which we assume other line ends
MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # UTF-32's contain the same bytes


def lines(path: Path) -> Iterator[list[str]]:
    """The lines of a file, some thousands at a time.

    Raises:
        DataError: the file is missing, unreadable or not UTF-8; the message names the line.
    """
    for block in blocks(path):
        texts = block.split("\n")
        if texts[-1] == "":
            texts.pop()  # the end of the last line, not one more line
        yield [line.removesuffix("\r") for line in texts] if "\r" in block else texts


def blocks(path: Path) -> Iterator[str]:
    """The text of a file in blocks that end at line ends.

    Raises:
        DataError: as `lines`.
    """
    line, start = 1, b""
    for data in _whole_lines(path):
        start = start or data[:2]
        if text := _decoded(path, data, line, start):  # empty if only a byte-order mark
            yield text
        line += data.count(b"\n")


def pieces(path: Path) -> Iterator[str]:
    """The text of a file, cut anywhere, for formats in which lines have no meaning.

    Raises:
        DataError: as `lines`, without the line.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    start = b""
    try:
        for data in _data(path):
            start = start or data[:2]
            yield decoder.decode(data)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise _no_utf8(path, error, start) from None


def refuse_missing(path: Path) -> None:
    """Raise DataError if there is no such file."""
    if path.is_dir():
        raise DataError(f"{path} is a folder; data.files names files")
    if not path.exists():
        raise DataError(f"no file {path} (looked in {Path.cwd()}); correct data.files")


def _data(path: Path) -> Iterator[bytes]:
    """The bytes of a text file, unpacked."""
    refuse_missing(path)
    try:
        with opened(path) as file:
            data = file.read(BLOCK)
            _refuse_binary(path, data)
            while data:
                yield data
                data = file.read(BLOCK)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None


def _refuse_binary(path: Path, data: bytes) -> None:
    refuse_foreign(path, data[:HEAD])
    if data.count(b"\0") * 4 > len(data) and not data.startswith(MARKS):
        raise DataError(
            f"{path} is not UTF-8 text: it is full of NUL bytes, as UTF-16 is; save it as UTF-8"
        )


def _whole_lines(path: Path) -> Iterator[bytes]:
    parts: list[bytes] = []
    size, line = 0, 1
    for data in _with_line_feeds(path):
        end = data.rfind(b"\n") + 1
        if end:
            whole = b"".join([*parts, data[:end]])
            yield whole
            line += whole.count(b"\n")
            parts, size = [], 0
        parts.append(data[end:])
        size += len(data) - end
        if size > LONGEST_LINE:
            raise DataError(
                f"{path}:{line}: a line of more than {LONGEST_LINE:,} bytes; a text needs one "
                "sentence per line"
            )
    if rest := b"".join(parts):
        yield rest


def _with_line_feeds(path: Path) -> Iterator[bytes]:
    """The bytes of a text, with the line ends of old Macs converted to line feeds."""
    source = _data(path)
    start = b""
    for data in source:
        start += data
        if b"\n" in start or len(start) > SETTLED:
            break
    if b"\n" in start or b"\r" not in start[:-1]:
        yield from chain([start], source)
        return
    for data in chain([start], source):
        if b"\n" in data:
            raise DataError(
                f"{path}: its lines end with carriage returns, later with line feeds; "
                "convert it to line feeds"
            )
        yield data.replace(b"\r", b"\n")


def _decoded(path: Path, data: bytes, line: int, start: bytes) -> str:
    try:
        return data.decode("utf-8-sig" if line == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise _no_utf8(path, error, start, line) from None


def _no_utf8(
    path: Path, error: UnicodeDecodeError, start: bytes, line: int | None = None
) -> DataError:
    if line is not None:
        line += error.object.count(b"\n", 0, error.start)
    place = "" if line is None else f":{line}"
    hint = "; it looks like UTF-16" if start in MARKS else ""
    return DataError(
        f"{path}{place}: not valid UTF-8 (byte 0x{error.object[error.start]:02x}){hint}; "
        "save the file as UTF-8"
    )
