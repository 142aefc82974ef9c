"""A model in one line, for model cards and leaderboards."""

from collections.abc import Iterator

from nmt.config import Config, ModelConfig, TrainingConfig
from nmt.models.decoders import decoders
from nmt.models.encoders import encoders
from nmt.models.wording import attention_parts


def summary(config: Config) -> str:
    """Attention, decoder and encoder, and whatever else differs from the defaults.

    Such as `general · softmax · global · luong lstm, input feeding`.
    """
    model = config.model
    decoder = decoders[model.decoder.kind].summary(model.decoder)
    parts = [*attention_parts(model.attention), decoder, *_encoder(model)]
    return " · ".join([*parts, *_training(config)])


def _encoder(model: ModelConfig) -> Iterator[str]:
    encoder, decoder = encoders[model.encoder.kind], decoders[model.decoder.kind]
    both = "self_attention" in encoder.options & decoder.options
    layers = [(side.layers, side.self_attention) for side in (model.encoder, model.decoder)]
    if both and layers[0] == layers[1]:
        yield "encoder alike"
    elif text := encoder.summary(model.encoder):
        yield text


def _training(config: Config) -> Iterator[str]:
    """Training options that differ from the defaults and change what attention learns."""
    training, usual = config.training, TrainingConfig()
    schedule = training.teacher_forcing_schedule
    if schedule != usual.teacher_forcing_schedule:
        start, end = training.teacher_forcing, training.teacher_forcing_end
        yield f"teacher forcing {schedule}, {start:g} to {end:g} {_drawn(training)}"
    elif training.teacher_forcing != usual.teacher_forcing:
        yield f"teacher forcing {training.teacher_forcing:g} {_drawn(training)}"
    if training.coverage_loss:
        yield f"coverage loss {training.coverage_loss:g}"
    if config.tokenizer.kind == "word":
        yield "whole words"
    if config.model.source_vectors or config.model.target_vectors:
        yield "word vectors"


def _drawn(training: TrainingConfig) -> str:
    return f"a {training.teacher_forcing_per}"
