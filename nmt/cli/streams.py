"""The standard streams: one that is closed, full or abandoned never causes a traceback."""

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
    """The reader of standard output has closed it."""


class _Output(io.TextIOWrapper):
    """Standard output, in UTF-8 whatever the locale because it carries data.

    Raises:
        WriteError: the disk is full, the terminal hung up, or the stream is closed.
        ReaderLeft: the reader has closed the pipe.
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
    """Why the system refused, as text."""
    if error.errno == errno.EBADF:
        return "it is closed"
    return error.strerror or str(error) or type(error).__name__


def _discard(stream: io.TextIOWrapper) -> None:
    """Redirect the stream to the null device, so that flushing its buffer cannot fail again."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


@contextmanager
def standard_streams() -> Iterator[None]:
    """Make the three streams usable while the block runs; then flush and restore them.

    Raises:
        WriteError, ReaderLeft: as `_Output` does.
    """
    before = sys.stdin, sys.stdout, sys.stderr
    _reserve()
    given, output = sys.stdout, None  # `given` is kept alive: its finaliser closes the buffer
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
    if isinstance(buffer, io.RawIOBase):  # unbuffered: it may write only part of a text
        buffer = io.BufferedWriter(buffer)
    return _Output(
        buffer,
        encoding="utf-8",
        errors=_any_character(),
        newline="\n",
        line_buffering=stream.line_buffering or buffer is not stream.buffer,
    )


def _hand_back(output: _Output) -> None:
    """Detach the buffer, which belongs to the original stream."""
    with suppress(WriteError, ReaderLeft, ValueError, OSError):
        buffer: Any = output.detach()
        if hasattr(buffer, "raw") and sys.stdout is not None and buffer.raw is sys.stdout.buffer:
            buffer.detach()


def _any_character() -> str:
    """The name of an error handler with which every character can be written.

    File names that are not UTF-8 are written as their original bytes; other lone surrogates,
    which have no bytes, as escapes.
    """
    codecs.register_error("nmt.any", _written)
    return "nmt.any"


def _written(error: UnicodeError) -> tuple[str | bytes, int]:
    assert isinstance(error, UnicodeEncodeError)
    characters = error.object[error.start : error.end]
    try:
        return characters.encode("utf-8", "surrogateescape"), error.end
    except UnicodeEncodeError:
        return characters.encode("ascii", "backslashreplace"), error.end


def _reserve() -> None:
    """Occupy the descriptors of closed streams, so that no file opened later gets one of them.

    Reading standard input or writing standard output then fails as it should; messages to
    standard error are dropped.
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
        null = os.open(os.devnull, flags)
        if null != descriptor:
            os.dup2(null, descriptor)
            os.close(null)
    raw = io.FileIO(descriptor, mode, closefd=False)
    buffer = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
    return io.TextIOWrapper(buffer, encoding="utf-8", errors="backslashreplace")


def write_stderr(text: str, *, end: str = "\n") -> None:
    """Write to standard error, or nowhere if that is closed or full: it must end no command."""
    with suppress(OSError, ValueError):
        encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
        sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding) + end)
        sys.stderr.flush()


def write_stdout(value: object = "", *, end: str = "\n") -> None:
    """Write a line to standard output at once."""
    sys.stdout.write(f"{value}{end}")
    sys.stdout.flush()


_UNPRINTABLE = (
    *range(0x7F, 0xA0),
    *(0x061C, 0x200E, 0x200F),  # direction marks
    *range(0x2028, 0x202F),  # line and paragraph separators, direction overrides
    *range(0x2066, 0x206A),  # direction isolates
    *range(0xD800, 0xE000),  # surrogates
)
_ESCAPED = {code: f"\\u{code:04x}" for code in _UNPRINTABLE}


def say_json(value: Any, *, indent: int | None = None) -> None:
    """Write a value as JSON that is safe on a terminal: unprintable characters are escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    write_stdout(text.translate(_ESCAPED))
