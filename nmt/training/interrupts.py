"""Ctrl-C and SIGTERM during training: finish the step, save, and only then stop."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(Exception):  # noqa: N818  # it is no error
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

    @property
    def requested(self) -> bool:
        return self.number is not None

    @contextmanager
    def watched(self) -> Iterator["Interrupts"]:
        """Take over SIGINT and SIGTERM, until the block ends."""
        before = {n: signal.signal(n, self._arrived) for n in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _arrived(self, number: int, frame: FrameType | None) -> None:
        if self.requested:  # asked twice: the default handler ends the process now
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.number = number
        if self._immediate:
            raise _AtOnce

    @contextmanager
    def at_once(self, stop: Callable[[], None]) -> Iterator[None]:
        """A block that changes nothing: a signal breaks it off, and `stop` is called."""
        if self.requested:
            stop()
        self._immediate = True
        try:
            yield
        except _AtOnce:
            self._immediate = False
            stop()
        finally:
            self._immediate = False

    def leave(self) -> None:
        """Raises:
        Interrupted: always.
        """
        assert self.number is not None
        raise Interrupted(self.number)
