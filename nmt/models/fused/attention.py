"""Attention position by position, forward and backward: a score, a normaliser, an average."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from nmt.models.attention import Attention, MultiHead, NoAttention, SingleHead
from nmt.models.attention.selection import Soft
from nmt.models.contract import Memory
from nmt.models.fused.base import Dtypes, FusedModule, over_target, summed, weight_gradient
from nmt.models.fused.normalizers import FusedNormalizer, fused_normalizer
from nmt.models.fused.scopes import FUSED as SCOPES
from nmt.models.fused.scopes import FusedScope
from nmt.models.fused.scores import FusedScore, fused_score


class FusedAttention(FusedModule):
    """Contexts from queries. Built as `FusedAttention(attention, memory, words, dtypes)`.

    words: (batch, target, inputs), those that are read last at each position
    contexts: (target, batch, context), compute dtype
    """

    contexts: Tensor

    @classmethod
    @abstractmethod
    def supports(cls, attention: Attention) -> bool:
        """Whether all parts of an attention of this kind are fused."""

    @abstractmethod
    def __init__(
        self, attention: Attention, memory: Memory, words: Tensor, dtypes: Dtypes
    ) -> None: ...

    @abstractmethod
    def forward(self, position: int, query: Tensor) -> Tensor:
        """query: (batch, hidden), compute dtype -> the context, (batch, context), compute dtype"""

    def read(self, position: int, words: Tensor) -> None:
        """Other words at a position than those known at first: (batch, inputs)"""

    @abstractmethod
    def all_weights(self) -> Tensor:
        """(target, batch, source), accumulate dtype, once all positions have attended"""

    @abstractmethod
    def backward(self, position: int, grad_context: Tensor, grad_weights: Tensor | None) -> Tensor:
        """(batch, context), compute dtype -> the gradient of the query, (batch, hidden)"""


class FusedSingleHead(FusedAttention):
    """c_t = sum_j a_tj v_j

    weights: (target, batch, source), accumulate dtype
    """

    @classmethod
    def supports(cls, attention: Attention) -> bool:
        """Draws, rotation, or a part of another formula have no fused module."""
        return type(attention) is SingleHead and fused_parts(attention) is not None

    def __init__(
        self,
        attention: Attention,
        memory: Memory,
        words: Tensor,
        dtypes: Dtypes,
        *,
        heads: int = 1,
    ) -> None:
        """heads: how many neighbours in the batch attend for the same sentence"""
        assert isinstance(attention, SingleHead), "its kind was chosen by the attention"
        kinds = fused_parts(attention)
        assert kinds is not None, "checked by `supports`"
        scoring, normalizing, scope = kinds
        target, batch = words.size(1), len(memory.mask)
        self.scope = scope(attention.scope, memory.mask, target, dtypes)
        self.scoring = scoring(attention.score, memory.keys, words, dtypes, heads=heads)
        self.normalizing = normalizing(attention.normalizer, memory.mask, target, dtypes)
        self.parts = (self.scoring, self.normalizing, self.scope)
        self.inputs = (memory.values, *(tensor for part in self.parts for tensor in part.inputs))
        self.values = memory.values.detach().to(dtypes.compute).contiguous()
        self.weights = self.scope.final(self.normalizing.weights)
        self.contexts = self.values.new_empty(target, batch, self.values.size(-1))
        self.grad_contexts = torch.empty_like(self.contexts)

    def begin_backward(self) -> None:
        for part in self.parts:
            part.begin_backward()

    def read(self, position: int, words: Tensor) -> None:
        self.scoring.read(position, words)

    def forward(self, position: int, query: Tensor) -> Tensor:
        scores = self.scoring.forward(position, query)
        normalized = self.normalizing.forward(position, scores, self.scope.forward(position, query))
        weights = self.scope.weigh(position, normalized)
        self.scoring.attended(position, weights)
        return self.contexts[position].copy_(summed(weights, self.values))

    def all_weights(self) -> Tensor:
        return self.weights[:]

    def backward(self, position: int, grad_context: Tensor, grad_weights: Tensor | None) -> Tensor:
        self.grad_contexts[position] = grad_context
        grad = torch.bmm(grad_context.unsqueeze(1), self.values.transpose(1, 2)).squeeze(1)
        grad = grad.to(self.weights.dtype)
        if grad_weights is not None:
            grad += grad_weights
        self.scoring.add_grad_weights(grad)
        grad_scores = self.normalizing.backward(position, self.scope.backward(position, grad))
        return self.scope.add_grad_query(position, self.scoring.backward(position, grad_scores))

    def gradients(self) -> Sequence[Tensor]:
        grad_values = over_target(self.weights, self.grad_contexts)
        return grad_values, *(grad for part in self.parts for grad in part.gradients())


class FusedMultiHead(FusedAttention):
    """C = [C_1; ...; C_h] W_O + b_O,  C_i from queries W_i^Q q + b_i^Q: heads fold into the batch.

    queries: (target, batch, hidden), compute dtype
    grad_projected, grad_contexts: (target, batch, size), (target, batch, context), compute dtype
    """

    @classmethod
    def supports(cls, attention: Attention) -> bool:
        return type(attention) is MultiHead and FusedSingleHead.supports(attention.inner)

    def __init__(self, attention: Attention, memory: Memory, words: Tensor, dtypes: Dtypes) -> None:
        assert isinstance(attention, MultiHead), "its kind was chosen by the attention"
        heads, query, output = attention.heads, attention.query, attention.output
        self.heads = heads
        folded = Memory(
            attention.apart(memory.values),
            attention.apart(memory.keys),
            memory.mask.repeat_interleave(heads, dim=0),
            memory.summary,
        )
        self.inner = FusedSingleHead(attention.inner, folded, words, dtypes, heads=heads)
        projections = (query.weight, query.bias, output.weight, output.bias)
        self.inputs = (*self.inner.inputs, *projections)
        self.by_query, self.shift, self.by_output, self.output_shift = (
            each.detach().to(dtypes.compute) for each in projections
        )
        batch, target, _ = words.shape
        self.queries = self.by_query.new_empty(target, batch, query.in_features)
        self.grad_projected = self.by_query.new_empty(target, batch, query.out_features)
        self.contexts = self.by_query.new_empty(target, batch, output.out_features)
        self.grad_contexts = torch.empty_like(self.contexts)

    def begin_backward(self) -> None:
        self.inner.begin_backward()

    def forward(self, position: int, query: Tensor) -> Tensor:
        self.queries[position] = query
        projected = torch.addmm(self.shift, query, self.by_query.t())
        together = self._together(self.inner.forward(position, self._apart(projected)))
        return torch.addmm(
            self.output_shift, together, self.by_output.t(), out=self.contexts[position]
        )

    def all_weights(self) -> Tensor:
        return self.inner.weights.unflatten(1, (-1, self.heads)).mean(dim=2)

    def backward(self, position: int, grad_context: Tensor, grad_weights: Tensor | None) -> Tensor:
        self.grad_contexts[position] = grad_context
        if grad_weights is not None:
            grad_weights = (grad_weights / self.heads).repeat_interleave(self.heads, dim=0)
        grad_together = self._apart(grad_context @ self.by_output)
        grad = self._together(self.inner.backward(position, grad_together, grad_weights))
        return self.grad_projected[position].copy_(grad) @ self.by_query

    def gradients(self) -> Sequence[Tensor]:
        together = self.inner.contexts.view(*self.contexts.shape[:2], -1)
        return (
            *self.inner.gradients(),
            weight_gradient(self.grad_projected, self.queries),
            self.grad_projected.sum(dim=(0, 1)),
            weight_gradient(self.grad_contexts, together),
            self.grad_contexts.sum(dim=(0, 1)),
        )

    def _apart(self, rows: Tensor) -> Tensor:
        """(batch, heads * width) -> (batch * heads, width)"""
        return rows.unflatten(-1, (self.heads, -1)).flatten(0, 1)

    def _together(self, rows: Tensor) -> Tensor:
        """(batch * heads, width) -> (batch, heads * width)"""
        return rows.unflatten(0, (-1, self.heads)).flatten(1)


class FusedNoAttention(FusedAttention):
    """c_t = the summary, at every position, with weights of zero."""

    @classmethod
    def supports(cls, attention: Attention) -> bool:
        return type(attention) is NoAttention

    def __init__(self, attention: Attention, memory: Memory, words: Tensor, dtypes: Dtypes) -> None:
        self.inputs = (memory.values,)
        target, (batch, source) = words.size(1), memory.mask.shape
        context = memory.values.detach().to(dtypes.compute).squeeze(1)
        self.contexts = context.expand(target, -1, -1)
        self.weights = torch.zeros(target, batch, source, device=context.device)
        self.no_grad_query = context.new_zeros(batch, 1)
        self.accumulate = dtypes.accumulate

    def begin_backward(self) -> None:
        self.grad_context = torch.zeros_like(self.contexts[0], dtype=self.accumulate)

    def forward(self, position: int, query: Tensor) -> Tensor:
        return self.contexts[position]

    def all_weights(self) -> Tensor:
        return self.weights[:]

    def backward(self, position: int, grad_context: Tensor, grad_weights: Tensor | None) -> Tensor:
        self.grad_context += grad_context
        return self.no_grad_query

    def gradients(self) -> Sequence[Tensor]:
        return (self.grad_context.unsqueeze(1),)


KINDS: Mapping[type[Attention], type[FusedAttention]] = {
    SingleHead: FusedSingleHead,
    MultiHead: FusedMultiHead,
    NoAttention: FusedNoAttention,
}


def supports(attention: Attention) -> bool:
    """Whether an attention and all of its parts have fused modules."""
    kind = KINDS.get(type(attention))
    return kind is not None and kind.supports(attention)


def fused_attention(
    attention: Attention, memory: Memory, words: Tensor, dtypes: Dtypes
) -> FusedAttention:
    """The fused module of an attention that `supports` knows. words: (batch, target, inputs)"""
    return KINDS[type(attention)](attention, memory, words, dtypes)


class FusedParts(NamedTuple):
    """The fused modules of the parts of an attention with one head."""

    scoring: type[FusedScore]
    normalizing: type[FusedNormalizer]
    scope: type[FusedScope]


def fused_parts(attention: SingleHead) -> FusedParts | None:
    """Those of an attention, if all exist."""
    scoring = fused_score(attention.score)
    normalizing = fused_normalizer(attention.normalizer)
    scope = SCOPES.get(type(attention.scope))
    if scoring is None or normalizing is None or scope is None:
        return None
    soft = type(attention.selection) is Soft and not attention.rotary
    return FusedParts(scoring, normalizing, scope) if soft else None
