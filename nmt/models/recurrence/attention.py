"""Attention with softmax position by position, forward and backward.

What a position adds to the slopes of the keys and of the encoder's states is not summed up in the
loop: one batched product over all positions does it afterwards.
"""

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from nmt.models.attention import Attending as Attending_
from nmt.models.attention import Attention
from nmt.models.attention.choices import Soft
from nmt.models.attention.normalizers import Softmax
from nmt.models.attention.scopes import Global
from nmt.models.attention.scores import ProductScore, Score, TanhScore
from nmt.models.contract import Memory
from nmt.models.recurrence.parts import Numbers, Part, weight_gradient


class Attending(Part):
    """Contexts from queries. Sums over a few positions are no matter for narrow products.

    weights: (target, batch, source) wide
    """

    def __init__(self, score: Score, memory: Memory, target: int, numbers: Numbers) -> None:
        self.inputs = (memory.keys, memory.values)
        self.keys = memory.keys.detach().to(numbers.narrow)
        self.states = memory.values.detach().to(numbers.narrow)
        batch, source, width = self.states.shape
        hole = self.states.new_zeros(batch, source, dtype=numbers.wide)
        self.hole = hole.masked_fill_(~memory.mask, -torch.inf)
        self.weights = hole.new_empty(target, batch, source)
        self.of_scores = torch.empty_like(self.weights)
        self.contexts = self.states.new_empty(target, batch, width)
        self.of_contexts = torch.empty_like(self.contexts)

    def turn(self) -> None:
        pass

    def forward(self, position: int, query: Tensor) -> Tensor:
        """query: (batch, hidden) narrow -> the context, (batch, memory) narrow"""
        scores = self.scores(query).add_(self.hole)
        weights = torch.softmax(scores, dim=-1, out=self.weights[position])
        row, context = self._row(weights), self.contexts[position]
        torch.bmm(row, self.states, out=context.unsqueeze(1))
        return context

    def backward(
        self, position: int, query: Tensor, of_context: Tensor, of_weights: Tensor | None
    ) -> Tensor:
        """of_context: (batch, memory) narrow -> the slope of the query, (batch, hidden)"""
        self.of_contexts[position] = of_context
        slope = torch.bmm(of_context.unsqueeze(1), self.states.transpose(1, 2)).squeeze(1)
        weights = self.weights[position]
        slope = slope.to(weights.dtype)
        if of_weights is not None:
            slope += of_weights
        of_scores = torch.ops.aten._softmax_backward_data(slope, weights, -1, slope.dtype)
        self.of_scores[position] = of_scores
        return self.of_query(position, query, of_scores)

    def _row(self, values: Tensor) -> Tensor:
        """(batch, source) -> (batch, 1, source) narrow"""
        return values.to(self.states.dtype).unsqueeze(1)

    def gradients(self) -> Sequence[Tensor]:
        return self.of_keys(), _over_target(self.weights, self.of_contexts)

    @abstractmethod
    def scores(self, query: Tensor) -> Tensor:
        """(batch, hidden) narrow -> (batch, source) wide"""

    @abstractmethod
    def of_query(self, position: int, query: Tensor, of_scores: Tensor) -> Tensor:
        """The slope of the query; what else the scores read is noted for later."""

    @abstractmethod
    def of_keys(self) -> Tensor:
        """(batch, source, *)"""


class ProductAttending(Attending):
    """score = q . k"""

    def __init__(self, score: Score, memory: Memory, target: int, numbers: Numbers) -> None:
        super().__init__(score, memory, target, numbers)
        batch, _, width = self.keys.shape
        self.queries = self.of_contexts.new_empty(target, batch, width)

    def scores(self, query: Tensor) -> Tensor:
        scores = torch.bmm(query.unsqueeze(1), self.keys.transpose(1, 2)).squeeze(1)
        return scores.to(self.hole.dtype)

    def of_query(self, position: int, query: Tensor, of_scores: Tensor) -> Tensor:
        self.queries[position] = query
        return torch.bmm(self._row(of_scores), self.keys).squeeze(1)

    def of_keys(self) -> Tensor:
        return _over_target(self.of_scores, self.queries)


class TanhAttending(Attending):
    """score = v . tanh(W q + k)

    With tanh(x) = 2 s(2x) - 1, where s is the sigmoid, whose slope is s (1 - s): this loop's time
    goes into passes over (batch, source, size), and so there is none but for sums and sigmoids.
    The -1 adds the same to all scores of a row, which no softmax sees.
    """

    def __init__(self, score: Score, memory: Memory, target: int, numbers: Numbers) -> None:
        super().__init__(score, memory, target, numbers)
        assert isinstance(score, TanhScore), "its kind was chosen by the score"
        weight, v = score.query_weight, score.v.weight
        self.inputs = (*self.inputs, weight, v)
        self.keys = memory.keys.detach().to(numbers.wide) * 2
        self.weight = weight.detach().to(numbers.narrow) * 2
        self.v = v.detach()[0].to(numbers.wide) * 2
        self.mixed = torch.empty_like(self.keys)
        batch, size = len(self.keys), len(self.v)
        self.queries = self.of_contexts.new_empty(target, batch, weight.size(1))
        self.of_projected = self.of_contexts.new_empty(target, batch, size)

    def turn(self) -> None:
        self.of_mixed = torch.zeros_like(self.keys)
        self.of_v = torch.zeros_like(self.v)

    def scores(self, query: Tensor) -> Tensor:
        return torch.linalg.vecdot(self._sigmoids(query), self.v)

    def _sigmoids(self, query: Tensor) -> Tensor:
        """(batch, source, size)"""
        projected = (query @ self.weight.t()).to(self.keys.dtype)
        return torch.add(self.keys, projected.unsqueeze(1), out=self.mixed).sigmoid_()

    def of_query(self, position: int, query: Tensor, of_scores: Tensor) -> Tensor:
        self.queries[position] = query
        row = of_scores.unsqueeze(1)
        sigmoids = self._sigmoids(query)
        self.of_v += torch.bmm(row, sigmoids).sum(dim=(0, 1))
        slopes = torch.addcmul(sigmoids, sigmoids, sigmoids, value=-1, out=self.mixed)
        self.of_mixed.addcmul_(slopes, of_scores.unsqueeze(-1))
        of_projected = self.of_projected[position]
        of_projected.copy_(torch.bmm(row, slopes).squeeze(1).mul_(self.v))
        return of_projected @ self.weight

    def of_keys(self) -> Tensor:
        return self.of_mixed * (2 * self.v)

    def gradients(self) -> Sequence[Tensor]:
        return (
            *super().gradients(),
            weight_gradient(self.of_projected, self.queries) * 2,
            2 * self.of_v.unsqueeze(0),
        )


def attending_kind(attention: Attending_) -> type[Attending] | None:
    """The part that computes an attention, if there is one."""
    if not isinstance(attention, Attention) or not _plain(attention):
        return None
    if isinstance(attention.score, ProductScore):
        return ProductAttending
    return TanhAttending if isinstance(attention.score, TanhScore) else None


def _plain(attention: Attention) -> bool:
    normalizer, score = attention.normalizer, attention.score
    if isinstance(score, TanhScore) and not score.plain:
        return False
    softmax = type(normalizer) is Softmax and normalizer.temperature == 1
    whole = isinstance(attention.scope, Global) and isinstance(attention.choice, Soft)
    return softmax and whole and not score.reads_words


def _over_target(rows: Tensor, columns: Tensor) -> Tensor:
    """(target, batch, source), (target, batch, width) -> (batch, source, width)"""
    return torch.bmm(rows.permute(1, 2, 0).to(columns.dtype), columns.transpose(0, 1))
