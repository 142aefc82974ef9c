"""The interface of encoders, and their registry."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

from torch import Tensor, nn

from nmt.config import EncoderConfig, ModelConfig
from nmt.models.limits import PositionLimit
from nmt.registry import Registry


class Encoder(nn.Module, ABC):
    """Turns embedded words into states. Built as `Encoder(model)`, the whole config."""

    memory: int
    """Width of a state."""
    options: frozenset[str] = frozenset()
    """The keys of `model.encoder` that it reads, besides kind, size and layers."""
    has_maps = False
    """Whether it has attention matrices of its own: see `maps`."""
    drops_words = False
    """Whether it applies dropout to embedded words itself, once it has added their positions."""

    @abstractmethod
    def __init__(self, model: ModelConfig) -> None:
        super().__init__()

    @abstractmethod
    def forward(self, embedded: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """embedded: (batch, source, inputs); mask: (batch, source)

        Returns the states (batch, source, memory) and a summary of each sentence (batch, memory).
        """

    @classmethod
    def summary(cls, config: EncoderConfig) -> str:
        """A short description for model cards and leaderboards; empty for the usual encoder."""
        return ""

    @classmethod
    def position_limits(cls, config: EncoderConfig) -> Iterator[PositionLimit]:
        """The longest sentences it can read; longer ones raise DataError."""
        yield from ()

    def maps(self, embedded: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Its own attention matrices by name, where it has any: (batch, source, source)"""
        return {}


encoders: Registry[type[Encoder]] = Registry("encoder")
