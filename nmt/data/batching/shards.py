"""The batches of every epoch of a corpus, however large: planned window by window.

One plan over all sentences takes memory for each of them. A corpus above WINDOW sentences is
therefore cut into chunks, and the chunks are assigned to windows once, by a shuffle with the
seed, so that each window is a sample of the whole corpus. An epoch takes the windows in an
order of its own and plans each when its turn comes. The number of batches is the same in every
epoch.
"""

from collections.abc import Iterator
from itertools import accumulate

import numpy as np

from nmt.data.batching.batches import BatchStats, batch_stats, shuffled
from nmt.data.batching.encoded import EncodedBitext

WINDOW = 1_000_000  # sentences planned at once


class Windows:
    """Which sentences form which batch, in any epoch, from any batch on."""

    def __init__(self, bitext: EncodedBitext, *, budget: int, seed: int) -> None:
        self.bitext, self.budget, self.seed = bitext, budget, seed
        self._chunks = _dealt(bitext, seed)
        self._stats = [batch_stats(*self._lengths(chunks)[1:], budget) for chunks in self._chunks]
        self.stats = sum(self._stats, BatchStats())
        self._latest: tuple[tuple[int, int], list[np.ndarray]] | None = None

    def epoch(self, epoch: int, *, start: int = 0) -> Iterator[list[np.ndarray]]:
        """Batches from number `start` on, one list for each window."""
        for window in self._order(epoch):
            count = self._stats[window].batches
            if start < count:
                yield self._plan(window, epoch)[start:]
            start = max(0, start - count)

    def _order(self, epoch: int) -> list[int]:
        if len(self._chunks) == 1:
            return [0]
        return np.random.default_rng([self.seed, epoch]).permutation(len(self._chunks)).tolist()

    def _plan(self, window: int, epoch: int) -> list[np.ndarray]:
        if self._latest is None or self._latest[0] != (window, epoch):
            whole = len(self._chunks) == 1
            key = [self.seed, epoch] if whole else [self.seed, epoch, 1 + window]
            numbers, sources, targets = self._lengths(self._chunks[window])
            batches = shuffled(sources, targets, self.budget, np.random.default_rng(key))
            self._latest = (window, epoch), [numbers[batch] for batch in batches]
        return self._latest[1]

    def _lengths(self, chunks: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The numbers of a window's sentences, and their lengths with EOS."""
        mapped = self.bitext.remapped()  # so that no more than a window of it stays in memory
        ends = list(accumulate(len(starts) - 1 for starts in self.bitext.source.starts))
        nothing = [np.zeros(0, np.int64)]
        numbers = [np.arange(ends[c] - len(mapped.source.starts[c]) + 1, ends[c]) for c in chunks]
        sides = [
            np.concatenate([np.diff(side.starts[chunk]) for chunk in chunks] or nothing) + 1
            for side in (mapped.source, mapped.target)
        ]
        return np.concatenate(numbers or nothing), sides[0], sides[1]


def _dealt(bitext: EncodedBitext, seed: int) -> list[list[int]]:
    """The chunks of each window."""
    chunks = len(bitext.source.starts)
    windows = min(chunks, -(-len(bitext) // WINDOW))
    if windows <= 1:
        return [list(range(chunks))]
    drawn = np.random.default_rng(seed).permutation(chunks)
    return [sorted(part.tolist()) for part in np.array_split(drawn, windows)]
