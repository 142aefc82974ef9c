"""How long a sentence may be where a model has parameters per position."""

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
    """Whether it also limits the hypotheses of a search, not only references."""


def attention_limits(model: ModelConfig) -> Iterator[PositionLimit]:
    """Of the attention to the source."""
    if weighs_positions(model.attention):
        yield PositionLimit("model.attention", model.attention.max_positions)


def weighs_positions(attention: AttentionConfig) -> bool:
    """Whether it has a parameter for each position that it may attend to."""
    if attention.score == NO_ATTENTION:
        return False
    return attention.position_weights or scores[attention.score].has_position_parameters


def has_positions(own: SelfAttentionConfig) -> bool:
    """Whether self-attention has parameters per position, in its score or added to its words."""
    return own.positions == "learned" or weighs_positions(own)
