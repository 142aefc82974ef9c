"""Where commands read and write: files, and the streams that names such as `-` stand for."""

import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from nmt.cli.streams import talk
from nmt.errors import NmtError, UsageError, WriteError
from nmt.files import descriptor_of, replacing

DASH = Path("-")
STDIN, STDOUT = 0, 1
Identity = tuple[int, int] | str
CHUNK = 1 << 16  # bytes


def is_stream(path: Path | None, descriptor: int) -> bool:
    """Whether a name, or none, stands for standard input (0) or output (1)."""
    return path is None or path == DASH or descriptor_of(path) == descriptor


def named(path: Path, descriptor: int) -> Path:
    """A name that can be opened: `-` is standard input (0) or output (1)."""
    return Path("/dev", ("stdin", "stdout")[descriptor]) if path == DASH else path


def readable(*paths: Path) -> list[Path]:
    """Paths that a command reads, `-` as a name that can be opened.

    Raises:
        UsageError: standard input stands for several of them.
    """
    streams = [path for path in paths if is_stream(path, STDIN)]
    if len(streams) > 1:
        raise UsageError("standard input can be one of the texts only, not several of them")
    return [named(path, STDIN) for path in paths]


def refuse_clashes(inputs: Mapping[str, Path | None], outputs: Mapping[str, Path | None]) -> None:
    """Two options must not write one file, nor one write what another reads.

    inputs, outputs: the path of each option; `-` is the standard stream. Devices, pipes and
    terminals may be shared.

    Raises:
        UsageError: they do, be it by another name, a link or a hard link.
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
    """What tells one ordinary file or stream from another; None for what may be shared."""
    if path is None:
        return None
    number = descriptor if path == DASH else descriptor_of(path)
    with suppress(OSError, ValueError):  # nothing is there yet, or a stream of a test's own
        found = path.stat() if number is None else os.fstat(_number(number))
        if stat.S_ISREG(found.st_mode):
            return found.st_dev, found.st_ino
        if number is None:
            return None
    return str(path.absolute().resolve()) if number is None else f"stream {number}"


def _number(descriptor: int) -> int:
    stream = (sys.stdin, sys.stdout)[descriptor] if descriptor <= STDOUT else None
    return descriptor if stream is None else stream.fileno()


@contextmanager
def written(path: Path) -> Iterator[TextIO]:
    """A text file that appears when all of it is there; a stream is written as it comes.

    What was written of a file until a failure is kept next to it, whole lines only, and the
    failure tells where.

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
        raise WriteError(f"cannot write {path}: whoever read it has left") from None
    except OSError as error:
        if error.errno is None:
            raise
        raise WriteError(f"cannot write {path}: {error.strerror}") from error


def _keep(file: TextIO, draft: Path, path: Path, failure: BaseException) -> None:
    """Put the whole lines of an unfinished file next to its place."""
    with suppress(OSError):
        file.close()
    with suppress(OSError):
        size = _whole_lines(draft)
        if not size:
            return
        os.truncate(draft, size)
        partial = draft.with_name(f"{path.name}.partial")
        draft.replace(partial)
        where = f"what came before it is in {path.with_name(partial.name)}"
        if isinstance(failure, NmtError):
            failure.args = (f"{failure}; {where}",)
        elif not isinstance(failure, OSError):
            talk(f"nmt: stopped; {where}")


def _whole_lines(path: Path) -> int:
    """The bytes of a file up to its last line end."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - CHUNK)
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
    return 0
