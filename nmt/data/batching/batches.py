"""Batches within a budget of tokens, of sentences that are similar in both lengths."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nmt.data.batching.encoded import EncodedBitext
from nmt.data.batching.sizes import all_rounded_up, rounded_down, rounded_up
from nmt.data.tokenizers.base import BOS, EOS, PAD


@dataclass(frozen=True)
class Batch:
    """Sentence pairs; each side is padded to its longest, or beyond."""

    source: np.ndarray  # (batch, source) int64, EOS included
    target_in: np.ndarray  # (batch, target) int64, after BOS
    target_out: np.ndarray  # (batch, target) int64, before EOS
    sentences: np.ndarray  # (batch,) their numbers in the corpus

    @property
    def target_tokens(self) -> int:
        """Real target positions, EOS included."""
        return int((self.target_out != PAD).sum())

    @property
    def source_tokens(self) -> int:
        return int((self.source != PAD).sum())

    @property
    def padded_tokens(self) -> int:
        """All positions of both sides, padding included."""
        return self.source.size + self.target_out.size


def micro_batches(batch: Batch, max_padded_tokens: int | None) -> list[Batch]:
    """A batch in parts of at most this many padded tokens, or of single sentences."""
    if max_padded_tokens is None or batch.padded_tokens <= max_padded_tokens:
        return [batch]
    each = max(1, len(batch.sentences) * max_padded_tokens // batch.padded_tokens)
    sides = (batch.source, batch.target_in, batch.target_out, batch.sentences)
    return [
        Batch(*(side[start : start + each] for side in sides))
        for start in range(0, len(batch.sentences), each)
    ]


def make_batches(
    source_lengths: np.ndarray, target_lengths: np.ndarray, *, budget: int, seed: int, epoch: int
) -> list[np.ndarray]:
    """Which sentences form which batch: a pure function of its arguments.

    Lengths are rounded up to the sizes of `nmt.data.batching.sizes`. Sentences are ordered by
    target length and, within one, by source length, in alternating direction, so that neighbours
    stay similar where the target length changes; ties are broken differently in each epoch. A
    batch is a run of that order whose two padded sides hold at most `budget` positions each, and
    whose number of rows is such a size, too, except at the end of the order. So the shapes are the
    same in each epoch. Then the batches are shuffled. Sentences longer than the budget are in no
    batch.
    """
    return shuffled(source_lengths, target_lengths, budget, np.random.default_rng([seed, epoch]))


def shuffled(
    source_lengths: np.ndarray, target_lengths: np.ndarray, budget: int, random: np.random.Generator
) -> list[np.ndarray]:
    """What `make_batches` says, with the random numbers of a generator."""
    fits = np.flatnonzero((source_lengths <= budget) & (target_lengths <= budget))
    sources, targets = (_rounded(side[fits], budget) for side in (source_lengths, target_lengths))
    order = np.lexsort((random.random(len(fits)), _to_and_fro(sources, targets), targets))
    batches = [fits[order[a:b]] for a, b in _runs(sources[order], targets[order], budget)]
    random.shuffle(batches)
    return batches


@dataclass(frozen=True)
class BatchStats:
    """What an epoch consists of, whatever its seed."""

    batches: int = 0
    sentences: int = 0
    """Those that fit."""
    padded_tokens: int = 0
    """Positions of both sides, padding included."""
    tokens: int = 0
    """Positions of both sides without padding."""
    longest: tuple[int, int] = (0, 0)
    """The longest source and the longest target."""

    def __add__(self, other: "BatchStats") -> "BatchStats":
        return BatchStats(
            self.batches + other.batches,
            self.sentences + other.sentences,
            self.padded_tokens + other.padded_tokens,
            self.tokens + other.tokens,
            (max(self.longest[0], other.longest[0]), max(self.longest[1], other.longest[1])),
        )

    @property
    def padding_share(self) -> float:
        """The share of positions that hold padding."""
        return 1 - self.tokens / max(self.padded_tokens, 1)


def batch_stats(source_lengths: np.ndarray, target_lengths: np.ndarray, budget: int) -> BatchStats:
    """Count what `make_batches` would make: whatever its seed, its runs stay the same."""
    fits = (source_lengths <= budget) & (target_lengths <= budget)
    lengths = source_lengths[fits], target_lengths[fits]
    sources, targets = (_rounded(side, budget) for side in lengths)
    order = np.lexsort((_to_and_fro(sources, targets), targets))
    runs = np.array(list(_runs(sources[order], targets[order], budget)), np.int64).reshape(-1, 2)
    if not len(runs):
        return BatchStats()
    starts, rows = runs[:, 0], runs[:, 1] - runs[:, 0]
    longest = int(lengths[0].max()), int(lengths[1].max())
    padded_tokens = sum(
        int((rows * np.maximum.reduceat(side[order], starts).clip(max=most)).sum())
        for side, most in zip((sources, targets), longest, strict=True)
    )
    tokens = sum(int(side.sum()) for side in lengths)
    return BatchStats(len(runs), len(sources), padded_tokens, tokens, longest)


def _rounded(lengths: np.ndarray, budget: int) -> np.ndarray:
    """Lengths as `collate` pads to them, or more."""
    return all_rounded_up(lengths).clip(max=budget)


def _to_and_fro(sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return np.where(targets % 2 == 0, sources, -sources)


def _runs(sources: np.ndarray, targets: np.ndarray, budget: int) -> Iterator[tuple[int, int]]:
    """Cut the order into runs within the budget, of rounded numbers of rows."""
    longest = np.maximum(sources, targets)
    start = 0
    while start < len(longest):
        most = budget // max(int(longest[start]), 1)
        widest = np.maximum.accumulate(longest[start : start + most])
        cells = widest * np.arange(1, len(widest) + 1)
        rows = int(np.searchsorted(cells, budget, side="right"))
        if start + rows < len(longest):
            rows = rounded_down(rows)
        yield start, start + rows
        start += rows


def collate(
    bitext: EncodedBitext, sentences: np.ndarray, *, longest: tuple[int, int] | None = None
) -> Batch:
    """Pad sentences into a batch, with BOS and EOS.

    longest: the longest source and target of the corpus, with EOS: then each side is padded to a
        rounded length (see `nmt.data.batching.sizes`), though not beyond these; by default to the
        longest of the batch
    """
    numbers = sentences.tolist()
    sources = [bitext.source[i] for i in numbers]
    targets = [bitext.target[i] for i in numbers]
    widths = (0, 0)
    if longest is not None:
        widths = _width(sources, longest[0]), _width(targets, longest[1])
    return Batch(
        pad(sources, after=EOS, width=widths[0]),
        pad(targets, before=BOS, width=widths[1]),
        pad(targets, after=EOS, width=widths[1]),
        sentences,
    )


def _width(rows: Sequence[np.ndarray], longest: int) -> int:
    return min(rounded_up(max(map(len, rows), default=0) + 1), longest)


def pad(
    rows: Sequence[np.ndarray],
    *,
    before: int | None = None,
    after: int | None = None,
    width: int = 0,
) -> np.ndarray:
    """Rows of ids as one array, padded with PAD to their longest, or to `width` if it is more.

    >>> pad([np.array([5]), np.array([6, 7])], after=EOS).tolist()
    [[5, 3, 0], [6, 7, 3]]
    """
    head = 0 if before is None else 1
    extra = head + (0 if after is None else 1)
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    width = max(width, int(lengths.max(initial=0)) + extra)
    cells = np.full((len(rows), width), PAD, dtype=np.int64)
    if rows:
        columns = np.arange(cells.shape[1])
        cells[(columns >= head) & (columns < head + lengths[:, None])] = np.concatenate(rows)
    if before is not None:
        cells[:, 0] = before
    if after is not None:
        cells[np.arange(len(rows)), lengths + head] = after
    return cells


def lengths_with_end(bitext: EncodedBitext) -> tuple[np.ndarray, np.ndarray]:
    """Source and target lengths as `collate` makes them, EOS included."""
    return bitext.source.lengths + 1, bitext.target.lengths + 1
