"""Run `nmt` in a fork of this process, which has imported everything: one second, not five.

The parent only imports and computes nothing, so that it has no threads that a fork would lose.
"""

import atexit
import gc
import importlib
import os
import pkgutil
import select
import signal
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

Mark = Callable[[str], None]
Setup = Callable[[Mark], None]
"""Prepares the process of a trial before the command starts."""
LATE = (
    "torch._dynamo", "onnxruntime", "onnxscript", "pyarrow.parquet", "sacrebleu.metrics", "jinja2",
    "datasets", "matplotlib.backends.backend_agg",
)  # fmt: skip
"""Modules that the program imports only when it needs them."""
DEADLINE = 120.0  # seconds for any command of a trial on an idle machine


def deadline() -> float:
    """Longer if more processes are running than there are cores, since slow is not hung."""
    return DEADLINE * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def import_everything() -> None:
    """Import the program and its libraries, and freeze them so that forks do not copy them."""
    import torch

    import nmt

    torch.set_num_threads(1)
    for module in pkgutil.walk_packages(nmt.__path__, "nmt."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in LATE:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    """The exit status; if a signal killed it, the negative signal number."""
    out: str
    err: str
    seconds: float

    @property
    def complaints(self) -> list[str]:
        return [line for line in self.err.split("\n") if line.startswith("nmt: ")]

    @property
    def fault(self) -> str:
        """What is wrong with the result; empty for success or an error of one line."""
        if self.status == TIMED_OUT:
            return "took too long"
        if "Traceback (most recent call last)" in self.err or "Error in sys.excepthook" in self.err:
            return f"traceback: {self.err.strip().splitlines()[-1][:300]}"
        if self.status == 0:
            return ""
        if self.status < 0:
            return f"killed by {signal.Signals(-self.status).name}"
        if len(self.complaints) != 1:
            return f"status {self.status} with {len(self.complaints)} lines: {self.err[-300:]!r}"
        return ""


TIMED_OUT = 1000


class Child:
    """A command that runs in a fork."""

    def __init__(
        self, arguments: Sequence[object], folder: Path, *setups: Setup, name: str = ""
    ) -> None:
        """name: distinguishes it from others that run in the same folder"""
        self.place = folder
        output = folder.parent / f".{folder.name}{name}"  # outside the trial's files
        self.out, self.err = output.with_suffix(".out"), output.with_suffix(".err")
        for path in (self.out, self.err):
            path.write_bytes(b"")
        self._marks, writing = os.pipe()
        self._left = b""
        sys.stdout.flush()
        sys.stderr.flush()
        self.began = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._marks)
            _become(list(map(str, arguments)), self, writing, setups)
        os.close(writing)
        self.said: list[str] = []
        """All marks of the child since it became `nmt`."""
        self.mark()
        self.said.clear()

    def mark(self, timeout: float | None = None) -> str | None:
        """The child's next mark; None at its end or after the timeout."""
        until = time.monotonic() + (deadline() if timeout is None else timeout)
        while b"\n" not in self._left:
            ready, _, _ = select.select([self._marks], [], [], max(until - time.monotonic(), 0))
            data = os.read(self._marks, 1 << 16) if ready else b""
            if not data:
                return None
            self._left += data
        line, _, self._left = self._left.partition(b"\n")
        self.said.append(line.decode())
        return self.said[-1]

    def send(self, number: int) -> None:
        """Send a signal; harmless if the child has ended."""
        os.kill(self.pid, number)

    def wait(self) -> Ended:
        """Wait for the end; a child that takes too long is killed."""
        until = time.monotonic() + deadline()
        late = False
        while self.mark(until - time.monotonic()) is not None:
            pass
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > until and not late:
                os.kill(self.pid, signal.SIGKILL)
                late = True
            time.sleep(0.002)
        os.close(self._marks)
        seconds = time.monotonic() - self.began
        code = TIMED_OUT if late else os.waitstatus_to_exitcode(status)
        out, err = (path.read_text("utf-8", "replace") for path in (self.out, self.err))
        for path in (self.out, self.err):
            path.unlink()
        return Ended(code, out, err, seconds)


def run(arguments: Sequence[object], folder: Path, *setups: Setup) -> Ended:
    """Run a command to its end."""
    return Child(arguments, folder, *setups).wait()


def _become(arguments: list[str], child: Child, marks: int, setups: Sequence[Setup]) -> NoReturn:
    """Turn this process into `nmt`, as if it had just started."""
    status = 1
    try:
        atexit._clear()  # the parent's exit handlers are not ours
        weakref.finalize._registry.clear()  # type: ignore[attr-defined]
        weakref.finalize._registered_with_atexit = False  # type: ignore[attr-defined]
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.chdir(child.place)
        os.environ["NMT_CACHE"] = str(child.place / "cache")
        _redirect(child.out, child.err)
        sys.argv = ["nmt", *arguments]
        for setup in setups:
            setup(lambda text: _say(marks, text))
        from nmt.__main__ import run

        _say(marks, "begins")  # signals may arrive from here on
        run()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    _end(status)


_write = os.write  # the real one, even if a trial replaces it


def _say(marks: int, text: str) -> None:
    _write(marks, text.encode() + b"\n")


def _redirect(out: Path, err: Path) -> None:
    for path, descriptor in ((Path(os.devnull), 0), (out, 1), (err, 2)):
        flags = os.O_RDONLY if descriptor == 0 else os.O_WRONLY
        opened = os.open(path, flags)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115, PTH123
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115, PTH123
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115, PTH123


def _end(status: int) -> NoReturn:
    """Exit as the interpreter does, without destroying the parent's objects."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
        status = status or 120
    os._exit(status)
