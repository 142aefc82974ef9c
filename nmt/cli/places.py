"""Where commands read and write: files, and the standard streams that `-` stands for."""

import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from nmt.cli.streams import write_stderr
from nmt.errors import NmtError, UsageError, WriteError
from nmt.files import descriptor_of, replacing

DASH = Path("-")
STDIN, STDOUT = 0, 1
Identity = tuple[int, int] | str
CHUNK = 1 << 16  # bytes


def is_stream(path: Path | None, descriptor: int) -> bool:
    """Whether a path, or None, stands for standard input (0) or output (1)."""
    return path is None or path == DASH or descriptor_of(path) == descriptor


def named(path: Path, descriptor: int) -> Path:
    """A path that can be opened: `-` becomes standard input (0) or output (1)."""
    return Path("/dev", ("stdin", "stdout")[descriptor]) if path == DASH else path


def readable(*paths: Path) -> list[Path]:
    """The paths that a command reads, with `-` replaced by a path that can be opened.

    Raises:
        UsageError: standard input is named more than once.
    """
    streams = [path for path in paths if is_stream(path, STDIN)]
    if len(streams) > 1:
        raise UsageError("standard input can be only one of the texts, not several of them")
    return [named(path, STDIN) for path in paths]


def refuse_clashes(inputs: Mapping[str, Path | None], outputs: Mapping[str, Path | None]) -> None:
    """Refuse two options that write the same file, or one that writes what another reads.

    inputs, outputs: the path of each option; `-` is the standard stream. Devices, pipes and
    terminals may be shared.

    Raises:
        UsageError: two options name one file, even by different names, a link or a hard link.
    """
    read = {_identity(path, STDIN): _named(option, path) for option, path in inputs.items()}
    seen: dict[Identity | None, str] = {each: name for each, name in read.items() if each}
    for option, path in outputs.items():
        identity, name = _identity(path, STDOUT), _named(option, path)
        if identity in seen:
            raise UsageError(f"{seen[identity]} and {name} are the same file: choose another")
        if identity is not None:
            seen[identity] = name


def _named(option: str, path: Path | None) -> str:
    if path != DASH:
        return option
    streams = {"--input": "standard input", "--output": "standard output"}
    return streams.get(option, f"{option} -")


def _identity(path: Path | None, descriptor: int) -> Identity | None:
    """What identifies an ordinary file or a stream; None for what may be shared."""
    if path is None:
        return None
    number = descriptor if path == DASH else descriptor_of(path)
    with suppress(OSError, ValueError):  # no such file yet, or a stream made by a test
        status = path.stat() if number is None else os.fstat(_number(number))
        if stat.S_ISREG(status.st_mode):
            return status.st_dev, status.st_ino
        if number is None:
            return None
    return str(path.absolute().resolve()) if number is None else f"stream {number}"


def _number(descriptor: int) -> int:
    stream = (sys.stdin, sys.stdout)[descriptor] if descriptor <= STDOUT else None
    return descriptor if stream is None else stream.fileno()


@contextmanager
def written(path: Path) -> Iterator[TextIO]:
    """A text file that appears once it is complete; a stream is written to directly.

    After a failure, the complete lines written so far are kept next to the file, and the error
    message says where.

    Raises:
        WriteError: it cannot be written.
    """
    descriptor = descriptor_of(path)
    try:
        if descriptor is not None:
            with os.fdopen(os.dup(descriptor), "w", encoding="utf-8", newline="\n") as stream:
                yield stream
            return
        with replacing(path) as draft, draft.open("w", encoding="utf-8", newline="\n") as file:
            try:
                yield file
            except BaseException as failure:
                if draft != path:
                    _keep(file, draft, path, failure)
                raise
    except BrokenPipeError:
        raise WriteError(f"cannot write {path}: its reader has closed it") from None
    except OSError as error:
        if error.errno is None:
            raise
        raise WriteError(f"cannot write {path}: {error.strerror}") from error


def _keep(file: TextIO, draft: Path, path: Path, failure: BaseException) -> None:
    """Keep the complete lines of an unfinished file next to its path."""
    with suppress(OSError):
        file.close()
    with suppress(OSError):
        size = _whole_lines(draft)
        if not size:
            return
        os.truncate(draft, size)
        partial = draft.with_name(f"{path.name}.partial")
        draft.replace(partial)
        where = f"the lines before that are in {path.with_name(partial.name)}"
        if isinstance(failure, NmtError):
            failure.args = (f"{failure}; {where}",)
        elif not isinstance(failure, OSError):
            write_stderr(f"nmt: stopped; {where}")


def _whole_lines(path: Path) -> int:
    """The size in bytes of a file up to and including its last line feed."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - CHUNK)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            end = start
    return 0
