"""The standard streams of a command: closed, full or abandoned, they end it in one line."""

import codecs
import errno
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from nmt.errors import WriteError

OUTPUT = "standard output"


class ReaderLeft(Exception):  # noqa: N818  # this is not an error: `nmt ... | head` has what it wants
    """Whoever read standard output has closed it."""


class _Output(io.TextIOWrapper):
    """Standard output in UTF-8, whatever the locale: it is data.

    Raises:
        WriteError: the disk is full, the terminal hung up, or the stream is closed.
        ReaderLeft: nobody reads any more.
    """

    def write(self, text: str, /) -> int:
        with _failing(self):
            return super().write(text)

    def flush(self) -> None:
        with _failing(self):
            super().flush()


@contextmanager
def _failing(stream: io.TextIOWrapper) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        _discard(stream)
        if error.errno in (errno.EPIPE, errno.ESHUTDOWN, errno.ECONNRESET):
            raise ReaderLeft from None
        raise WriteError(f"cannot write {OUTPUT}: {reason(error)}") from error


def reason(error: OSError) -> str:
    """Why the system refused, in words."""
    if error.errno == errno.EBADF:
        return "it is closed"
    return error.strerror or str(error) or type(error).__name__


def _discard(stream: io.TextIOWrapper) -> None:
    """Lead what is still buffered into the void, so that no later flush fails again."""
    with suppress(OSError, ValueError):
        void = os.open(os.devnull, os.O_WRONLY)
        os.dup2(void, stream.fileno())
        os.close(void)


@contextmanager
def standard_streams() -> Iterator[None]:
    """The three streams made fit for use, in place while the block runs; then flushed.

    Raises:
        WriteError, ReaderLeft: as `_Output`.
    """
    before = sys.stdin, sys.stdout, sys.stderr
    _reserve()
    given, output = sys.stdout, None  # given: whose end would close the buffer
    if isinstance(given, io.TextIOWrapper) and not isinstance(given, _Output):
        output = _taken_over(given)
        sys.stdout = output
    try:
        yield
        if sys.stdout is not None:
            sys.stdout.flush()
    finally:
        sys.stdin, sys.stdout, sys.stderr = before
        if output is not None:
            _hand_back(output)


def _taken_over(stream: io.TextIOWrapper) -> _Output:
    stream.flush()
    buffer: Any = stream.buffer
    if isinstance(buffer, io.RawIOBase):  # unbuffered, which may write a part of a text alone
        buffer = io.BufferedWriter(buffer)
    return _Output(
        buffer,
        encoding="utf-8",
        errors=_any_character(),
        newline="\n",
        line_buffering=stream.line_buffering or buffer is not stream.buffer,
    )


def _hand_back(output: _Output) -> None:
    """Let go of the buffer, which belongs to the stream that was there before."""
    with suppress(WriteError, ReaderLeft, ValueError, OSError):
        buffer: Any = output.detach()
        if hasattr(buffer, "raw") and sys.stdout is not None and buffer.raw is sys.stdout.buffer:
            buffer.detach()


def _any_character() -> str:
    """A handler of errors for which every character can be written.

    Names of files that are not UTF-8 come out as the bytes that they are; other halves of
    surrogate pairs, which have no bytes, as escapes.
    """
    codecs.register_error("nmt.any", _written)
    return "nmt.any"


def _written(error: UnicodeError) -> tuple[str | bytes, int]:
    assert isinstance(error, UnicodeEncodeError)
    found = error.object[error.start : error.end]
    try:
        return found.encode("utf-8", "surrogateescape"), error.end
    except UnicodeEncodeError:
        return found.encode("ascii", "backslashreplace"), error.end


def _reserve() -> None:
    """Give closed streams a place, lest the next file that is opened be taken for one of them.

    Reading the one, or writing the other, then fails as it should; talk is dropped.
    """
    if sys.stdin is None:
        sys.stdin = _closed(0, os.O_WRONLY, "r")
    if sys.stdout is None:
        sys.stdout = _closed(1, os.O_RDONLY, "w")
    if sys.stderr is None:
        sys.stderr = _closed(2, os.O_WRONLY, "w")


def _closed(descriptor: int, flags: int, mode: str) -> TextIO:
    try:
        os.fstat(descriptor)
    except OSError:
        place = os.open(os.devnull, flags)
        if place != descriptor:
            os.dup2(place, descriptor)
            os.close(place)
    raw = io.FileIO(descriptor, mode, closefd=False)
    buffer = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
    return io.TextIOWrapper(buffer, encoding="utf-8", errors="backslashreplace")


def talk(text: str, *, end: str = "\n") -> None:
    """Write to standard error, or nowhere if that is closed or full: talk ends no command."""
    with suppress(OSError, ValueError):
        encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
        sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding) + end)
        sys.stderr.flush()


def say(value: object = "", *, end: str = "\n") -> None:
    """Write a line to standard output at once."""
    sys.stdout.write(f"{value}{end}")
    sys.stdout.flush()


_UNPRINTABLE = (
    *range(0x7F, 0xA0),
    *(0x061C, 0x200E, 0x200F),  # marks of the direction
    *range(0x2028, 0x202F),  # ends of lines and of paragraphs, turns of the direction
    *range(0x2066, 0x206A),
    *range(0xD800, 0xE000),
)
_ESCAPED = {code: f"\\u{code:04x}" for code in _UNPRINTABLE}


def say_json(value: Any, *, indent: int | None = None) -> None:
    """Write a value as JSON that is safe on a terminal: what would not print is escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    say(text.translate(_ESCAPED))
