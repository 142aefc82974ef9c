"""Where the attention goes: the whole source, or a window around one position of it.

A scope only names the positions; they are gathered, scored and averaged elsewhere, so that the
cost of a window does not grow with the source.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nmt.config import AttentionConfig
from nmt.registry import Registry

LARGE = 100
"""A window with more positions than this on each side means no bounds, and is cut to the source."""


@dataclass(frozen=True)
class Window:
    """The source positions that each target position attends to, equally many for each."""

    index: Tensor  # (batch, target, window) int64, never outside of the sentence
    inside: Tensor  # (batch, target, window) bool: False where the window leaves the sentence
    factor: Tensor | None  # (batch, target, window): the weights are multiplied by it


class Scope(nn.Module, ABC):
    """Which source positions a target position attends to."""

    def __init__(self, config: AttentionConfig, *, query: int) -> None:
        super().__init__()

    @abstractmethod
    def forward(
        self, query: Tensor, positions: Tensor, lengths: Tensor, *, source: int
    ) -> Window | None:
        """None: at every position.

        query: (batch, target, query); lengths: (batch, 1 or target) of the sources, which are
        padded to `source`
        positions: (batch, target) int64, from 0, in the target
        """


scopes: Registry[type[Scope]] = Registry("attention scope")


@scopes.register("global")
class Global(Scope):
    """j = 0 ... S - 1: every position of the source

    Luong, Pham and Manning (2015), section 3.1: https://arxiv.org/abs/1508.04025
    """

    def forward(
        self, query: Tensor, positions: Tensor, lengths: Tensor, *, source: int
    ) -> Window | None:
        return None


@scopes.register("local-m")
class Monotonic(Scope):
    """j = t - D ... t + D,  t = S - 1 at most

    Luong, Pham and Manning (2015), section 3.2 (monotonic): https://arxiv.org/abs/1508.04025

    D = config.window. After the end of the source the window stays at its last position.
    """

    def __init__(self, config: AttentionConfig, *, query: int) -> None:
        super().__init__(config, query=query)
        self.window = config.window

    def forward(self, query: Tensor, positions: Tensor, lengths: Tensor, *, source: int) -> Window:
        return Window(*_around(positions, lengths, _reach(self.window, source)), None)


@scopes.register("local-p")
class Predictive(Scope):
    """p = S sigmoid(v_p . tanh(W_p q)),  j = p - D ... p + D,
    and the weights are multiplied by exp(-(j - p)^2 / (2 sigma^2)),  sigma = D / 2

    Luong, Pham and Manning (2015), section 3.2 (predictive): https://arxiv.org/abs/1508.04025

    W_p: (query, query), v_p: (query), D = config.window. The window is that of the nearest
    position; the Gaussian is centred on p itself, and W_p and v_p learn through it.
    """

    def __init__(self, config: AttentionConfig, *, query: int) -> None:
        super().__init__(config, query=query)
        self.window = config.window
        self.W_p = nn.Linear(query, query, bias=False)
        self.v_p = nn.Linear(query, 1, bias=False)

    def forward(self, query: Tensor, positions: Tensor, lengths: Tensor, *, source: int) -> Window:
        predicted = self.v_p(self.W_p(query).tanh()).squeeze(-1)
        predicted = predicted.to(torch.promote_types(predicted.dtype, torch.float32))
        centre = lengths * predicted.sigmoid()  # (batch, target)
        index, inside = _around(
            centre.detach().round().long(), lengths, _reach(self.window, source)
        )
        distance = index - centre.unsqueeze(-1)
        factor = torch.exp(-(distance**2) / (2 * (self.window / 2) ** 2))
        return Window(index, inside, factor)


def _reach(window: int, source: int) -> int:
    """How far a window reaches on each side; without bounds, no farther than the source."""
    if window <= LARGE or torch.compiler.is_compiling():
        return window
    return min(window, max(source, LARGE))


def _around(centre: Tensor, lengths: Tensor, window: int) -> tuple[Tensor, Tensor]:
    """centre: (batch, target) -> positions, and whether they are in the sentence"""
    steps = torch.arange(-window, window + 1, device=centre.device)
    last = (lengths - 1).clamp(min=0)
    index = torch.minimum(centre, last).unsqueeze(-1) + steps  # (batch, target, window)
    inside = (index >= 0) & (index < lengths.unsqueeze(-1))
    return torch.minimum(index.clamp(min=0), last.unsqueeze(-1)), inside
