r"""Text files read block by block, so that a file may be larger than the memory.

Lines end with "\n" and nothing else (a "\r" before it belongs to the line end): Unicode's other
separators occur inside sentences, and counting them as ends would shift one side against the
other.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nmt.errors import DataError

BLOCK = 1 << 21  # bytes read at once


def lines(path: Path) -> Iterator[list[str]]:
    """The lines of a file, some thousands at a time.

    Raises:
        DataError: it is missing, unreadable or no UTF-8; with the line where it is not.
    """
    for block in blocks(path):
        found = block.split("\n")
        if found[-1] == "":
            found.pop()  # the end of the last line, not another one
        yield [line.removesuffix("\r") for line in found] if "\r" in block else found


def blocks(path: Path) -> Iterator[str]:
    """The text of a file, cut behind line ends.

    Raises:
        DataError: as `lines`.
    """
    refuse_missing(path)
    line, start = 1, b""
    try:
        with path.open("rb") as file:
            for data in _whole_lines(file):
                start = start or data[:2]
                if text := _decoded(path, data, line, start):  # a byte-order mark alone is none
                    yield text
                line += data.count(b"\n")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None


def refuse_missing(path: Path) -> None:
    """Raise DataError where there is no file."""
    if path.is_dir():
        raise DataError(f"{path} is a folder; data.files names files")
    if not path.exists():
        raise DataError(f"no file {path} (looked in {Path.cwd()}); correct data.files")


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    parts: list[bytes] = []
    while data := file.read(BLOCK):
        end = data.rfind(b"\n") + 1
        if end:
            yield b"".join([*parts, data[:end]])
            parts.clear()
        parts.append(data[end:])
    if rest := b"".join(parts):
        yield rest


def _decoded(path: Path, data: bytes, line: int, start: bytes) -> str:
    try:
        return data.decode("utf-8-sig" if line == 1 else "utf-8")
    except UnicodeDecodeError as error:
        line += error.object.count(b"\n", 0, error.start)
        hint = "; it looks like UTF-16" if start in (b"\xff\xfe", b"\xfe\xff") else ""
        raise DataError(
            f"{path}:{line}: no valid UTF-8 (byte 0x{error.object[error.start]:02x}){hint}; "
            "save the file as UTF-8"
        ) from None
