"""The plain reference for decoding: beam search as tutorials write it, to compare speed with.

Eager float32, one sentence at a time, hypotheses in Python lists. It computes the same function
as nmt's model with the same weights (Luong, general score, LSTM, input feeding) and selects by the
same rules, without any of its optimisations.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nmt.config import ModelConfig
from nmt.data.tokenizers.base import BOS, EOS, PAD, UNK
from nmt.models import Seq2Seq


class State(NamedTuple):
    """The decoder's state after a step: (rows, hidden) each."""

    hidden: Tensor
    cell: Tensor
    feed: Tensor

    def rows(self, index: list[int]) -> "State":
        return State(*(part[index] for part in self))


class Grown(NamedTuple):
    """A hypothesis: its log-probability, its ids, and the row of its state."""

    score: float
    ids: list[int]
    row: int


class PlainModel(nn.Module):
    """Luong's model with input feeding, as tutorials build it."""

    def __init__(self, config: ModelConfig, source: int, target: int) -> None:
        super().__init__()
        size, memory, hidden = (
            config.embedding_size,
            2 * config.encoder.size,
            config.decoder.size,
        )
        self.source = nn.Embedding(source, size)
        self.target = nn.Embedding(target, size)
        self.encoder = nn.LSTM(size, config.encoder.size, bidirectional=True, batch_first=True)
        self.bridge = nn.Linear(memory, 2 * hidden)
        self.cell = nn.LSTMCell(size + hidden, hidden)
        self.score = nn.Linear(memory, hidden, bias=False)
        self.combine = nn.Linear(memory + hidden, hidden, bias=False)
        self.narrow = nn.Linear(hidden, size, bias=False)
        self.vocabulary = nn.Linear(size, target)


class PlainTranslator:
    """Greedy and beam search for one sentence in ids."""

    def __init__(self, model: Seq2Seq, config: ModelConfig) -> None:
        self.model = with_weights_of(model, config).eval()

    @torch.no_grad()
    def greedy(self, source: list[int], longest: int) -> list[int]:
        states, state = self.encode(source)
        ids: list[int] = []
        while len(ids) < longest and EOS not in ids:
            logits, state = self.step(torch.tensor([ids[-1] if ids else BOS]), state, states)
            logits[:, [PAD, UNK, BOS]] = -torch.inf
            ids.append(int(logits.log_softmax(dim=-1).argmax()))
        return ids

    @torch.no_grad()
    def beam(
        self, source: list[int], longest: int, *, size: int, penalty: float, together: bool
    ) -> list[int]:
        """together: one call per step for all hypotheses of the sentence, not one for each"""
        states, state = self.encode(source)
        live, aside = [Grown(0.0, [], 0)], list[tuple[float, list[int]]]()
        for length in range(1, longest + 1):
            logs, state = self._advance(live, state, states, together)
            scores, tokens = logs.topk(size + 1, dim=-1)
            offers = [
                Grown(grown.score + score.item(), [*grown.ids, int(token)], row)
                for row, grown in enumerate(live)
                for score, token in zip(scores[row], tokens[row], strict=True)
            ]
            offers = sorted(offers, key=lambda offer: -offer.score)[: 2 * size]
            ended = [o for o in offers[:size] if o.ids[-1] == EOS]
            live = [o for o in offers if o.ids[-1] != EOS][:size]
            if length == longest:
                ended += live
            aside += [(o.score / length**penalty, o.ids) for o in ended]
            aside = sorted(aside, key=lambda one: -one[0])[:size]
            if len(aside) == size:
                break
            state = state.rows([o.row for o in live])
        return aside[0][1]

    def _advance(
        self, live: list[Grown], state: State, states: Tensor, together: bool
    ) -> tuple[Tensor, State]:
        last = torch.tensor([grown.ids[-1] if grown.ids else BOS for grown in live])
        if together:
            logits, state = self.step(last, state, states.expand(len(live), -1, -1))
        else:
            steps = [
                self.step(last[row : row + 1], state.rows([row]), states)
                for row in range(len(live))
            ]
            logits = torch.cat([logits for logits, _ in steps])
            state = State(*(torch.cat(parts) for parts in zip(*(s for _, s in steps), strict=True)))
        logs = logits.log_softmax(dim=-1)
        logs[:, [PAD, UNK, BOS]] = -torch.inf
        return logs, state

    def encode(self, source: list[int]) -> tuple[Tensor, State]:
        model = self.model
        states, (last, _) = model.encoder(model.source(torch.tensor([source])))
        hidden, cell = model.bridge(torch.cat([last[0], last[1]], dim=-1)).tanh().chunk(2, dim=-1)
        return states, State(hidden, cell, torch.zeros_like(hidden))

    def step(self, previous: Tensor, state: State, states: Tensor) -> tuple[Tensor, State]:
        model = self.model
        word = torch.cat([model.target(previous), state.feed], dim=-1)
        hidden, cell = model.cell(word, (state.hidden, state.cell))
        scores = torch.bmm(model.score(states), hidden.unsqueeze(-1)).squeeze(-1)
        context = torch.bmm(scores.softmax(dim=-1).unsqueeze(1), states).squeeze(1)
        feed = torch.tanh(model.combine(torch.cat([context, hidden], dim=-1)))
        return model.vocabulary(model.narrow(feed)), State(hidden, cell, feed)


def with_weights_of(model: Seq2Seq, config: ModelConfig) -> PlainModel:
    """A plain model with the weights of a trained one."""
    kind = (config.decoder.kind, config.decoder.cell, config.encoder.cell, config.attention.score)
    rest = (config.decoder.layers, config.encoder.layers, config.decoder.input_feeding)
    if kind != ("luong", "lstm", "lstm", "general") or rest != (1, 1, True):
        raise SystemExit("the plain reference is Luong's: one-layer LSTMs, general, input feeding")
    trained: Any = model
    plain = PlainModel(
        config, trained.source_embedding.num_embeddings, trained.target_embedding.num_embeddings
    )
    layer, stack = trained.encoder.layers[0], trained.decoder.stack
    directions = (("", layer.forwards.layers), ("_reverse", layer.backwards.layers))
    pairs: list[tuple[Any, Any]] = [
        (getattr(plain.encoder, f"{name}_l0{end}"), getattr(network, f"{name}_l0"))
        for end, network in directions
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ]
    pairs += [
        (getattr(plain.cell, name), getattr(stack.layers, f"{name}_l0"))
        for name in ("weight_hh", "bias_ih", "bias_hh")
    ]
    both = [stack.layers.weight_ih_l0, stack.feed.weight]
    pairs.append((plain.cell.weight_ih, torch.cat(both, dim=1)))
    pairs += of_modules(plain.source, trained.source_embedding)
    pairs += of_modules(plain.target, trained.target_embedding)
    pairs += of_modules(plain.bridge, trained.decoder.bridge)
    pairs += of_modules(plain.score, trained.decoder.attention.score.W)
    pairs += of_modules(plain.combine, trained.decoder.combine)
    pairs += of_modules(plain.narrow, trained.narrow)
    pairs += of_modules(plain.vocabulary, trained.vocabulary)
    with torch.no_grad():
        for mine, other in pairs:
            mine.copy_(other)
    return plain


def of_modules(mine: nn.Module, other: nn.Module) -> Iterable[tuple[Any, Any]]:
    return zip(mine.parameters(), other.parameters(), strict=True)
