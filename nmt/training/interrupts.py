"""Ctrl-C and SIGTERM during training: finish the step, save, and only then stop."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType
from typing import Any, NoReturn, TypeVar

Result = TypeVar("Result")


class Interrupted(Exception):  # noqa: N818  # this is not an error
    """A signal asked to stop, and everything is saved."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class _AtOnce(BaseException):
    """Leaves what may be left half done, such as a validation."""


class Interrupts:
    """Remembers that a signal came; a second one is not held back."""

    def __init__(self) -> None:
        self.number: int | None = None
        self._immediate = False
        self._left = False

    @property
    def requested(self) -> bool:
        return self.number is not None

    @contextmanager
    def watched(self) -> Iterator["Interrupts"]:
        """Take over SIGINT and SIGTERM, until the block ends.

        Only the main thread can: in others no signal arrives, and the block is just run.

        Raises:
            Interrupted: a signal came after the block's last check.
        """
        if current_thread() is not main_thread():
            yield self
            return
        before: dict[int, Any] = {}
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                before[number] = signal.getsignal(number) or signal.SIG_DFL
                signal.signal(number, self._arrived)
            yield self
            if self.requested and not self._left:
                self.leave()
        finally:
            # Ctrl-C last: what handled it before mostly raises, and may do so at once.
            for number in reversed(before):
                signal.signal(number, before[number])

    def _arrived(self, number: int, frame: FrameType | None) -> None:
        if self.requested:  # asked twice: the default handler ends the process now
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.number = number
        if self._immediate:
            self._immediate = False  # here, so that no second one can be raised
            raise _AtOnce

    def at_once(self, work: Callable[[], Result], stop: Callable[[], NoReturn]) -> Result:
        """Do what changes nothing: a signal breaks it off, and `stop` is called, which leaves.

        Wherever a signal arrives, it is either within the outer block, which catches what the
        handler raises, or the handler raises nothing. A context manager could not promise that:
        `with` calls its exit, in which a signal may arrive, too, before that can say it is over.
        """
        if self.requested:
            stop()
        try:
            try:
                self._immediate = True
                return work()
            finally:
                self._immediate = False
        except _AtOnce:
            stop()

    def leave(self) -> NoReturn:
        """Raises:
        Interrupted: always.
        """
        assert self.number is not None
        self._left = True
        raise Interrupted(self.number)
