"""Scopes position by position: which source positions may be attended to, and by what factor.

The plain attention gathers a window, so that its cost does not grow with the source. Here a window
is a mask over the source: in a loop one product with all keys costs less than gathering a few.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from nmt.models.attention.scopes import Global, Monotonic, Predictive, Scope
from nmt.models.fused.base import (
    Dtypes,
    FusedModule,
    sigmoid_backward_,
    tanh_,
    tanh_backward_,
    weight_gradient,
)


class FusedScope(FusedModule):
    """Where queries attend. Built as `FusedScope(scope, mask, target, dtypes)`.

    mask: (batch, source), False at padding
    """

    def __init__(self, scope: Scope, mask: Tensor, target: int, dtypes: Dtypes) -> None:
        self.inputs = ()
        self.padding = ~mask.unsqueeze(1)

    def begin_backward(self) -> None:
        pass

    @abstractmethod
    def forward(self, position: int, query: Tensor) -> Tensor:
        """(batch, hidden), compute dtype -> (batch, 1, source), True where it does not attend"""

    def final(self, weights: Tensor) -> Tensor:
        """Where `weigh` keeps its results; weights: (target, batch, source), the normalised ones"""
        return weights

    def weigh(self, position: int, weights: Tensor) -> Tensor:
        """(batch, source), accumulate dtype -> what counts of the normalised weights"""
        return weights

    def backward(self, position: int, grad_weights: Tensor) -> Tensor:
        """From the gradient of what counts to that of the normalised weights, (batch, source)"""
        return grad_weights

    def add_grad_query(self, position: int, grad_query: Tensor) -> Tensor:
        """(batch, hidden) -> the same, with what the scope itself reads of the query"""
        return grad_query

    def gradients(self) -> Sequence[Tensor]:
        return ()


class FusedGlobal(FusedScope):
    """Every position."""

    def forward(self, position: int, query: Tensor) -> Tensor:
        return self.padding


class FusedMonotonic(FusedScope):
    """A window that moves with the target position, whatever the query.

    outside: (target, batch, 1, source)
    """

    def __init__(self, scope: Scope, mask: Tensor, target: int, dtypes: Dtypes) -> None:
        super().__init__(scope, mask, target, dtypes)
        assert isinstance(scope, Monotonic), "its kind was chosen by the scope"
        centre = torch.arange(target, device=mask.device).unsqueeze(1)
        self.outside = _outside(centre, mask.sum(dim=-1), scope.window, self.padding)

    def forward(self, position: int, query: Tensor) -> Tensor:
        return self.outside[position]


class FusedPredictive(FusedScope):
    """p = S sigmoid(v . tanh(W q)), a window around it, and factors exp(-(j - p)^2 / (2 sigma^2))

    queries, mixed, grad_mixed: (target, batch, query), compute dtype: q, tanh(W q), gradient of W q
    shares: (target, batch, 1), accumulate dtype: sigmoid(v . tanh(W q))
    weights, weighed: (target, batch, source), accumulate dtype: before and after the factors
    """

    def __init__(self, scope: Scope, mask: Tensor, target: int, dtypes: Dtypes) -> None:
        super().__init__(scope, mask, target, dtypes)
        assert isinstance(scope, Predictive), "its kind was chosen by the scope"
        self.inputs = (scope.W_p.weight, scope.v_p.weight)
        self.by_query, self.v = (each.detach().to(dtypes.compute) for each in self.inputs)
        self.window, self.variance = scope.window, (scope.window / 2) ** 2
        self.lengths = mask.sum(dim=-1, keepdim=True)
        self.positions = torch.arange(mask.size(1), device=mask.device)
        self.queries = self.by_query.new_empty(target, len(mask), self.by_query.size(1))
        self.mixed, self.grad_mixed = torch.empty_like(self.queries), torch.empty_like(self.queries)
        self.shares = self.queries.new_empty(target, len(mask), 1, dtype=dtypes.accumulate)
        self.grad_shares = torch.empty_like(self.shares)

    def forward(self, position: int, query: Tensor) -> Tensor:
        self.queries[position] = query
        mixed = tanh_((query @ self.by_query.t()).to(self.shares.dtype))
        predicted = self.mixed[position].copy_(mixed) @ self.v.t()
        torch.sigmoid(predicted.to(self.shares.dtype), out=self.shares[position])
        centre = self._centre(position).round().long()
        return _outside(centre.squeeze(-1), self.lengths.squeeze(-1), self.window, self.padding)

    def _centre(self, position: int) -> Tensor:
        """(batch, 1)"""
        return self.lengths * self.shares[position]

    def _distance(self, position: int) -> Tensor:
        """(batch, source)"""
        return self.positions - self._centre(position)

    def _factor(self, distance: Tensor) -> Tensor:
        return torch.exp(-(distance**2) / (2 * self.variance))

    def final(self, weights: Tensor) -> Tensor:
        self.weights, self.weighed = weights, torch.empty_like(weights)
        return self.weighed

    def weigh(self, position: int, weights: Tensor) -> Tensor:
        factor = self._factor(self._distance(position))
        return torch.mul(weights, factor, out=self.weighed[position])

    def backward(self, position: int, grad_weights: Tensor) -> Tensor:
        distance = self._distance(position)
        grad = grad_weights * self._factor(distance)
        grad_centre = torch.linalg.vecdot(grad * self.weights[position], distance) / self.variance
        grad_share = grad_centre.unsqueeze(-1) * self.lengths
        self.grad_shares[position] = sigmoid_backward_(grad_share, self.shares[position])
        return grad

    def add_grad_query(self, position: int, grad_query: Tensor) -> Tensor:
        grad_mixed = self.grad_shares[position] * self.v
        tanh_backward_(grad_mixed, self.mixed[position].to(grad_mixed.dtype))
        return grad_query + self.grad_mixed[position].copy_(grad_mixed) @ self.by_query

    def gradients(self) -> Sequence[Tensor]:
        grad_shares = self.grad_shares.to(self.mixed.dtype)
        return (
            weight_gradient(self.grad_mixed, self.queries),
            weight_gradient(grad_shares, self.mixed),
        )


def _outside(centre: Tensor, lengths: Tensor, window: int, padding: Tensor) -> Tensor:
    """What is farther than `window` from the centre, or from the last position if that is before.

    centre: (*, batch) int64; lengths: (batch,); padding: (batch, 1, source)
    Returns (*, batch, 1, source), True at padding, too.
    """
    last = (lengths - 1).clamp(min=0)
    positions = torch.arange(padding.size(-1), device=padding.device)
    distance = positions - torch.minimum(centre, last)[..., None, None]
    return (distance.abs() > window) | padding


FUSED: Mapping[type[Scope], type[FusedScope]] = {
    Global: FusedGlobal,
    Monotonic: FusedMonotonic,
    Predictive: FusedPredictive,
}
"""The fused module of a scope, if there is one."""
