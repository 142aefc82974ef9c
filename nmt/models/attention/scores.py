"""How well a query fits each key: one registered class per formula.

A score has two halves. `project` works on the keys alone and runs once per sentence; `forward`
compares any number of queries with them. `values` is what the weights average. Adding a score is
adding a class to this file: its docstring, formula first and paper second, is what `nmt explain`
prints.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from nmt.config import AttentionConfig
from nmt.errors import ConfigError
from nmt.models.attention.lengths import first_positions
from nmt.registry import Registry


class Score(nn.Module, ABC):
    """How well a query fits each key, before masking and normalising.

    query, memory: the widths of a query and of an encoder state.

    Raises:
        ConfigError: the config asks for coverage or an activation where the formula has none.
    """

    reads_words = False
    """Whether a query is [the last word's vector; the state], and not the state alone."""
    has_position_parameters = False
    """Whether it has parameters for each of max_positions; a longer source is a DataError."""

    def __init__(self, config: AttentionConfig, *, query: int, memory: int) -> None:
        super().__init__()
        self.context = memory
        """Width of a value."""
        if not isinstance(self, TanhScore):
            _refuse_options_of_tanh_scores(config)

    def project(self, states: Tensor) -> Tensor:
        """The keys' part, which no query changes: (batch, source, memory) -> (batch, source, *)"""
        return states

    def values(self, states: Tensor) -> Tensor:
        """What is averaged: (batch, source, memory) -> (batch, source, context)"""
        return states

    @abstractmethod
    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        """(batch, target, query), (batch, source, *) -> (batch, target, source)"""


class ProductScore(Score):
    """score(q, k) = q . k, for any keys"""

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        return query @ keys.transpose(1, 2)


def _identity(values: Tensor) -> Tensor:
    return values


ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "gelu": nn.functional.gelu,
    "identity": _identity,
}


class TanhScore(Score):
    """score(q, k) = v . f(W q + k + V c), for any keys; f = tanh

    c is the sum of the weights that all earlier steps gave to the key; V exists if
    config.coverage: Tu et al. (2016), section 3.1.1: https://arxiv.org/abs/1601.04811, with the
    plain sum of See, Liu and Manning (2017), section 2.3: https://arxiv.org/abs/1704.04368
    """

    v: nn.Linear

    def __init__(self, config: AttentionConfig, *, query: int, memory: int) -> None:
        super().__init__(config, query=query, memory=memory)
        self.size = config.size or query
        self.activation = config.activation
        self.V = nn.Linear(1, self.size, bias=False) if config.coverage else None

    @property
    @abstractmethod
    def query_weight(self) -> Tensor:
        """W: (size, query)"""

    def forward(self, query: Tensor, keys: Tensor, coverage: Tensor | None = None) -> Tensor:
        """coverage: (batch, target, source); None: no position came before."""
        queries = nn.functional.linear(query, self.query_weight)
        mixed = queries.unsqueeze(2) + keys.unsqueeze(1)  # (batch, target, source, size)
        if self.V is not None and coverage is not None:
            mixed = mixed + self.V(coverage.to(mixed.dtype).unsqueeze(-1))
        return self.v(ACTIVATIONS[self.activation](mixed)).squeeze(-1)


scores: Registry[type[Score]] = Registry("attention score")


@scores.register("dot")
class DotScore(ProductScore):
    """score(q, k) = q . k

    Luong, Pham and Manning (2015), section 3.1, equation 8: https://arxiv.org/abs/1508.04025

    Raises:
        ConfigError: queries and keys are of different widths.
    """

    def __init__(self, config: AttentionConfig, *, query: int, memory: int) -> None:
        super().__init__(config, query=query, memory=memory)
        _refuse_unequal(config, query, memory)


@scores.register("scaled_dot")
class ScaledDotScore(ProductScore):
    """score(q, k) = q . k / sqrt(d),  d the width of q and k

    Vaswani et al. (2017), section 3.2.1: https://arxiv.org/abs/1706.03762

    Without the root, scores of wide vectors are large, where softmax has almost no gradient. The
    keys are divided, once per sentence.

    Raises:
        ConfigError: queries and keys are of different widths.
    """

    def __init__(self, config: AttentionConfig, *, query: int, memory: int) -> None:
        super().__init__(config, query=query, memory=memory)
        _refuse_unequal(config, query, memory)

    def project(self, states: Tensor) -> Tensor:
        return states * states.size(-1) ** -0.5


@scores.register("general")
class GeneralScore(ProductScore):
    """score(q, k) = q^T W k

    Luong, Pham and Manning (2015), section 3.1, equation 8: https://arxiv.org/abs/1508.04025

    W: (query, memory)
    """

    def __init__(self, config: AttentionConfig, *, query: int, memory: int) -> None:
        super().__init__(config, query=query, memory=memory)
        self.W = nn.Linear(memory, query, bias=False)

    def project(self, states: Tensor) -> Tensor:
        return self.W(states)


@scores.register("additive")
class AdditiveScore(TanhScore):
    """score(q, k) = v . f(W q + U k + b),  f = tanh unless config.activation names another

    Bahdanau, Cho and Bengio (2015), appendix A.1.2: https://arxiv.org/abs/1409.0473

    W: (size, query), U: (size, memory), b and v: (size). With coverage, V c is added inside f:
    see TanhScore.
    """

    def __init__(self, config: AttentionConfig, *, query: int, memory: int) -> None:
        super().__init__(config, query=query, memory=memory)
        self.W = nn.Linear(query, self.size, bias=False)
        self.U = nn.Linear(memory, self.size)
        self.v = nn.Linear(self.size, 1, bias=False)

    def project(self, states: Tensor) -> Tensor:
        return self.U(states)

    @property
    def query_weight(self) -> Tensor:
        return self.W.weight


@scores.register("concat")
class ConcatScore(TanhScore):
    """score(q, k) = v . f(W [q; k]),  f = tanh unless config.activation names another

    Luong, Pham and Manning (2015), section 3.1, equation 8: https://arxiv.org/abs/1508.04025

    W: (size, query + memory), v: (size). The two halves of W multiply query and key separately, and
    the products are added: this is `additive` without the bias. With coverage, V c
    is added inside f: see TanhScore.
    """

    def __init__(self, config: AttentionConfig, *, query: int, memory: int) -> None:
        super().__init__(config, query=query, memory=memory)
        self.query = query
        self.W = nn.Linear(query + memory, self.size, bias=False)
        self.v = nn.Linear(self.size, 1, bias=False)

    def project(self, states: Tensor) -> Tensor:
        return nn.functional.linear(states, self.W.weight[:, self.query :])

    @property
    def query_weight(self) -> Tensor:
        return self.W.weight[:, : self.query]


@scores.register("cosine")
class CosineScore(Score):
    """score(q, k) = t (q . k) / (|q| |k|),  t learned

    Graves, Wayne and Danihelka (2014), section 3.3.1: https://arxiv.org/abs/1410.5401

    t: one number. It starts at 10: a cosine is at most 1, from which a softmax stays flat.

    Raises:
        ConfigError: queries and keys are of different widths.
    """

    def __init__(self, config: AttentionConfig, *, query: int, memory: int) -> None:
        super().__init__(config, query=query, memory=memory)
        _refuse_unequal(config, query, memory)
        self.t = nn.Parameter(torch.tensor(10.0))

    def project(self, states: Tensor) -> Tensor:
        return self.t * _unit(states)

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        return _unit(query) @ keys.transpose(1, 2)


@scores.register("qkv")
class QKVScore(ProductScore):
    """score(q, k) = (W_q q) . (W_k k) / sqrt(d);  the values averaged are W_v k

    Vaswani et al. (2017), sections 3.2.1 and 3.2.2: https://arxiv.org/abs/1706.03762

    W_q: (size, query), W_k and W_v: (size, memory), d = size. What is compared and what is read
    are learned separately. W_q and the root are multiplied into the keys, once per sentence.
    """

    def __init__(self, config: AttentionConfig, *, query: int, memory: int) -> None:
        super().__init__(config, query=query, memory=memory)
        self.context = config.size or query
        self.W_q = nn.Linear(query, self.context, bias=False)
        self.W_k = nn.Linear(memory, self.context, bias=False)
        self.W_v = nn.Linear(memory, self.context, bias=False)

    def project(self, states: Tensor) -> Tensor:
        keys = self.W_k(states) * self.context**-0.5
        return nn.functional.linear(keys, self.W_q.weight.t())

    def values(self, states: Tensor) -> Tensor:
        return self.W_v(states)


@scores.register("location")
class LocationScore(Score):
    """score(q, j) = w_j . q + b_j,  q = [y_t-1; s_t-1]: of the key only its position j matters

    Luong, Pham and Manning (2015), section 3.1: https://arxiv.org/abs/1508.04025

    W: (max_positions, query), b: (max_positions). The form with the last word's vector in q is
    that of the PyTorch tutorial on translation,
    https://docs.pytorch.org/tutorials/intermediate/seq2seq_translation_tutorial.html
    """

    reads_words = True
    has_position_parameters = True

    def __init__(self, config: AttentionConfig, *, query: int, memory: int) -> None:
        super().__init__(config, query=query, memory=memory)
        self.W = nn.Linear(query, config.max_positions)

    def project(self, states: Tensor) -> Tensor:
        """[w_j; b_j] of each position, the same for all sentences: (batch, source, query + 1)

        Raises:
            DataError: the source is longer than max_positions.
        """
        batch, source, _ = states.shape
        keys = torch.cat([self.W.weight, self.W.bias.unsqueeze(-1)], dim=-1)
        return first_positions(keys, source, "score 'location'").expand(batch, -1, -1)

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        return query @ keys[..., :-1].transpose(1, 2) + keys[..., -1].unsqueeze(1)


def _unit(vectors: Tensor) -> Tensor:
    return nn.functional.normalize(vectors, dim=-1, eps=1e-6)


def _refuse_unequal(config: AttentionConfig, query: int, memory: int) -> None:
    if query != memory:
        raise ConfigError(
            f"score '{config.score}' compares a decoder state of {query} with encoder states of "
            f"{memory}; make them equal (those of a recurrent encoder are twice encoder.size), or "
            "use score 'general'"
        )


def _refuse_options_of_tanh_scores(config: AttentionConfig) -> None:
    supporting = " or ".join(f"'{name}'" for name in scores if issubclass(scores[name], TanhScore))
    if config.coverage:
        raise ConfigError(
            f"score '{config.score}' has no place for coverage: use score {supporting}, "
            "or set coverage to false"
        )
    if config.activation != "tanh":
        raise ConfigError(
            f"score '{config.score}' has no activation, but activation is '{config.activation}': "
            f"use score {supporting}, or leave it out"
        )
