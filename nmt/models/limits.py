"""How long a sentence may be where a model has parameters for single positions."""

from collections.abc import Iterator
from dataclasses import dataclass

from nmt.config import NO_ATTENTION, AttentionConfig, ModelConfig, SelfAttentionConfig
from nmt.models.attention import scores


@dataclass(frozen=True)
class PositionLimit:
    """The positions of one side that have parameters: `max_positions` of a section."""

    section: str
    positions: int
    of_target: bool = False
    of_search: bool = False
    """Not only a reference is held to it, but whatever a search tries."""


def attention_limits(model: ModelConfig) -> Iterator[PositionLimit]:
    """Of the attention to the source."""
    if weighs_positions(model.attention):
        yield PositionLimit("model.attention", model.attention.max_positions)


def weighs_positions(attention: AttentionConfig) -> bool:
    """Whether it has a parameter for each position that it may look at."""
    if attention.score == NO_ATTENTION:
        return False
    return attention.position_weights or scores[attention.score].of_positions


def has_positions(own: SelfAttentionConfig) -> bool:
    """Whether self-attention has parameters of single positions, in its score or its words."""
    return own.positions == "learned" or weighs_positions(own)
