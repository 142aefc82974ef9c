"""Refuse a corpus with longer sentences than a model has parameters for, before it is trained."""

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
    """All limits of a model; beyond one, its parts raise DataError."""
    yield from attention_limits(model)
    yield from encoders[model.encoder.kind].position_limits(model.encoder)
    yield from decoders[model.decoder.kind].position_limits(model.decoder)


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
    limit: PositionLimit, config: Config, encoded: Mapping[SplitName, EncodedBitext]
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
