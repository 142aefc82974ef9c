"""The batches of a training, prepared by a thread while the model learns from the previous one."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from time import monotonic
from types import TracebackType
from typing import Self

from nmt.data.batching.batches import Batch, collate
from nmt.data.batching.encoded import EncodedBitext
from nmt.data.batching.shards import Windows

AHEAD = 4  # batches that are ready or being prepared


@dataclass
class Position:
    """Where a training stands in the data."""

    epoch: int = 0
    batch: int = 0
    """The next one of this epoch."""


class BatchLoader:
    """The batches of a corpus, epoch after epoch, from any position on.

    The thread starts with the first batch asked for and ends with `close`, or with a `with` block.
    """

    def __init__(self, bitext: EncodedBitext, *, budget: int, seed: int) -> None:
        self.bitext = bitext
        self._windows = Windows(bitext, budget=budget, seed=seed)
        self.stats = self._windows.stats
        self.waited = 0.0
        """Seconds in which a batch was asked for and not ready, in all."""
        self._thread: ThreadPoolExecutor | None = None
        self._coming = deque[Future[Batch]]()
        self._made: Iterator[Batch] = iter(())
        self._expected = (-1, -1)

    def __len__(self) -> int:
        """Batches per epoch, the same in every epoch."""
        return self.stats.batches

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def take(self, position: Position, count: int) -> list[Batch]:
        """The next `count` batches of this epoch, or what is left of it; the position moves on."""
        first, end = position.batch, min(position.batch + count, len(self))
        batches = [self._next(position.epoch, batch) for batch in range(first, end)]
        position.batch = end
        if end == len(self):
            position.epoch, position.batch = position.epoch + 1, 0
        return batches

    def close(self) -> None:
        """End the thread; `take` would start another one."""
        self._coming.clear()
        self._expected = (-1, -1)
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)
            self._thread = None

    def _next(self, epoch: int, batch: int) -> Batch:
        if self._thread is None or self._expected != (epoch, batch):
            self._start(epoch, batch)
        asked = monotonic()
        try:
            coming = self._coming[0].result()
        except BaseException:
            self.close()
            raise
        self.waited += monotonic() - asked
        self._coming.popleft()
        self._ask()
        last = batch + 1 == len(self)
        self._expected = (epoch + 1, 0) if last else (epoch, batch + 1)
        return coming

    def _start(self, epoch: int, batch: int) -> None:
        self.close()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._made = self._batches(epoch, batch)
        for _ in range(AHEAD):
            self._ask()

    def _ask(self) -> None:
        assert self._thread is not None
        self._coming.append(self._thread.submit(next, self._made))

    def _batches(self, epoch: int, batch: int) -> Iterator[Batch]:
        """From here on, without end: the thread's own work."""
        for number in count(epoch):
            for window in self._windows.epoch(number, start=batch if number == epoch else 0):
                mapped = self.bitext.remapped()
                for sentences in window:
                    yield collate(mapped, sentences, longest=self.stats.longest)
