"""Count the calls with which a program touches its files, and make something happen at the n-th.

Python calls audit hooks before it opens, renames, removes, links, lists or locks; an error raised
in a hook becomes the error of the call. Writing and syncing are wrapped here.
"""

import builtins
import errno
import io
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reliability.forks import Mark, Setup

Happening = Callable[[], object]
Act = Callable[[int, str, str], Happening | None]
"""Decides what happens at a call, given its number, what it does, and to which path."""

READS = {"os.listdir", "os.scandir", "read"}
PATHS = {  # event: positions of paths among its arguments
    "os.mkdir": (0,), "os.rename": (0, 1), "os.remove": (0,), "os.rmdir": (0,), "os.symlink": (1,),
    "os.link": (1,), "os.truncate": (0,), "os.chmod": (0,), "os.utime": (0,), "fcntl.flock": (0,),
    "os.listdir": (0,), "os.scandir": (0,), "shutil.rmtree": (0,),
}  # fmt: skip
FOLDERS = {"os.mkdir": 2, "os.remove": 1, "os.rmdir": 1, "os.symlink": 2, "os.chmod": 2}
"""Position of the descriptor of the folder that the path is relative to."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Points:
    """Counts the calls that touch files in a folder."""

    def __init__(self, folder: Path, act: Act, *, reads: bool = False) -> None:
        """reads: count reading and listing instead of changes"""
        self.root, self.act, self.reads = f"{folder.resolve()}/", act, reads
        self.count, self.busy = 0, False

    def install(self) -> None:
        """Start counting, until the end of this process."""
        self._open, self._fsync = io.open, os.fsync
        builtins.open = io.open = self.open  # type: ignore[assignment, misc]
        os.fsync = self.fsync  # type: ignore[assignment]
        real_write = os.write

        def write(descriptor: int, data: bytes) -> int:
            self.reached("write", descriptor)
            return real_write(descriptor, data)

        os.write = write
        import pyarrow as pa

        whole = pa.OSFile

        def os_file(path: str, mode: str = "r", **more: Any) -> Any:
            writes = "w" in mode and self.inside(path)
            return pa.PythonFile(self.open(path, "wb"), "w") if writes else whole(path, mode)

        pa.OSFile = os_file
        sys.addaudithook(self.audit)

    def inside(self, path: Any, folder: Any = -1) -> str:
        """The full path if it is inside the folder, else an empty string."""
        if isinstance(path, int):
            return self.inside(_of_descriptor(path)) if path > 2 else ""
        if path is None:
            return ""
        text = os.fsdecode(path)
        if not text.startswith("/"):
            known = isinstance(folder, int) and folder > 2
            text = f"{_of_descriptor(folder) if known else Path.cwd()}/{text}"
        text = os.path.normpath(text)
        return text if text.startswith(self.root) else ""

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            self.reached("open" if flags & WRITING else "read", path)
        elif event in PATHS:
            at = FOLDERS.get(event)
            folder = arguments[at] if at is not None and len(arguments) > at else -1
            for place in PATHS[event]:
                if self.inside(arguments[place], folder):
                    self.reached(event, arguments[place], folder)
                    return

    def reached(
        self, what: str, path: Any, folder: Any = -1, half: Happening | None = None
    ) -> None:
        """A call is about to be made. half: does half of it, if that is possible."""
        if self.busy or (what in READS) != self.reads:
            return
        self.busy = True
        try:
            place = self.inside(path, folder)
            if place:
                self.count += 1
                happening = self.act(self.count, what, place.removeprefix(self.root))
                if happening is not None:
                    if half is not None:
                        half()
                    happening()
        finally:
            self.busy = False

    def fsync(self, descriptor: Any) -> None:
        number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
        self.reached("fsync", number)
        self._fsync(number)

    def open(
        self, file: Any, mode: str = "r", buffering: int = -1, encoding: Any = None,
        errors: Any = None, newline: Any = None, closefd: bool = True, opener: Any = None,
    ) -> Any:  # fmt: skip
        """Like the built-in function, with counted writes."""
        if not set(mode) & set("wax+") or not self.inside(file):
            return self._open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = _Counted(self, file, mode.replace("b", "").replace("t", ""), closefd, opener)
        if buffering == 0:
            return raw
        kind = io.BufferedRandom if "+" in mode else io.BufferedWriter
        buffered = kind(raw)
        if "b" in mode:
            return buffered
        text = io.TextIOWrapper(
            buffered, io.text_encoding(encoding), errors, newline, line_buffering=buffering == 1
        )
        text.mode = mode  # type: ignore[misc]
        return text


class _Counted(io.FileIO):
    def __init__(self, points: Points, file: Any, mode: str, closefd: bool, opener: Any) -> None:
        super().__init__(file, mode, closefd, opener)
        self.points = points

    def write(self, data: Any) -> int:
        """Write only half if the call fails or the process dies: the worst case."""
        view = memoryview(data).cast("B")
        whole = super().write
        self.points.reached("write", self.fileno(), half=lambda: whole(view[: len(view) // 2]))
        return super().write(data)


def _of_descriptor(descriptor: int) -> str:
    try:
        return str(Path(f"/proc/self/fd/{descriptor}").readlink())
    except OSError:
        return "/"


def watched(folder: Path, *, reads: bool = False) -> Setup:
    """Only mark every call."""

    def setup(mark: Mark) -> None:
        Points(folder, lambda n, what, path: mark(f"{what} {path}"), reads=reads).install()

    return setup


def killed_at(number: int, folder: Path, signal_number: int = signal.SIGKILL) -> Setup:
    """The process sends itself a signal at a call."""

    def setup(mark: Mark) -> None:
        def act(count: int, what: str, path: str) -> Happening | None:
            if count != number:
                return None
            mark(f"{what} {path}")
            return lambda: os.kill(os.getpid(), signal_number)

        Points(folder, act).install()

    return setup


def failing_at(
    number: int, folder: Path, code: int, *, lasting: bool = False, reads: bool = False
) -> Setup:
    """A call fails with a system error; lasting: so do later ones, as on a full disk."""

    def setup(mark: Mark) -> None:
        def act(count: int, what: str, path: str) -> Happening | None:
            if count != number and not (lasting and count > number and _costs(what, code)):
                return None
            if count == number:
                mark(f"{what} {path}")

            def fail() -> None:
                raise OSError(code, os.strerror(code), str(folder / path))

            return fail

        Points(folder, act, reads=reads).install()

    return setup


def _costs(what: str, code: int) -> bool:
    """Whether a full disk refuses the call, too: removing always works."""
    free = {"os.remove", "os.rmdir", "shutil.rmtree", "fcntl.flock", "os.rename", "os.chmod"}
    return code != errno.ENOSPC or what not in free
