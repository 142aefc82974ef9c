"""Beam search over all sentences of a batch at once; a beam of one is greedy search."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nmt.data.vocabulary import BOS, EOS, PAD, UNK
from nmt.decoding.hypothesis import Hypothesis
from nmt.models.contract import Seq2Seq

NEVER = [PAD, UNK, BOS]  # ids that are no words
COMPACT_BELOW = 0.75  # the share of unfinished sentences under which finished ones are dropped


@torch.inference_mode()
def beam_search(
    model: Seq2Seq[Any],
    source: Tensor,
    mask: Tensor,
    *,
    size: int,
    max_lengths: Tensor,
    length_penalty: float = 1.0,
    n_best: int = 1,
) -> list[list[Hypothesis]]:
    """The `n_best` hypotheses of each sentence, best first.

    At each position every beam offers its best continuations. Of all the offers to a sentence,
    those among the best `size` that end in EOS are set aside, and the best `size` that do not go
    on. A sentence is finished when `size` hypotheses are set aside, or at its greatest length,
    where those that still live are set aside as they are. They are ranked by
    log-probability / length ** length_penalty (Wu et al., 2016, section 7, without its constant:
    https://arxiv.org/abs/1609.08144).

    source, mask: (batch, source); max_lengths: (batch,) positions, EOS included, at least 1
    """
    beams = _Beams(len(source), size, length_penalty, source.device)
    limits = max_lengths.to(source.device)
    sentences = torch.arange(len(source), device=source.device)
    memory = model.encode(source, mask).rows(sentences.repeat_interleave(size))
    state = model.start(memory)
    previous = source.new_full((len(source) * size,), BOS)

    for length in range(1, int(max_lengths.max()) + 1):
        step = model.step(previous, state, memory)
        parents, previous = beams.grow(step.logits, step.attention, length, limits)
        if bool(beams.finished.all()):
            break
        rows = beams.compact()
        if rows is None:
            state = step.state.rows(parents)
        else:
            limits = limits[rows[::size] // size]
            state, memory, previous = (
                step.state.rows(parents[rows]),
                memory.rows(rows),
                previous[rows],
            )
    return beams.hypotheses(mask.sum(dim=1).tolist(), n_best)


@dataclass
class _Position:
    """What happened at one target position, for the rows that were alive then."""

    attention: Tensor  # (rows, source), with which each row chose
    ends: Tensor  # (rows,) log-probability of EOS, in each row
    parents: Tensor  # (rows,) which row each new row continues
    tokens: Tensor  # (rows,) what it appends
    scores: Tensor  # (rows,) log-probability of that
    kept: Tensor | None = None  # which new rows stayed, when finished sentences were dropped


class _Beams:
    """The living and the set-aside hypotheses of a batch; a sentence's rows stand together."""

    def __init__(self, batch: int, size: int, length_penalty: float, device: torch.device) -> None:
        self.size, self.length_penalty = size, length_penalty
        self.total = torch.full((batch, size), -torch.inf, device=device)
        self.total[:, 0] = 0.0  # the rows of a sentence are equal at first: let one of them branch
        self.sentences = torch.arange(batch, device=device)  # those that still have rows
        self.finished = torch.zeros(batch, dtype=torch.bool, device=device)
        self.history: list[_Position] = []
        # Set aside: rank, then length, row and whether EOS ended it, for all sentences.
        self.ranks = torch.full((batch, size), -torch.inf, device=device)
        self.ends = torch.zeros((batch, size, 3), dtype=torch.long, device=device)

    def grow(
        self, logits: Tensor, attention: Tensor, length: int, limits: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One position. logits: (rows, vocab); returns each new row's parent and token."""
        sentences, size = self.total.shape
        logits = logits.float().clone()  # the model's own stay as they are
        norm = logits.logsumexp(dim=-1, keepdim=True)
        ends = logits[:, EOS] - norm.squeeze(1)
        logits[:, NEVER] = -torch.inf
        few = min(2 * size, logits.size(1))
        gains, tokens = logits.topk(few, dim=-1)
        gains = gains - norm
        offers = (self.total.view(-1, 1) + gains).view(sentences, size * few)
        best, place = offers.topk(min(2 * size, size * few), dim=-1)
        tokens, gains = (t.view(sentences, -1).gather(1, place) for t in (tokens, gains))
        first = torch.arange(sentences, device=best.device).unsqueeze(1) * size
        parents = first + place // few

        ending = tokens == EOS
        accepted = ending & ~self.finished.unsqueeze(1)
        accepted[:, size:] = False
        self._set_aside(best.masked_fill(~accepted, -torch.inf), parents, length, ended=True)

        self.total, order = best.masked_fill(ending, -torch.inf).topk(size, dim=-1)
        parents, tokens, gains = (t.gather(1, order) for t in (parents, tokens, gains))
        last = (limits <= length) & ~self.finished
        cut = self.total.masked_fill(~last.unsqueeze(1), -torch.inf)
        self._set_aside(cut, first + torch.arange(size, device=best.device), length, ended=False)

        full = (self.ranks[self.sentences] > -torch.inf).all(dim=1)
        dead = (self.total == -torch.inf).all(dim=1)
        self.finished = self.finished | full | last | dead
        parents, tokens, gains = parents.flatten(), tokens.flatten(), gains.flatten()
        self.history.append(_Position(attention, ends, parents, tokens, gains))
        return parents, tokens

    def _set_aside(self, total: Tensor, rows: Tensor, length: int, *, ended: bool) -> None:
        """Keep the best `size` of what was set aside and what is offered now.

        total: (sentences, offers) log-probabilities, -inf for what is no offer; rows: likewise
        """
        ranks = total / length**self.length_penalty
        marks = torch.stack(
            [torch.full_like(rows, length), rows, torch.full_like(rows, int(ended))], dim=-1
        )
        ranks = torch.cat([self.ranks[self.sentences], ranks], dim=1)
        marks = torch.cat([self.ends[self.sentences], marks], dim=1)
        best, order = ranks.topk(self.size, dim=1)
        self.ranks[self.sentences] = best
        self.ends[self.sentences] = marks.gather(1, order.unsqueeze(-1).expand(-1, -1, 3))

    def compact(self) -> Tensor | None:
        """Drop finished sentences once they are many: the rows that stay, or None for all."""
        going = (~self.finished).nonzero().squeeze(1)
        if len(going) > COMPACT_BELOW * len(self.finished):
            return None
        beam = torch.arange(self.size, device=going.device)
        rows = (going.unsqueeze(1) * self.size + beam).flatten()
        self.total, self.finished = self.total[going], self.finished[going]
        self.sentences = self.sentences[going]
        self.history[-1].kept = rows
        return rows

    def hypotheses(self, source_lengths: list[int], n_best: int) -> list[list[Hypothesis]]:
        """Read the best back from their ends, padding cut off."""
        past = [_Traced.of(position) for position in self.history]
        return [
            [
                _trace(past, length, row, ended, rank, width)
                for rank, (length, row, ended) in zip(ranks[:n_best], marks, strict=False)
                if rank > -torch.inf
            ]
            for ranks, marks, width in zip(
                self.ranks.tolist(), self.ends.tolist(), source_lengths, strict=True
            )
        ]


@dataclass(frozen=True)
class _Traced:
    """A position out of torch, for reading single values."""

    attention: np.ndarray
    ends: list[float]
    parents: list[int]
    tokens: list[int]
    scores: list[float]
    kept: list[int] | None

    @classmethod
    def of(cls, position: _Position) -> "_Traced":
        return cls(
            position.attention.float().cpu().numpy(),
            position.ends.tolist(),
            position.parents.tolist(),
            position.tokens.tolist(),
            position.scores.tolist(),
            None if position.kept is None else position.kept.tolist(),
        )


def _trace(
    past: list[_Traced], length: int, row: int, ended: int, rank: float, width: int
) -> Hypothesis:
    """Walk back from the row with which a hypothesis was set aside."""
    ids, scores, attention = [], [], []
    if ended:  # EOS was chosen by a row of before, and made no row of its own
        end = past[length - 1]
        ids, scores, attention = [EOS], [end.ends[row]], [end.attention[row, :width]]
    for number in range(length - 1 - ended, -1, -1):
        position = past[number]
        if position.kept is not None and number < length - 1:
            row = position.kept[row]
        ids.append(position.tokens[row])
        scores.append(position.scores[row])
        row = position.parents[row]
        attention.append(position.attention[row, :width])
    return Hypothesis(ids[::-1], scores[::-1], rank, np.stack(attention[::-1]))
