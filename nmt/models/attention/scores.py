"""How well a query fits each key: one registered class a formula.

A score has two halves. `project` works on the keys alone and runs once per sentence; `forward`
compares any number of queries with them. Adding a score is adding a class to this file.
"""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from nmt.errors import ConfigError
from nmt.registry import Registry


class Score(nn.Module, ABC):
    """How well a query fits each key, before masking and normalising.

    Built as `Score(hidden, memory, size)`: the widths of a query, of an encoder state, and of
    the hidden layer of the scores that have one.
    """

    def project(self, states: Tensor) -> Tensor:
        """The keys' part, which no query changes: (batch, source, memory) -> (batch, source, *)"""
        return states

    @abstractmethod
    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        """(batch, target, hidden), (batch, source, *) -> (batch, target, source)"""


class ProductScore(Score):
    """score(q, k) = q . k, with whatever keys"""

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        return query @ keys.transpose(1, 2)


class TanhScore(Score):
    """score(q, k) = v . tanh(W q + k), with whatever keys"""

    v: nn.Linear

    @property
    @abstractmethod
    def query_weight(self) -> Tensor:
        """W: (size, hidden)"""

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        queries = nn.functional.linear(query, self.query_weight)
        mixed = queries.unsqueeze(2) + keys.unsqueeze(1)  # (batch, target, source, size)
        return self.v(mixed.tanh()).squeeze(-1)


scores: Registry[type[Score]] = Registry("attention score")


@scores.register("dot")
class DotScore(ProductScore):
    """score(q, k) = q . k

    Luong, Pham and Manning (2015), equation 8: https://arxiv.org/abs/1508.04025

    Raises:
        ConfigError: queries and keys are of different widths.
    """

    def __init__(self, hidden: int, memory: int, size: int) -> None:
        super().__init__()
        if hidden != memory:
            raise ConfigError(
                f"score 'dot' compares a decoder state of {hidden} with encoder states of {memory} "
                f"(twice encoder.size); make them equal, or use score 'general'"
            )


@scores.register("general")
class GeneralScore(ProductScore):
    """score(q, k) = q^T W k

    Luong, Pham and Manning (2015), equation 8: https://arxiv.org/abs/1508.04025
    """

    def __init__(self, hidden: int, memory: int, size: int) -> None:
        super().__init__()
        self.W = nn.Linear(memory, hidden, bias=False)

    def project(self, states: Tensor) -> Tensor:
        return self.W(states)


@scores.register("additive")
class AdditiveScore(TanhScore):
    """score(q, k) = v . tanh(W q + U k + b)

    Bahdanau, Cho and Bengio (2015), appendix A.1.2: https://arxiv.org/abs/1409.0473
    """

    def __init__(self, hidden: int, memory: int, size: int) -> None:
        super().__init__()
        self.W = nn.Linear(hidden, size, bias=False)
        self.U = nn.Linear(memory, size)
        self.v = nn.Linear(size, 1, bias=False)

    def project(self, states: Tensor) -> Tensor:
        return self.U(states)

    @property
    def query_weight(self) -> Tensor:
        return self.W.weight


@scores.register("concat")
class ConcatScore(TanhScore):
    """score(q, k) = v . tanh(W [q; k])

    Luong, Pham and Manning (2015), equation 8: https://arxiv.org/abs/1508.04025
    W's two halves meet query and key apart, so the halves are multiplied before they are added.
    """

    def __init__(self, hidden: int, memory: int, size: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.W = nn.Linear(hidden + memory, size, bias=False)
        self.v = nn.Linear(size, 1, bias=False)

    def project(self, states: Tensor) -> Tensor:
        return nn.functional.linear(states, self.W.weight[:, self.hidden :])

    @property
    def query_weight(self) -> Tensor:
        return self.W.weight[:, : self.hidden]
