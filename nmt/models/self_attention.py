"""Self-attention: the sublayers of a layer whose positions attend to each other.

What differs between networks of this kind (which score, how many heads, whether there are
residuals, normalisation, a feed-forward network) is a word in the config, so that everything from
softmax(X X^T) X to the encoder of the Transformer is the same few lines.
"""

from abc import ABC

import torch
from torch import Tensor, nn

from nmt.config import NO_ATTENTION, AttentionConfig, SelfAttentionConfig
from nmt.errors import ConfigError
from nmt.models.attention import Attention, AttentionOutput, Query, attention_of, scores
from nmt.models.dropout import Dropout

KeyValues = tuple[Tensor, Tensor]
"""Keys and values of positions that were read before: (batch, before, *) each."""
ROTARY = ("dot", "scaled_dot", "cosine")
"""Scores that compare vectors as they are, so that rotating both tells their distance."""


class Sublayer(nn.Module, ABC):
    """One part of a layer, f, with normalisation, dropout and residual connection.

    post  norm(x + drop(f(x)))    Vaswani et al. (2017), section 5.4
    pre   x + drop(f(norm(x)))    Xiong et al. (2020), section 3.1: deep stacks learn without
                                  warm-up. https://arxiv.org/abs/2002.04745
    none  x + drop(f(x))          in each of them x is added only if config.residual
    """

    def __init__(self, config: SelfAttentionConfig, *, size: int, dropout: float) -> None:
        super().__init__()
        self.norm = norm_of(size, config.norm != "none")
        self.pre_norm, self.residual = config.norm == "pre", config.residual
        self.dropout = Dropout(dropout)

    def pre(self, states: Tensor) -> Tensor:
        """The input of f."""
        return self.norm(states) if self.pre_norm else states

    def post(self, states: Tensor, output: Tensor) -> Tensor:
        """The new states, from the old ones and the output of f."""
        output = self.dropout(output)
        if self.residual:
            output = states + output
        return output if self.pre_norm else self.norm(output)


class SelfAttention(Sublayer):
    """f(X) = attention(Q = X, K = X, V = X), of any registered score and any number of heads."""

    def __init__(
        self, config: SelfAttentionConfig, *, size: int, dropout: float, where: str
    ) -> None:
        super().__init__(config, size=size, dropout=dropout)
        _check(config, size, where)
        rotary = config.positions == "rotary"
        self.attention = attending(where, config, query=size, memory=size, rotary=rotary)
        if self.attention.context != size:
            raise ConfigError(
                f"{where}.size is {config.size}, but the contexts of score '{config.score}' must "
                f"be as wide as a state, {size}: leave {where}.size out"
            )

    def forward(
        self,
        states: Tensor,
        positions: Tensor,
        mask: Tensor,
        past: KeyValues | None = None,
        *,
        outputs: list[AttentionOutput] | None = None,
    ) -> tuple[Tensor, KeyValues]:
        """states: (batch, length, size); positions: (batch, length) int64
        mask: (batch, 1 or length, before + length)

        Returns the new states, and keys and values of all positions up to here.
        outputs: a list to which the output is added, for its weights
        """
        inputs = self.pre(states)
        first = past[0].size(1) if past else 0
        keys, values = self.attention.prepare(inputs, first=first)
        if past:
            keys, values = torch.cat([past[0], keys], dim=1), torch.cat([past[1], values], dim=1)
        query = Query(inputs, positions, words=inputs)
        output = self.attention(query, keys, values, mask)
        if outputs is not None:
            outputs.append(output)
        return self.post(states, output.contexts), (keys, values)


class FeedForward(Sublayer):
    """f(x) = W_2 max(0, W_1 x + b_1) + b_2, at each position alone; nothing if W_1 has no rows.

    Vaswani et al. (2017), section 3.3: https://arxiv.org/abs/1706.03762
    """

    def __init__(self, config: SelfAttentionConfig, *, size: int, dropout: float) -> None:
        super().__init__(config, size=size, dropout=dropout)
        self.there = config.feed_forward > 0
        if not self.there:
            self.norm = nn.Identity()
            return
        self.inner = nn.Linear(size, config.feed_forward)
        self.outer = nn.Linear(config.feed_forward, size)
        for linear in (self.inner, self.outer):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, states: Tensor) -> Tensor:
        if not self.there:
            return states
        return self.post(states, self.outer(self.inner(self.pre(states)).relu()))


def attending(
    where: str,
    config: AttentionConfig,
    *,
    query: int,
    memory: int,
    words: int = 0,
    rotary: bool = False,
) -> Attention:
    """`attention_of`, with errors that name the section of the config."""
    try:
        return attention_of(config, query=query, memory=memory, words=words, rotary=rotary)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def _check(config: SelfAttentionConfig, size: int, where: str) -> None:
    """Refuse options that make no sense within one sequence.

    Raises:
        ConfigError: it is asked for.
    """
    refusals = [
        (config.score == NO_ATTENTION, f"score is '{NO_ATTENTION}'", "nothing would "
         "attend: take another score"),
        (config.scope != "global", f"scope is '{config.scope}'", "there is no local attention "
         "within one sequence: set scope to global"),
        (config.coverage, "coverage is true", "positions are read at once, none after another: "
         "set it to false"),
        (config.selection == "reinforce", "selection is 'reinforce'", "what a position draws "
         "within its own sequence is not rewarded: set selection to soft or gumbel"),
    ]  # fmt: skip
    for asked, what, why in refusals:
        if asked:
            raise ConfigError(f"{where}.{what}, but {why}")
    if scores[config.score].reads_words:
        raise ConfigError(
            f"{where}.score is '{config.score}', which asks by the last written word, and there is "
            "none within one sequence: take another score"
        )
    if config.positions == "rotary":
        _check_rotation(config, size, where)


def _check_rotation(config: SelfAttentionConfig, size: int, where: str) -> None:
    if config.score not in ROTARY:
        raise ConfigError(
            f"{where}.positions is 'rotary', but score '{config.score}' does not compare vectors "
            f"as they are: take score {', '.join(ROTARY[:-1])} or {ROTARY[-1]}, or positions "
            "sinusoidal or learned"
        )
    shared = config.size or size if config.heads > 1 else size
    if shared // config.heads % 2:
        raise ConfigError(
            f"{where}.positions is 'rotary', which turns pairs of numbers, but {config.heads} of "
            f"heads share {shared}, {shared // config.heads} each: make that even"
        )


def norm_of(size: int, there: bool) -> nn.Module:
    """Layer normalisation (Ba et al., 2016: https://arxiv.org/abs/1607.06450), or nothing."""
    return nn.LayerNorm(size) if there else nn.Identity()


def positions_from(first: int, states: Tensor) -> Tensor:
    """The positions of states, starting at `first`: (batch, length, *) -> (batch, length)"""
    batch, length = states.shape[:2]
    return torch.arange(first, first + length, device=states.device).expand(batch, -1)


def maps_of(outputs: list[AttentionOutput], side: str, ending: str = "") -> dict[str, Tensor]:
    """The matrices of all layers and heads, by name: (batch, target, source) each"""
    return {
        f"{side} layer {layer} head {head}{ending}": weights
        for layer, output in enumerate(outputs, start=1)
        for head, weights in enumerate(output.by_head.unbind(dim=1), start=1)
    }
