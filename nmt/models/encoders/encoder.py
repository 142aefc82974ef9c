"""What every encoder can do, and where encoders register."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from nmt.config import ModelConfig
from nmt.registry import Registry


class Encoder(nn.Module, ABC):
    """Turns embedded words into states. Built as `Encoder(model)`, the whole config."""

    memory: int
    """Width of a state."""
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

    def maps(self, embedded: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Its own attention matrices by name, where it has any: (batch, source, source)"""
        return {}


encoders: Registry[type[Encoder]] = Registry("encoder")
