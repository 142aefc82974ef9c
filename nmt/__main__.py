"""The process of `nmt`, or of `python -m nmt`: its signals, its encoding, and how it ends."""

import os
import signal
import sys
from types import FrameType
from typing import Any, NoReturn

STOPPED_BY = 128
"""Plus the number of a signal: the status of a command that it stopped, as shells have it."""


class _Signals:
    """Ctrl-C, SIGTERM and SIGHUP end a command with its `finally` blocks run and no traceback.

    Libraries may turn the exception of a handler into another one, or lose it where Python cannot
    raise, such as in `__del__`: what came is remembered.
    """

    def __init__(self) -> None:
        self.number: int | None = None

    def watch(self) -> None:
        """Take over the signals that nobody else has taken over, and that are not ignored."""
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number and signal.getsignal(number) in (
                signal.SIG_DFL,
                signal.default_int_handler,
            ):
                signal.signal(number, self._arrived)
        sys.unraisablehook = self._unraisable

    def leave(self) -> None:
        """From here on there is nothing to tidy up: a further Ctrl-C ends the process at once."""
        if signal.getsignal(signal.SIGINT) == self._arrived:
            signal.signal(signal.SIGINT, signal.SIG_DFL)

    def _arrived(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(STOPPED_BY + number)

    def _unraisable(self, lost: Any) -> None:
        if self.number is None or not issubclass(lost.exc_type, KeyboardInterrupt | SystemExit):
            sys.__unraisablehook__(lost)
        else:
            signal.raise_signal(self.number)  # once more, where it can be raised


def run() -> NoReturn:
    """Run a command and end the process."""
    signals = _Signals()
    status: Any = None
    try:
        signals.watch()
        _speak_utf8()
        from nmt.cli import main

        main()
    except SystemExit as ended:
        status = ended.code
    except BaseException:
        if signals.number is None:
            raise
    signals.leave()
    sys.exit(status if signals.number is None else STOPPED_BY + signals.number)


def _speak_utf8() -> None:
    """Start again in UTF-8 where the locale knows no letters but those of ASCII.

    Arguments, file names and what libraries read and write would else be mutilated, or refused.
    """
    if sys.getfilesystemencoding() == "ascii" and sys.executable:
        again = [sys.executable, "-X", "utf8", *sys.orig_argv[1:]]
        os.execv(sys.executable, again)  # noqa: S606 - this same command, with no shell between


if __name__ == "__main__":
    run()
