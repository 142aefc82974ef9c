"""The attention itself: score, normalise, select, average: shared by all scores."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from nmt.config import NO_ATTENTION, AttentionConfig
from nmt.errors import ConfigError, unknown
from nmt.models.attention.normalizers import normalizers
from nmt.models.attention.positions import rotated
from nmt.models.attention.scopes import Window, scopes
from nmt.models.attention.scores import TanhScore, scores
from nmt.models.attention.selection import selections


class Query(NamedTuple):
    """What attends, at some target positions."""

    states: Tensor  # (batch, target, query)
    positions: Tensor  # (batch, target) int64, from 0
    words: Tensor  # (batch, target, words): embeddings of the words read last
    coverage: Tensor | None = None  # (batch, target, source): the sum of the weights so far


class AttentionOutput(NamedTuple):
    """Where a query attended, and what it read there."""

    contexts: Tensor  # (batch, target, context)
    weights: Tensor  # (batch, target, source)
    draw_log_probs: Tensor | None = None  # (batch, target): log-probability of what was drawn
    heads: Tensor | None = None  # (batch, heads, target, source), of which weights is the mean

    @property
    def by_head(self) -> Tensor:
        """(batch, heads, target, source), with one head where there are none"""
        return self.weights.unsqueeze(1) if self.heads is None else self.heads


class Attention(nn.Module, ABC):
    """Anything that answers queries from keys and values."""

    context: int
    """Width of a context vector."""
    sums_to_one = True
    """Whether each row of weights is a distribution."""
    has_coverage = False
    """Whether a query needs the sum of the weights so far, so that positions go one by one."""
    reads_words = False
    """Whether the query's words matter."""

    @abstractmethod
    def prepare(
        self, states: Tensor, summary: Tensor | None = None, *, first: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Keys and values, once per sentence: (batch, source, memory) -> 2 x (batch, source, *)

        summary: (batch, memory) the whole sentence, for an attention that reads no part of it
        first: the position of the first state, where a sequence comes in parts
        """

    @abstractmethod
    def forward(self, query: Query, keys: Tensor, values: Tensor, mask: Tensor) -> AttentionOutput:
        """mask: (batch, 1 or target, source) bool, True where a query may attend"""

    def by_row(self, query: Query, keys: Tensor, values: Tensor, mask: Tensor) -> AttentionOutput:
        """Queries of rows that may share a sentence, as the beams of a search do.

        A sentence's rows are next to each other, and each has as many. They become further target
        positions of their sentence, so that keys and values are not repeated.

        query: (rows, target, *); mask: (batch, source). Returns tensors of (rows, ...).
        """
        batch, (rows, target) = mask.size(0), query.states.shape[:2]
        folded = Query(
            _folded(query.states, batch),
            query.positions.reshape(batch, -1),
            _folded(query.words, batch),
            None if query.coverage is None else _folded(query.coverage, batch),
        )
        output = self(folded, keys, values, mask.unsqueeze(1))
        log_probs, heads = output.draw_log_probs, output.heads
        if heads is not None:
            heads = heads.unflatten(2, (-1, target)).transpose(1, 2).flatten(0, 1)
        return AttentionOutput(
            output.contexts.reshape(rows, target, -1),
            output.weights.reshape(rows, target, -1),
            None if log_probs is None else log_probs.reshape(rows, target),
            heads,
        )


def _folded(rows: Tensor, batch: int) -> Tensor:
    """(rows, target, *) -> (batch, rows of a sentence * target, *)"""
    return rows.reshape(batch, -1, rows.size(-1))


def attention_of(
    config: AttentionConfig, *, query: int, memory: int, words: int = 0, rotary: bool = False
) -> Attention:
    """The attention that a config describes.

    query, memory, words: widths of a query, of a state that it attends to, of an embedded word
    rotary: tell queries and keys their positions by rotation

    Raises:
        ConfigError: its parts do not fit each other, or one has an unknown name.
    """
    if config.score == NO_ATTENTION:
        return NoAttention(memory)
    if config.score not in scores:
        raise ConfigError(unknown(scores.kind, config.score, [*scores, NO_ATTENTION]))
    if config.heads > 1:
        return MultiHead(config, query=query, memory=memory, rotary=rotary)
    if scores[config.score].reads_words:
        query += words
    return SingleHead(config, query=query, memory=memory, rotary=rotary)


class SingleHead(Attention):
    """c_t = sum_j a_tj v_j, a_t = normalize(score(q_t, k_1), ..., score(q_t, k_J))"""

    def __init__(
        self, config: AttentionConfig, *, query: int, memory: int, rotary: bool = False
    ) -> None:
        super().__init__()
        _check(config)
        self.score = scores[config.score](config, query=query, memory=memory)
        self.normalizer = normalizers[config.normalizer](config)
        self.scope = scopes[config.scope](config, query=query)
        self.selection = selections[config.selection](config)
        self.context = self.score.context
        self.local = config.scope != "global"  # a window needs the lengths of sentences
        self.sums_to_one = self.normalizer.sums_to_one and config.scope != "local-p"
        self.has_coverage, self.reads_words = config.coverage, self.score.reads_words
        self.rotary = rotary

    def prepare(
        self, states: Tensor, summary: Tensor | None = None, *, first: int = 0
    ) -> tuple[Tensor, Tensor]:
        return self.keys(states, first=first), self.score.values(states)

    def keys(self, states: Tensor, *, first: int = 0) -> Tensor:
        """(batch, source, memory) -> (batch, source, *)"""
        if self.rotary:
            positions = torch.arange(first, first + states.size(1), device=states.device)
            states = rotated(states, positions)
        return self.score.project(states)

    def forward(self, query: Query, keys: Tensor, values: Tensor, mask: Tensor) -> AttentionOutput:
        states = query.states.to(keys.dtype)
        if self.reads_words:
            states = torch.cat([query.words.to(keys.dtype), states], dim=-1)
        if self.rotary:
            states = rotated(states, query.positions)
        if self.local:
            window = self.scope(states, query.positions, mask.sum(dim=-1), source=keys.size(1))
            if window is not None:
                return self._in_window(states, query.coverage, keys, values, mask, window)
        scores = self._scores(states, keys, query.coverage)
        weights, log_probs = self.selection(self.normalizer(scores, mask))
        return AttentionOutput(weights.to(values.dtype) @ values, weights, log_probs)

    def _scores(self, states: Tensor, keys: Tensor, coverage: Tensor | None) -> Tensor:
        if self.has_coverage:
            assert isinstance(self.score, TanhScore), "the others refuse it"
            return self.score(states, keys, coverage)
        return self.score(states, keys)

    def _in_window(
        self,
        states: Tensor,
        coverage: Tensor | None,
        keys: Tensor,
        values: Tensor,
        mask: Tensor,
        window: Window,
    ) -> AttentionOutput:
        """The same, restricted to a window: each query becomes a batch of its own."""
        batch, target, width = window.index.shape
        apart = (batch * target, 1, width)

        def inside_window(source: Tensor) -> Tensor:
            """(batch, source, *) -> (batch * target, width, *)"""
            first = torch.arange(batch, device=source.device).view(batch, 1, 1)
            return source[first, window.index].flatten(0, 1)

        if coverage is not None:
            coverage = coverage.gather(-1, window.index).view(apart)
        queries = states.reshape(-1, 1, states.size(-1))
        scores = self._scores(queries, inside_window(keys), coverage)
        inside = window.inside & mask.expand(-1, target, -1).gather(-1, window.index)
        weights = self.normalizer(scores, inside.view(apart))
        if window.factor is not None:
            weights = weights * window.factor.view(apart).to(weights.dtype)
        weights, log_probs = self.selection(weights)
        contexts = (weights.to(values.dtype) @ inside_window(values)).view(batch, target, -1)
        everywhere = weights.new_zeros(batch, target, keys.size(1))
        everywhere = everywhere.scatter_add(-1, window.index, weights.view(batch, target, width))
        return AttentionOutput(
            contexts, everywhere, None if log_probs is None else log_probs.view(batch, target)
        )


class MultiHead(Attention):
    """C = [C_1; ...; C_h] W_O,  C_i = attention(Q W_i^Q, K W_i^K, V W_i^V)

    Vaswani et al. (2017), section 3.2.2: https://arxiv.org/abs/1706.03762, for any score: heads
    differ by their projections, and share what parameters the score and the normaliser have.
    """

    def __init__(
        self, config: AttentionConfig, *, query: int, memory: int, rotary: bool = False
    ) -> None:
        super().__init__()
        size = config.size or query
        if size % config.heads:
            raise ConfigError(
                f"heads is {config.heads}, which does not divide the {size} that they share: "
                f"set size to a multiple of {config.heads}, or heads to a divisor of {size}"
            )
        if scores[config.score].reads_words:
            raise ConfigError(f"score '{config.score}' has no heads: set heads to 1")
        width = size // config.heads
        one = config.model_copy(update={"heads": 1, "size": None})
        self.heads, self.context = config.heads, memory
        self.query = nn.Linear(query, size)
        self.key = nn.Linear(memory, size)
        self.value = nn.Linear(memory, size)
        self.inner = SingleHead(one, query=width, memory=width, rotary=rotary)
        self.output = nn.Linear(config.heads * self.inner.context, memory)
        for linear in (self.query, self.key, self.value, self.output):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)
        self.sums_to_one = self.inner.sums_to_one
        self.has_coverage = self.inner.has_coverage

    def prepare(
        self, states: Tensor, summary: Tensor | None = None, *, first: int = 0
    ) -> tuple[Tensor, Tensor]:
        keys = self.inner.keys(self.apart(self.key(states)), first=first)
        values = self.inner.score.values(self.apart(self.value(states)))
        return self._together(keys), self._together(values)

    def forward(self, query: Query, keys: Tensor, values: Tensor, mask: Tensor) -> AttentionOutput:
        coverage = query.coverage
        inner = Query(
            self.apart(self.query(query.states.to(keys.dtype))),
            query.positions.repeat_interleave(self.heads, dim=0),
            query.words,  # of which a score with heads reads nothing
            None if coverage is None else coverage.repeat_interleave(self.heads, dim=0),
        )
        mask = mask.repeat_interleave(self.heads, dim=0)
        output = self.inner(inner, self.apart(keys), self.apart(values), mask)
        weights = output.weights.unflatten(0, (-1, self.heads))
        log_probs = output.draw_log_probs
        return AttentionOutput(
            self.output(self._together(output.contexts)),
            weights.mean(dim=1),
            None if log_probs is None else log_probs.unflatten(0, (-1, self.heads)).sum(dim=1),
            weights,
        )

    def apart(self, states: Tensor) -> Tensor:
        """(batch, length, heads * width) -> (batch * heads, length, width)"""
        return states.unflatten(-1, (self.heads, -1)).transpose(1, 2).flatten(0, 1)

    def _together(self, states: Tensor) -> Tensor:
        """(batch * heads, length, width) -> (batch, length, heads * width)"""
        return states.unflatten(0, (-1, self.heads)).transpose(1, 2).flatten(2)


class NoAttention(Attention):
    """c_t = the summary of the sentence, at every position: the fixed vector of the first models.

    Cho et al. (2014): https://arxiv.org/abs/1406.1078; Sutskever et al. (2014):
    https://arxiv.org/abs/1409.3215. Its weights are zero: it attends to nothing.
    """

    sums_to_one = False

    def __init__(self, memory: int) -> None:
        super().__init__()
        self.context = memory

    def prepare(
        self, states: Tensor, summary: Tensor | None = None, *, first: int = 0
    ) -> tuple[Tensor, Tensor]:
        assert summary is not None, "nothing else is read"
        return states[..., :0], summary.unsqueeze(1)

    def forward(self, query: Query, keys: Tensor, values: Tensor, mask: Tensor) -> AttentionOutput:
        batch, target, _ = query.states.shape
        weights = torch.zeros(batch, target, keys.size(1), device=keys.device)
        return AttentionOutput(values.expand(-1, target, -1), weights)


def _check(config: AttentionConfig) -> None:
    """Refuse parts that do not fit each other."""
    name, local = config.score, config.scope != "global"
    if local and scores[name].reads_words:
        raise ConfigError(
            f"score '{name}' scores all positions, but scope is '{config.scope}': "
            "set scope to global, or take another score"
        )
    if config.position_weights and (local or config.normalizer != "weighted_softmax"):
        raise ConfigError(
            "position_weights belong to normalizer 'weighted_softmax' and scope 'global', but they "
            f"are '{config.normalizer}' and '{config.scope}': set position_weights to false"
        )
    if config.selection == "soft":
        return
    if config.scope == "local-p" or not normalizers[config.normalizer].sums_to_one:
        raise ConfigError(
            f"selection '{config.selection}' draws from a distribution, which normalizer "
            f"'{config.normalizer}' with scope '{config.scope}' does not give: set selection to "
            "soft, or take normalizer softmax and scope global or local-m"
        )
