"""Refuse a corpus whose sentences are longer than a model has positions for, before training."""

from collections.abc import Iterator, Mapping

from nmt.config import Config, DecodingConfig, ModelConfig
from nmt.data.batching.batches import lengths_with_end
from nmt.data.batching.encoded import EncodedBitext
from nmt.data.corpus.types import SplitName
from nmt.decoding.translator import most_pieces
from nmt.errors import ConfigError
from nmt.models.decoders import decoders
from nmt.models.encoders import encoders
from nmt.models.limits import PositionLimit, attention_limits


def limits(model: ModelConfig) -> Iterator[PositionLimit]:
    """All position limits of a model; its modules raise DataError for longer sentences."""
    yield from attention_limits(model)
    yield from encoders[model.encoder.kind].position_limits(model.encoder)
    yield from decoders[model.decoder.kind].position_limits(model.decoder)


def check_lengths(config: Config, encoded: Mapping[SplitName, EncodedBitext]) -> None:
    """Compare the splits used for training and evaluation with the limits of the model.

    Raises:
        ConfigError: a sentence is longer than a limit; the message names both numbers.
    """
    for limit in limits(config.model):
        longest, where = max(_longest(limit, config, encoded))
        if longest > limit.positions:
            key = f"{limit.section}.max_positions"
            fix = ", or lower data.cleaning.max_words" if where.endswith("in train") else ""
            raise ConfigError(
                f"{key} is {limit.positions}, but {where} has up to {longest} pieces, including "
                f"its end: set {key}={longest}{fix}"
            )


def _longest(
    limit: PositionLimit, config: Config, encoded: Mapping[SplitName, EncodedBitext]
) -> Iterator[tuple[int, str]]:
    """How many positions the longest sentence of each split takes, and what it is."""
    side = "target" if limit.of_target else "source"
    searches = (DecodingConfig(), config.decoding)  # in validation, and in evaluation
    for split, bitext in encoded.items():
        source, target = lengths_with_end(bitext)
        yield int((target if limit.of_target else source).max(initial=0)), f"a {side} in {split}"
        if limit.of_search and split in ("validation", *config.evaluation.splits):
            most = max(int(most_pieces(source, search).max(initial=0)) for search in searches)
            yield most, f"a translation tried in {split}"
