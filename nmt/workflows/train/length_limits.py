"""Refuse a corpus with longer sentences than a model has parameters for, before it is trained."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nmt.config import (
    NO_ATTENTION,
    AttentionConfig,
    Config,
    DecodingConfig,
    ModelConfig,
    SelfAttentionConfig,
)
from nmt.data.batching.batches import lengths_with_end
from nmt.data.batching.encoded import EncodedBitext
from nmt.data.corpus.types import SplitName
from nmt.decoding.translator import most_pieces
from nmt.errors import ConfigError
from nmt.models.attention import scores


@dataclass(frozen=True)
class Limit:
    """A limited number of positions of one side have parameters: `max_positions` of a section."""

    section: str
    positions: int
    of_target: bool = False
    of_search: bool = False
    """Not only a reference is held to it, but whatever a search tries."""


def limits(model: ModelConfig) -> Iterator[Limit]:
    """All limits of a model; beyond one, its parts raise DataError."""
    attention, encoder, decoder = model.attention, model.encoder, model.decoder
    if _weighs_positions(attention):
        yield Limit("model.attention", attention.max_positions)
    own = encoder.self_attention
    if encoder.kind == "self_attention" and (_learns_positions(own) or _weighs_positions(own)):
        yield Limit("model.encoder.self_attention", own.max_positions)
    own = decoder.self_attention
    if decoder.kind == "transformer" and (_learns_positions(own) or _weighs_positions(own)):
        yield Limit(
            "model.decoder.self_attention",
            own.max_positions,
            of_target=True,
            of_search=_weighs_positions(own),  # after learned ones a search reads the last
        )


def check_lengths(config: Config, encoded: Mapping[SplitName, EncodedBitext]) -> None:
    """Compare the splits that are learned from or measured on with the limits of the model.

    Raises:
        ConfigError: a sentence is longer; with both numbers, in one line.
    """
    for limit in limits(config.model):
        longest, where = max(_longest(limit, config, encoded))
        if longest > limit.positions:
            key = f"{limit.section}.max_positions"
            fix = ", or lower data.cleaning.max_words" if where.endswith("in train") else ""
            raise ConfigError(
                f"{key} is {limit.positions}, but {where} has up to {longest} pieces, its end "
                f"included: set {key}={longest}{fix}"
            )


def _longest(
    limit: Limit, config: Config, encoded: Mapping[SplitName, EncodedBitext]
) -> Iterator[tuple[int, str]]:
    """How many positions each split takes, and what takes them."""
    side = "target" if limit.of_target else "source"
    searches = (DecodingConfig(), config.decoding)  # of validations, and of the evaluation
    for split, bitext in encoded.items():
        source, target = lengths_with_end(bitext)
        yield int((target if limit.of_target else source).max(initial=0)), f"a {side} in {split}"
        if limit.of_search and split in ("validation", *config.evaluation.splits):
            written = max(int(most_pieces(source, each).max(initial=0)) for each in searches)
            yield written, f"a translation tried in {split}"


def _weighs_positions(attention: AttentionConfig) -> bool:
    if attention.score == NO_ATTENTION:
        return False
    return attention.position_weights or scores[attention.score].of_positions


def _learns_positions(own: SelfAttentionConfig) -> bool:
    return own.positions == "learned"
