"""Scores position by position, forward and backward.

What a position adds to the gradients of the keys is not summed up in the loop where one batched
product over all positions can do it afterwards.
"""

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from nmt.models.attention.scores import (
    CosineScore,
    LocationScore,
    ProductScore,
    Score,
    TanhScore,
)
from nmt.models.fused.base import (
    Dtypes,
    FusedModule,
    over_target,
    summed,
    weight_gradient,
)


class FusedScore(FusedModule):
    """Scores of the keys from queries.

    Built as `FusedScore(score, keys, words, dtypes, heads=)`.

    words: (batch, target, inputs), those that are read last at each position
    heads: how many neighbours in the batch attend for the same sentence

    queries: (target, batch, *), compute dtype: what was multiplied
    grad_scores: (target, batch, source), accumulate dtype
    """

    def __init__(
        self, score: Score, keys: Tensor, words: Tensor, dtypes: Dtypes, *, heads: int
    ) -> None:
        self.inputs = (keys,)
        batch, source, _ = keys.shape
        self.grad_scores = keys.new_empty(words.size(1), batch, source, dtype=dtypes.accumulate)

    def begin_backward(self) -> None:
        pass

    @abstractmethod
    def forward(self, position: int, query: Tensor) -> Tensor:
        """(batch, hidden), compute dtype -> (batch, source), accumulate dtype"""

    def read(self, position: int, words: Tensor) -> None:
        """Other words at a position than those known at first: (batch, inputs)"""

    def attended(self, position: int, weights: Tensor) -> None:
        """Learn the weights, (batch, source), that came of the scores."""

    def add_grad_weights(self, grad_weights: Tensor) -> None:
        """Add, at the position that `backward` comes to next, what later scores made of them."""

    @abstractmethod
    def backward(self, position: int, grad_scores: Tensor) -> Tensor:
        """(batch, source), accumulate dtype -> the gradient of the query, (batch, hidden)"""


class FusedProductScore(FusedScore):
    """score = q . k"""

    def __init__(
        self, score: Score, keys: Tensor, words: Tensor, dtypes: Dtypes, *, heads: int
    ) -> None:
        super().__init__(score, keys, words, dtypes, heads=heads)
        self.keys = keys.detach().to(dtypes.compute).contiguous()
        self.queries = self.keys.new_empty(words.size(1), len(keys), keys.size(-1))

    def forward(self, position: int, query: Tensor) -> Tensor:
        self.queries[position] = query
        scores = torch.bmm(query.unsqueeze(1), self.keys.transpose(1, 2)).squeeze(1)
        return scores.to(self.grad_scores.dtype)

    def backward(self, position: int, grad_scores: Tensor) -> Tensor:
        self.grad_scores[position] = grad_scores
        return summed(grad_scores, self.keys)

    def gradients(self) -> Sequence[Tensor]:
        return (over_target(self.grad_scores, self.queries),)


class FusedCosineScore(FusedProductScore):
    """score = u . k,  u = q / |q|;  the gradient of q is that of u, less its part along u, / |q|"""

    def __init__(
        self, score: Score, keys: Tensor, words: Tensor, dtypes: Dtypes, *, heads: int
    ) -> None:
        super().__init__(score, keys, words, dtypes, heads=heads)
        self.lengths = self.grad_scores.new_empty(words.size(1), len(keys), 1)

    def forward(self, position: int, query: Tensor) -> Tensor:
        precise = query.to(self.lengths.dtype)
        length = torch.linalg.vector_norm(precise, dim=-1, keepdim=True).clamp(min=1e-6)
        self.lengths[position] = length
        return super().forward(position, (precise / length).to(query.dtype))

    def backward(self, position: int, grad_scores: Tensor) -> Tensor:
        length, unit = self.lengths[position], self.queries[position].to(grad_scores.dtype)
        grad = super().backward(position, grad_scores).to(grad_scores.dtype)
        return (grad - unit * torch.linalg.vecdot(grad, unit).unsqueeze(-1)) / length


class FusedLocationScore(FusedProductScore):
    """score = w . y + u . s + b,  [w; u; b] a key, y the word read last, s the state

    What words add is known before the loop.

    shares: (batch, target, source), accumulate dtype: w . y + b
    """

    def __init__(
        self, score: Score, keys: Tensor, words: Tensor, dtypes: Dtypes, *, heads: int
    ) -> None:
        width = words.size(-1)
        by_word, by_state, shift = keys[..., :width], keys[..., width:-1], keys[..., -1]
        super().__init__(score, by_state, words, dtypes, heads=heads)
        self.inputs = (keys, words)
        self.words, self.by_word = (each.detach().to(dtypes.compute) for each in (words, by_word))
        shares = torch.bmm(self.words, self.by_word.transpose(1, 2)).to(dtypes.accumulate)
        self.shift = shift.detach()
        self.shares = shares + self.shift.unsqueeze(1)

    def read(self, position: int, words: Tensor) -> None:
        words = self.words[:, position].copy_(words).unsqueeze(-1)
        share = torch.bmm(self.by_word, words).squeeze(-1)
        torch.add(share.to(self.shares.dtype), self.shift, out=self.shares[:, position])

    def forward(self, position: int, query: Tensor) -> Tensor:
        return super().forward(position, query).add_(self.shares[:, position])

    def gradients(self) -> Sequence[Tensor]:
        (grad_by_state,) = super().gradients()
        grad_scores = self.grad_scores.to(self.words.dtype)
        grad_by_word = over_target(grad_scores, self.words.transpose(0, 1))
        grad_shift = self.grad_scores.sum(dim=0).unsqueeze(-1)
        grad_words = torch.bmm(grad_scores.transpose(0, 1), self.by_word)
        return torch.cat([grad_by_word, grad_by_state, grad_shift], dim=-1), grad_words


class FusedTanhScore(FusedScore):
    """score = v . tanh(W q + k)

    With tanh(x) = 2 s(2x) - 1, where s is the sigmoid, whose derivative is s (1 - s): this loop's
    time goes into passes over (batch, source, size), so there is none but for sums and sigmoids.
    The sigmoids are computed again on the way back: keeping them, even in bfloat16, costs as much
    time in memory traffic.
    """

    def __init__(
        self, score: Score, keys: Tensor, words: Tensor, dtypes: Dtypes, *, heads: int
    ) -> None:
        super().__init__(score, keys, words, dtypes, heads=heads)
        assert isinstance(score, TanhScore), "its kind was chosen by the score"
        weight, v = score.query_weight, score.v.weight
        self.inputs = (keys, weight, v)
        self.keys = keys.detach().to(dtypes.accumulate) * 2
        self.weight = weight.detach().to(dtypes.compute) * 2
        self.v = v.detach()[0].to(dtypes.accumulate) * 2
        self.least = -self.v.sum() / 2  # the score where all sigmoids are 0
        self.mixed = torch.empty_like(self.keys, memory_format=torch.contiguous_format)
        target, batch, size = words.size(1), len(keys), len(self.v)
        self.queries = self.weight.new_empty(target, batch, weight.size(1))
        self.projected = self.keys.new_empty(target, batch, size)
        self.grad_projected = self.weight.new_empty(target, batch, size)

    def begin_backward(self) -> None:
        self.grad_mixed = torch.zeros_like(self.mixed)
        self.grad_v = torch.zeros_like(self.v)

    def forward(self, position: int, query: Tensor) -> Tensor:
        self.queries[position] = query
        self.projected[position] = query @ self.weight.t()
        sigmoids = self._sigmoids(position)
        scores = torch.mv(sigmoids.flatten(0, 1), self.v).add_(self.least)
        return scores.view(sigmoids.shape[:2])

    def _sigmoids(self, position: int) -> Tensor:
        """(batch, source, size)"""
        return self._mix(position).sigmoid_()

    def _mix(self, position: int) -> Tensor:
        """2 (W q + k): (batch, source, size)"""
        return torch.add(self.keys, self.projected[position].unsqueeze(1), out=self.mixed)

    def backward(self, position: int, grad_scores: Tensor) -> Tensor:
        self.grad_scores[position] = grad_scores
        sigmoids = self._sigmoids(position)
        self.grad_v += summed(grad_scores, sigmoids).sum(dim=0)
        derivatives = torch.addcmul(sigmoids, sigmoids, sigmoids, value=-1, out=self.mixed)
        self.grad_mixed.addcmul_(derivatives, grad_scores.unsqueeze(-1))
        grad_projected = self.grad_projected[position]
        grad_projected.copy_(summed(grad_scores, derivatives).mul_(self.v))
        return grad_projected @ self.weight

    def gradients(self) -> Sequence[Tensor]:
        grad_v = 2 * self.grad_v - self.grad_scores.sum()
        return (
            self.grad_mixed * (2 * self.v),
            weight_gradient(self.grad_projected, self.queries) * 2,
            grad_v.unsqueeze(0),
        )


class FusedCoverageScore(FusedTanhScore):
    """score = v . tanh(W q + k + V c),  c the sum of all earlier weights

    On the way back, the gradient of each c is one of all the weights before it.

    coverage: (target + 1, batch, source), accumulate dtype: c at each position
    """

    def __init__(
        self, score: Score, keys: Tensor, words: Tensor, dtypes: Dtypes, *, heads: int
    ) -> None:
        super().__init__(score, keys, words, dtypes, heads=heads)
        assert isinstance(score, TanhScore), "its kind was chosen by the score"
        assert score.V is not None, "its kind was chosen by the score"
        self.inputs = (*self.inputs, score.V.weight)
        self.heads = heads
        self.by_coverage = score.V.weight.detach()[:, 0].to(dtypes.accumulate) * 2
        target, batch, source = self.grad_scores.shape
        self.coverage = self.grad_scores.new_empty(target + 1, batch, source)
        self.coverage[0] = 0

    def begin_backward(self) -> None:
        super().begin_backward()
        self.grad_coverage = torch.zeros_like(self.coverage[0])
        self.grad_by_coverage = torch.zeros_like(self.by_coverage)

    def attended(self, position: int, weights: Tensor) -> None:
        covered = self.coverage[position]
        torch.add(covered, self._of_all_heads(weights), out=self.coverage[position + 1])

    def add_grad_weights(self, grad_weights: Tensor) -> None:
        grad_weights += self._of_all_heads(self.grad_coverage)

    def _of_all_heads(self, rows: Tensor) -> Tensor:
        """(batch, source) -> the means over the heads of each sentence, for each head the same"""
        if self.heads == 1:
            return rows
        apart = rows.unflatten(0, (-1, self.heads))
        return apart.mean(dim=1, keepdim=True).expand_as(apart).flatten(0, 1)

    def _mix(self, position: int) -> Tensor:
        coverage = self.coverage[position].unsqueeze(-1)
        mixed = torch.addcmul(self.keys, coverage, self.by_coverage, out=self.mixed)
        return mixed.add_(self.projected[position].unsqueeze(1))

    def backward(self, position: int, grad_scores: Tensor) -> Tensor:
        grad_query = super().backward(position, grad_scores)
        derivatives = self.mixed
        by_coverage = torch.mv(derivatives.flatten(0, 1), self.v * self.by_coverage)
        self.grad_coverage.addcmul_(grad_scores, by_coverage.view_as(grad_scores))
        covered = grad_scores * self.coverage[position]
        self.grad_by_coverage += summed(covered, derivatives).sum(dim=0)
        return grad_query

    def gradients(self) -> Sequence[Tensor]:
        grad_by_coverage = self.grad_by_coverage * (2 * self.v)
        return *super().gradients(), grad_by_coverage.unsqueeze(1)


def fused_score(score: Score) -> type[FusedScore] | None:
    """The fused module of a score, if there is one: a score may project its keys in any way, but
    its formula must be one of those above."""
    if score.reads_words:
        return FusedLocationScore if type(score) is LocationScore else None
    if type(score) is CosineScore:
        return FusedCosineScore
    if type(score).forward is ProductScore.forward:
        return FusedProductScore
    if isinstance(score, TanhScore) and _is_tanh(score):
        return FusedTanhScore if score.V is None else FusedCoverageScore
    return None


def _is_tanh(score: TanhScore) -> bool:
    return type(score).forward is TanhScore.forward and score.activation == "tanh"
