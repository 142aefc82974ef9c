"""Attention position by position, forward and backward: a score, a normaliser, an average."""

from collections.abc import Sequence

import torch
from torch import Tensor

from nmt.models.attention import Attention, SingleHead
from nmt.models.attention.scopes import Global
from nmt.models.attention.selection import Soft
from nmt.models.contract import Memory
from nmt.models.fused.base import Dtypes, FusedModule, over_target, summed
from nmt.models.fused.normalizers import FusedNormalizer, fused_normalizer
from nmt.models.fused.scores import FusedScore, fused_score


class FusedAttention(FusedModule):
    """Contexts from queries.

    weights: (target, batch, source), accumulate dtype
    contexts: (target, batch, context), compute dtype
    """

    def __init__(
        self, scoring: FusedScore, normalizing: FusedNormalizer, values: Tensor, dtypes: Dtypes
    ) -> None:
        self.scoring, self.normalizing = scoring, normalizing
        self.inputs = (values, *scoring.inputs, *normalizing.inputs)
        self.values = values.detach().to(dtypes.compute).contiguous()
        self.weights = normalizing.weights
        target, batch, _ = self.weights.shape
        self.contexts = self.values.new_empty(target, batch, values.size(-1))
        self.grad_contexts = torch.empty_like(self.contexts)

    def begin_backward(self) -> None:
        self.scoring.begin_backward()
        self.normalizing.begin_backward()

    def forward(self, position: int, query: Tensor) -> Tensor:
        """query: (batch, hidden), compute dtype -> the context, (batch, context), compute dtype"""
        weights = self.normalizing.forward(position, self.scoring.forward(position, query))
        return self.contexts[position].copy_(summed(weights, self.values))

    def backward(self, position: int, grad_context: Tensor, grad_weights: Tensor | None) -> Tensor:
        """(batch, context), compute dtype -> the gradient of the query, (batch, hidden)"""
        self.grad_contexts[position] = grad_context
        grad = torch.bmm(grad_context.unsqueeze(1), self.values.transpose(1, 2)).squeeze(1)
        grad = grad.to(self.weights.dtype)
        if grad_weights is not None:
            grad += grad_weights
        return self.scoring.backward(position, self.normalizing.backward(position, grad))

    def gradients(self) -> Sequence[Tensor]:
        grad_values = over_target(self.weights, self.grad_contexts)
        return grad_values, *self.scoring.gradients(), *self.normalizing.gradients()


def fused_attention(
    attention: Attention, memory: Memory, target: int, dtypes: Dtypes
) -> FusedAttention:
    """The fused modules of an attention for which `fused_parts` has them."""
    kinds = fused_parts(attention)
    assert isinstance(attention, SingleHead), "other kinds are not fused"
    assert kinds is not None, "checked by `supports`"
    scoring, normalizing = kinds
    return FusedAttention(
        scoring(attention.score, memory.keys, target, dtypes),
        normalizing(attention.normalizer, memory.mask, target, dtypes),
        memory.values,
        dtypes,
    )


def fused_parts(attention: Attention) -> tuple[type[FusedScore], type[FusedNormalizer]] | None:
    """The fused modules of an attention, if all exist.

    An attention to a window, with draws, with heads, or with more than the state in its query has
    none.
    """
    if type(attention) is not SingleHead or not _looks_everywhere(attention):
        return None
    scoring = fused_score(attention.score)
    normalizing = fused_normalizer(attention.normalizer)
    return None if scoring is None or normalizing is None else (scoring, normalizing)


def _looks_everywhere(attention: SingleHead) -> bool:
    whole = type(attention.scope) is Global and type(attention.selection) is Soft
    return whole and not (attention.rotary or attention.reads_words)
