"""Beam search over all sentences of a batch at once; a beam of one is greedy search."""

from typing import NamedTuple

import numpy as np

from nmt.data.batching.sizes import rounded_up
from nmt.data.tokenizers.base import BOS, EOS, PAD
from nmt.decoding.engine import Candidates, Engine, Session
from nmt.decoding.hypothesis import Hypothesis
from nmt.errors import CheckpointError

COMPACT_BELOW = 0.75  # the share of unfinished sentences under which finished ones are dropped


def beam_search(
    engine: Engine,
    source: np.ndarray,
    *,
    size: int,
    max_lengths: np.ndarray,
    length_penalty: float = 1.0,
    n_best: int = 1,
) -> list[list[Hypothesis]]:
    """The `n_best` hypotheses of each sentence, best first.

    At each position every live hypothesis is extended by its likeliest words. Of all candidates of
    a sentence, those among the best `size` that end in EOS are finished; the best `size` that do
    not end stay live. A sentence is done when `size` hypotheses are finished, or at its greatest
    length, where the live ones are finished as they are. Finished hypotheses are ranked by
    log-probability / length ** length_penalty (Wu et al., 2016, section 7, without its constant:
    https://arxiv.org/abs/1609.08144).

    source: (batch, source) ids, padded with PAD; max_lengths: (batch,) positions, EOS included, at
    least 1
    """
    # Of one row at most `size` words and EOS can matter; of a greedy search, the best.
    session = engine.open(source, most=size + 1 if size > 1 else 1)
    beams = _Beams(max_lengths, size, length_penalty)
    previous = np.full(len(source), BOS)
    parents = sentences = None
    for length in range(1, int(max_lengths.max(initial=0)) + 1):
        beams.advance(session.step(previous, parents, sentences), length)
        if beams.finished.all():
            break
        sentences = beams.compact()
        chosen = beams.history[-1]
        previous = chosen.tokens
        parents = None if size == 1 and sentences is None else chosen.parents
    return _backtraced(session, beams, (source != PAD).sum(axis=1), n_best)


class _Position(NamedTuple):
    """The rows that stay live after one target position."""

    parents: np.ndarray  # (rows,) which row of this position each continues
    tokens: np.ndarray  # (rows,) what it appends
    scores: np.ndarray  # (rows,) log-probability of that


class _Finished(NamedTuple):
    """Hypotheses that have ended: (sentences, some) each."""

    rank_scores: np.ndarray  # -inf where there is none
    lengths: np.ndarray
    rows: np.ndarray  # the row, of position `length`, that chose the last id
    tokens: np.ndarray  # the last id
    scores: np.ndarray  # its log-probability

    def at(self, sentences: np.ndarray) -> "_Finished":
        return _Finished(*(part[sentences] for part in self))

    def best(self, other: "_Finished", size: int) -> "_Finished":
        """The best `size` of both; among equals, those that were there before."""
        both = [np.concatenate(parts, axis=1) for parts in zip(self, other, strict=True)]
        order = np.argsort(-both[0], axis=1, kind="stable")[:, :size]
        return _Finished(*(np.take_along_axis(part, order, axis=1) for part in both))


class _Beams:
    """The live and the finished hypotheses of a batch; the rows of a sentence are adjacent."""

    def __init__(self, limits: np.ndarray, size: int, length_penalty: float) -> None:
        batch = len(limits)
        self.size, self.length_penalty = size, length_penalty
        self.limits = limits
        self.total = np.zeros((batch, 1))  # log-probabilities of the live ones: (sentences, rows)
        self.sentences = np.arange(batch)  # those that still have rows
        self.finished = np.zeros(batch, dtype=bool)
        self.history: list[_Position] = []
        ids = np.zeros((batch, size), dtype=np.int64)
        nothing = np.full((batch, size), -np.inf)
        self.completed = _Finished(nothing, ids, ids.copy(), ids.copy(), nothing.copy())

    def advance(self, candidates: Candidates, length: int) -> None:
        """One position: finish what ends, and choose the rows that stay live."""
        if np.isnan(candidates.scores).any():
            raise CheckpointError(
                "the model's scores are not numbers: its weights are damaged or have diverged; "
                "choose another checkpoint of the run with --checkpoint, or retrain"
            )
        sentences, rows = self.total.shape
        most = candidates.tokens.shape[1]
        gains = candidates.scores.reshape(sentences, -1)
        totals = (self.total[:, :, None] + gains.reshape(sentences, rows, most)).reshape(
            gains.shape
        )
        place = np.argsort(-totals, axis=1, kind="stable")[:, : self.size + rows]
        best, gains = (np.take_along_axis(part, place, axis=1) for part in (totals, gains))
        tokens = np.take_along_axis(candidates.tokens.reshape(sentences, -1), place, axis=1)
        parents = place // most + np.arange(0, sentences * rows, rows)[:, None]

        ending = tokens == EOS
        accepted = ending & ~self.finished[:, None]
        accepted[:, self.size :] = False
        self._finish(accepted, best, _Position(parents, tokens, gains), length)

        order = np.argsort(ending, axis=1, kind="stable")[:, : self.size]
        best = np.where(ending, -np.inf, best)
        best, parents, tokens, gains = (
            np.take_along_axis(part, order, axis=1) for part in (best, parents, tokens, gains)
        )
        last = (self.limits <= length) & ~self.finished
        cut = np.broadcast_to(last[:, None], best.shape)
        self._finish(cut, best, _Position(parents, tokens, gains), length)

        full = (self.completed.rank_scores[self.sentences] > -np.inf).all(axis=1)
        dead = (best == -np.inf).all(axis=1)
        self.finished = self.finished | full | last | dead
        self.total = best
        self.history.append(_Position(parents.ravel(), tokens.ravel(), gains.ravel()))

    def _finish(
        self, chosen: np.ndarray, totals: np.ndarray, candidates: _Position, length: int
    ) -> None:
        """Keep the best `size` of what has finished before and what is chosen now.

        chosen, totals, and each field of the candidates: (sentences, some)
        """
        some = np.flatnonzero(chosen.any(axis=1))
        if not len(some):
            return
        rows, tokens, scores = (part[some] for part in candidates)
        rank_scores = np.where(chosen[some], totals[some] / length**self.length_penalty, -np.inf)
        now = _Finished(rank_scores, np.full_like(rows, length), rows, tokens, scores)
        sentences = self.sentences[some]
        for part, best in zip(
            self.completed, self.completed.at(sentences).best(now, self.size), strict=True
        ):
            part[sentences] = best

    def compact(self) -> np.ndarray | None:
        """Drop finished sentences once there are many: returns those that stay, or None for all.

        Some of the finished ones stay, so that the rest comes in few sizes.
        """
        going = int((~self.finished).sum())
        if going > COMPACT_BELOW * len(self.finished):
            return None
        unfinished_first = np.argsort(self.finished, kind="stable")
        staying = np.sort(unfinished_first[: rounded_up(going)])
        rows = self.total.shape[1]
        kept = (staying[:, None] * rows + np.arange(rows)).ravel()
        self.history[-1] = _Position(*(part[kept] for part in self.history[-1]))
        self.total, self.finished = self.total[staying], self.finished[staying]
        self.limits, self.sentences = self.limits[staying], self.sentences[staying]
        return staying


def _backtraced(
    session: Session, beams: _Beams, widths: np.ndarray, n_best: int
) -> list[list[Hypothesis]]:
    """Walk back from the ends of the best hypotheses, all at once."""
    best = _Finished(*(part[:, :n_best] for part in beams.completed))
    exists = best.rank_scores > -np.inf
    rank_scores, lengths, row, tokens, scores = (part[exists] for part in best)
    longest = int(lengths.max(initial=0))
    ids, rows = np.zeros((2, longest, len(rank_scores)), dtype=np.int64)
    gains = np.zeros((longest, len(rank_scores)))
    for step in range(longest - 1, -1, -1):
        chosen, inside = beams.history[step], lengths > step + 1
        place = np.where(inside, row, 0)
        ids[step] = np.where(inside, chosen.tokens[place], tokens)
        gains[step] = np.where(inside, chosen.scores[place], scores)
        row = np.where(inside, chosen.parents[place], row)
        rows[step] = row
    numbers, steps = np.nonzero(np.arange(longest) < lengths[:, None])
    weights = session.attention(steps, rows[steps, numbers])
    hypotheses: list[list[Hypothesis]] = [[] for _ in widths]
    end = 0
    for number, sentence in enumerate(np.nonzero(exists)[0].tolist()):
        start, end = end, end + int(lengths[number])
        hypotheses[sentence].append(
            Hypothesis(
                ids[: end - start, number].tolist(),
                gains[: end - start, number].tolist(),
                float(rank_scores[number]),
                weights[start:end, : widths[sentence]],
            )
        )
    return hypotheses
