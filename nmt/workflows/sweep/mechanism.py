"""What a config makes of attention, in a line."""

from collections.abc import Iterator

from nmt.config import (
    NO_ATTENTION,
    AttentionConfig,
    Config,
    DecoderConfig,
    ModelConfig,
    SelfAttentionConfig,
    TrainingConfig,
)


def mechanism(config: Config) -> str:
    """Attention, decoder and encoder, as far as they are not what everyone has.

    Such as `general · softmax · global · luong lstm, input feeding`.
    """
    model = config.model
    parts = [*_attention(model.attention), _decoder(model.decoder), *_encoder(model)]
    return " · ".join([*parts, *_training(config)])


def budget(config: Config) -> str:
    """What ends a training, and how much an update reads."""
    training = config.training
    limits = (
        (training.epochs, "epoch"),
        (training.max_steps, "step"),
        (training.max_minutes, "minute"),
    )
    ends = [_counted(count, unit) for count, unit in limits if count is not None]
    update = training.batch_tokens * training.accumulate
    return f"at most {' or '.join(ends)}, updates of {update:,} tokens"


def _counted(count: float, unit: str) -> str:
    number = f"{count:,}" if isinstance(count, int) else f"{count:g}"
    return f"{number} {unit}{'s' * (count != 1)}"


def _attention(attention: AttentionConfig) -> Iterator[str]:
    if attention.score == NO_ATTENTION:
        yield "no attention"
        return
    yield attention.score
    yield attention.normalizer
    local = attention.scope != "global" and attention.window != AttentionConfig().window
    yield f"{attention.scope}, window {attention.window}" if local else attention.scope
    if attention.heads > 1:
        yield f"{attention.heads} heads"
    yield from _details(attention)


def _details(attention: AttentionConfig) -> Iterator[str]:
    """What is not as it is by default, but for heads."""
    usual = AttentionConfig()
    if attention.choice != usual.choice:
        yield f"hard, by {attention.choice}"
    if attention.temperature != usual.temperature:
        yield f"temperature {attention.temperature:g}"
    if attention.activation != usual.activation:
        yield f"f = {attention.activation}"
    if attention.position_weights:
        yield "a weight for each position"
    if attention.coverage:
        yield "coverage"


def _decoder(decoder: DecoderConfig) -> str:
    if decoder.kind == "transformer":
        own = decoder.self_attention
        return ", ".join([f"transformer {_stack(decoder.layers, own)}", *_unusual(own)])
    fed = ", input feeding" if decoder.kind == "luong" and decoder.input_feeding else ""
    readout = f", {decoder.readout}" if decoder.readout != "tanh" else ""
    return f"{decoder.kind} {decoder.cell}{fed}{readout}"


def _encoder(model: ModelConfig) -> Iterator[str]:
    encoder, own = model.encoder, model.encoder.self_attention
    if encoder.kind == "recurrent":
        return
    decoder = model.decoder
    if decoder.kind == "transformer" and (encoder.layers, own) == (
        decoder.layers,
        decoder.self_attention,
    ):
        yield "encoder alike"
    else:
        what = ", ".join([_stack(encoder.layers, own), *_unusual(own)])
        yield f"{encoder.kind.replace('_', '-')} encoder, {own.score} {what}"


def _unusual(attention: SelfAttentionConfig) -> Iterator[str]:
    """What of self-attention is not as it is by default, but for what `_stack` tells."""
    usual = SelfAttentionConfig()
    if attention.normalizer != usual.normalizer:
        yield attention.normalizer
    yield from _details(attention)
    if not attention.feed_forward:
        yield "no feed-forward"


def _stack(layers: int, attention: SelfAttentionConfig) -> str:
    heads = _counted(attention.heads, "head")
    norm = "no norm" if attention.norm == "none" else f"{attention.norm}-norm"
    positions = "no positions" if attention.positions == "none" else attention.positions
    return f"{layers} x {heads}, {norm}, {positions}"


def _training(config: Config) -> Iterator[str]:
    """What of the training is not as it is by default, and changes what attention learns."""
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
