"""The progress bar, which is shown only on a terminal."""

import logging
import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

STDERR = Console(stderr=True, highlight=False)


class Bar:
    """Updates done, speed and time left; does nothing if standard error is not a terminal."""

    def __init__(self, total: int | None) -> None:
        self._progress = None
        if not sys.stderr.isatty() or not logging.getLogger("nmt").isEnabledFor(logging.INFO):
            return
        self._progress = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]} tok/s"),
            TextColumn("loss {task.fields[loss]}"),
            TextColumn("left {task.fields[left]}"),
            console=STDERR,
            transient=True,
        )
        self._task = self._progress.add_task("training", total=total, speed="-", loss="-", left="-")
        self._progress.start()

    def advance(self, step: int, speed: float, loss: float, left: str | None) -> None:
        if self._progress is not None:
            self._progress.update(
                self._task,
                completed=step,
                speed=f"{speed:,.0f}",
                loss=f"{loss:.3f}",
                left=left or "-",
            )

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()


def clock(seconds: float) -> str:
    """
    >>> clock(75), clock(3700)
    ('1:15', '1:01:40')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
