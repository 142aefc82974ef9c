"""Open files by their content: decompress those that are compressed, reject foreign formats.

The first bytes of a file decide what it is, not its name. A small file that unpacks to a huge one
is rejected before it fills the memory.
"""

import bz2
import gzip
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO

from nmt.errors import DataError

HEAD = 512  # bytes by which a format is recognised
COMPRESSED = {".gz", ".bz2", ".xz", ".zst", ".zip"}
BOMB_BYTES = 64 * 2**20  # a file that unpacks to less is harmless
BOMB_RATIO = 200  # text is compressed about tenfold, hardly ever a hundredfold
LZMA_MEMORY = 256 * 2**20
FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"PAR1", "a Parquet file; rename it to .parquet"),
    (b"ARROW1", "an Arrow file; convert it to Parquet, JSON lines or CSV"),
    (b"%PDF", "a PDF; extract its text"),
    (b"SQLite format 3", "a database; export the two columns as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Office document; save it as CSV in UTF-8"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it and name the file in it"),
    (b"Rar!", "a RAR archive; unpack it and name the file in it"),
    (b"version https://git-lfs.github.com", "a Git LFS pointer, not the file; fetch that with "
     "`git lfs pull`"),
)  # fmt: skip
OFFICE = {"xl/": "a spreadsheet; save it as CSV in UTF-8",
          "word/": "a document; save it as text in UTF-8",
          "content.xml": "an OpenDocument file; save it as CSV or text in UTF-8"}  # fmt: skip


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked if it is compressed (gzip, bzip2, xz, zstd, zip of one file).

    Raises:
        DataError: it is damaged, unpacks to far too much, or is in another container format.
        OSError: it cannot be opened.
    """
    with path.open("rb") as file:
        head = file.peek(HEAD)[:HEAD]
        with _errors_as_data_error(path), _unpacked(path, file, head) as content:
            yield content


@contextmanager
def _errors_as_data_error(path: Path) -> Iterator[None]:
    """Turn the errors of the decompression libraries into a one-line DataError.

    Raises:
        DataError: as `opened`.
    """
    try:
        yield
    except (NotImplementedError, RuntimeError) as error:  # zip: an unsupported method or version
        raise DataError(f"{path}: {error}; unpack it and name the file in it") from None
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, struct.error) as error:
        raise damaged(path, error) from None


def damaged(path: Path, error: Exception) -> DataError:
    """The error for a compressed file that is damaged or truncated."""
    reason = " ".join(str(error).split()).rstrip(".")
    return DataError(
        f"{path}: the compressed file is damaged or cut short ({reason}); copy it again"
    )


def plain_name(path: Path) -> PurePosixPath:
    """The name without the compression: `pairs.tsv` for `pairs.tsv.gz`, or the file in a zip.

    Raises:
        DataError: a zip holds several files, or is an office document.
    """
    if path.suffix.lower() not in COMPRESSED:
        return PurePosixPath(path.name)
    if path.suffix.lower() == ".zip" and zipfile.is_zipfile(path):
        with _errors_as_data_error(path), zipfile.ZipFile(path) as archive:
            return PurePosixPath(_only_member(path, archive).filename)
    return PurePosixPath(path.stem)


def refuse_foreign(path: Path, head: bytes) -> None:
    """Raise DataError if the first bytes of a file are those of a format other than text."""
    for start, what in FOREIGN:
        if head.startswith(start):
            raise DataError(f"{path} is {what}")
    if head[257:262] == b"ustar":
        raise DataError(f"{path} is a tar archive; unpack it and name the file in it")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:14].lower().startswith((b"<!doctype html", b"<html")):
        raise DataError(f"{path} is a web page, not the file that it may link to; download that")


def _kind(head: bytes) -> str | None:
    kinds = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz",
             b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}  # fmt: skip
    return next((kind for magic, kind in kinds.items() if head.startswith(magic)), None)


@contextmanager
def _unpacked(path: Path, file: Any, head: bytes) -> Iterator[BinaryIO]:
    kind = _kind(head)
    if kind is None:
        yield file
        return
    size = path.stat().st_size
    if kind == "zip":
        if not file.seekable():
            raise DataError(f"{path} is a zip archive, which cannot be read from a pipe")
        with zipfile.ZipFile(file) as archive:
            member = _only_member(path, archive)
            if member.flag_bits & 1:
                raise DataError(f"{path} is a zip archive with a password; unpack it")
            with archive.open(member) as inside:
                yield _Bounded(path, inside, size)  # type: ignore[misc]
        return
    with _OPENERS[kind](file) as content:
        yield _Bounded(path, content, size)  # type: ignore[misc]


def _zstd(file: IO[bytes]) -> Any:
    import pyarrow as pa

    return pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")


_OPENERS: dict[str, Callable[[IO[bytes]], Any]] = {
    "gzip": lambda file: gzip.GzipFile(fileobj=file),
    "bzip2": bz2.BZ2File,
    "xz": lambda file: _Xz(file),
    "zstd": _zstd,
}


def _only_member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [member for member in archive.infolist() if not member.is_dir()]
    for start, what in OFFICE.items():
        if any(member.filename.startswith(start) for member in members):
            raise DataError(f"{path} is {what}")
    members = [m for m in members if not m.filename.startswith("__MACOSX/")]
    if len(members) != 1:
        names = ", ".join(ascii(member.filename)[1:-1][:60] for member in members[:8])
        raise DataError(
            f"{path} holds {len(members)} files ({names}); unpack it and name the one with the text"
        )
    return members[0]


class _Xz:
    """An xz file read with at most LZMA_MEMORY, whatever its header asks for."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder = self._fresh()
        self._begun = False

    def __enter__(self) -> "_Xz":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close: the file belongs to the caller."""

    @staticmethod
    def _fresh() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=LZMA_MEMORY)

    def read(self, size: int) -> bytes:
        while True:
            data = b""
            if self._decoder.eof:  # concatenated files are one text
                data = self._decoder.unused_data.lstrip(b"\0") or self._file.read(size)
                if not data:
                    return b""
                self._decoder = self._fresh()
            elif self._decoder.needs_input:
                data = self._file.read(size)
                if not data:
                    raise EOFError("its end is missing")
            if unpacked := self._decoder.decompress(data, max_length=size):
                return unpacked


class _Bounded:
    """The decompressed content of a file; refuses to yield far more than text would."""

    def __init__(self, path: Path, file: Any, packed: int) -> None:
        self._path, self._file = path, file
        self._most = max(BOMB_BYTES, BOMB_RATIO * packed)
        self._packed, self._read = packed, 0

    def read(self, size: int) -> bytes:
        """`size` bytes, or fewer at the end."""
        parts: list[bytes] = []
        left = size
        while left and (part := self._part(left)):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def _part(self, size: int) -> bytes:
        try:
            data: bytes = self._file.read(size)
        except OSError as error:  # from the decompression library, not the disk
            raise damaged(self._path, error) from None
        self._read += len(data)
        if self._read > self._most:
            raise DataError(
                f"{self._path} has {self._packed:,} bytes and unpacks to more than {self._most:,}, "
                "which no text does; if you trust it, unpack it and name the unpacked file"
            )
        return data
