"""Batches by a budget of tokens, of sentences that are alike in both lengths."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nmt.data.encoding import EncodedBitext
from nmt.data.vocabulary import BOS, EOS, PAD


@dataclass(frozen=True)
class Batch:
    """Sentences side by side; each side padded to its longest."""

    source: np.ndarray  # (batch, source) int64, EOS included
    target_in: np.ndarray  # (batch, target) int64, behind BOS
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
    def cells(self) -> int:
        """All positions of both sides, padding included."""
        return self.source.size + self.target_out.size


def plan(
    source_lengths: np.ndarray, target_lengths: np.ndarray, *, budget: int, seed: int, epoch: int
) -> list[np.ndarray]:
    """Which sentences form which batch: a pure function of its arguments.

    Sentences are ordered by target length and, within one, by source length, to and fro so that
    neighbours stay alike where the target length changes; equal ones fall differently in each
    epoch. A batch is a run of that order whose two padded sides hold at most `budget` cells each.
    Then the batches are shuffled. Sentences longer than the budget are in no batch.
    """
    random = np.random.default_rng([seed, epoch])
    fits = np.flatnonzero((source_lengths <= budget) & (target_lengths <= budget))
    sources, targets = source_lengths[fits], target_lengths[fits]
    to_and_fro = np.where(targets % 2 == 0, sources, -sources)
    order = np.lexsort((random.random(len(fits)), to_and_fro, targets))
    batches = [fits[order[a:b]] for a, b in _runs(sources[order], targets[order], budget)]
    random.shuffle(batches)
    return batches


def _runs(sources: np.ndarray, targets: np.ndarray, budget: int) -> Iterator[tuple[int, int]]:
    """Cut the order into runs within the budget."""
    start, widest_source, widest_target = 0, 0, 0
    for i, (source, target) in enumerate(zip(sources.tolist(), targets.tolist(), strict=True)):
        widest_source, widest_target = max(widest_source, source), max(widest_target, target)
        if (i + 1 - start) * max(widest_source, widest_target) > budget:
            yield start, i
            start, widest_source, widest_target = i, source, target
    if start < len(sources):
        yield start, len(sources)


def collate(bitext: EncodedBitext, sentences: np.ndarray) -> Batch:
    """Lay sentences side by side, with BOS and EOS."""
    numbers = sentences.tolist()
    sources = [bitext.source[i] for i in numbers]
    targets = [bitext.target[i] for i in numbers]
    return Batch(
        pad(sources, behind=EOS), pad(targets, before=BOS), pad(targets, behind=EOS), sentences
    )


def pad(
    rows: Sequence[np.ndarray], *, before: int | None = None, behind: int | None = None
) -> np.ndarray:
    """Rows of ids as one array, PAD behind the shorter ones.

    >>> pad([np.array([5]), np.array([6, 7])], behind=EOS).tolist()
    [[5, 3, 0], [6, 7, 3]]
    """
    head = 0 if before is None else 1
    extra = head + (0 if behind is None else 1)
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    cells = np.full((len(rows), int(lengths.max(initial=0)) + extra), PAD, dtype=np.int64)
    for cell, row in zip(cells, rows, strict=True):
        cell[head : head + len(row)] = row
    if before is not None:
        cells[:, 0] = before
    if behind is not None:
        cells[np.arange(len(rows)), lengths + head] = behind
    return cells


def lengths_with_end(bitext: EncodedBitext) -> tuple[np.ndarray, np.ndarray]:
    """Source and target lengths as `collate` makes them, EOS included."""
    return bitext.source.lengths + 1, bitext.target.lengths + 1
