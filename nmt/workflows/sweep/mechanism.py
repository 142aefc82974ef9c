"""What a config makes of attention, in a line."""

from collections.abc import Iterator

from nmt.config import AttentionConfig, Config, DecoderConfig, EncoderConfig, SelfAttentionConfig

NO_SCORE = "none"
OF_WEIGHT = 1.0  # a temperature that changes nothing


def mechanism(config: Config) -> str:
    """Attention, decoder and encoder, as far as they are not what everyone has.

    Such as `general · softmax · global · luong lstm, input feeding`.
    """
    model = config.model
    parts = [*_attention(model.attention), _decoder(model.decoder), *_encoder(model.encoder)]
    return " · ".join(parts)


def budget(config: Config) -> str:
    """What ends a training, and how much an update reads."""
    training = config.training
    ends = [
        f"{count:,} {unit}" if isinstance(count, int) else f"{count:g} {unit}"
        for count, unit in (
            (training.epochs, "epochs"),
            (training.max_steps, "steps"),
            (training.max_minutes, "minutes"),
        )
        if count is not None
    ]
    update = training.batch_tokens * training.accumulate
    return f"at most {' or '.join(ends)}, updates of {update:,} tokens"


def _attention(attention: AttentionConfig) -> Iterator[str]:
    if attention.score == NO_SCORE:
        yield "no attention"
        return
    yield attention.score
    yield attention.normalizer
    yield attention.scope
    yield from _details(attention)


def _details(attention: AttentionConfig) -> Iterator[str]:
    if attention.heads > 1:
        yield f"{attention.heads} heads"
    if attention.choice != "soft":
        yield f"hard, by {attention.choice}"
    if attention.temperature != OF_WEIGHT:
        yield f"temperature {attention.temperature:g}"
    if attention.activation != "tanh":
        yield attention.activation
    if attention.coverage:
        yield "coverage"


def _decoder(decoder: DecoderConfig) -> str:
    if decoder.kind == "transformer":
        return f"transformer {_stack(decoder.layers, decoder.self_attention)}"
    fed = ", input feeding" if decoder.kind == "luong" and decoder.input_feeding else ""
    readout = f", {decoder.readout}" if decoder.readout != "tanh" else ""
    return f"{decoder.kind} {decoder.cell}{fed}{readout}"


def _encoder(encoder: EncoderConfig) -> Iterator[str]:
    if encoder.kind == "recurrent":
        return
    own = encoder.self_attention
    yield f"encoder {encoder.kind.replace('_', '-')} {own.score} {_stack(encoder.layers, own)}"


def _stack(layers: int, attention: SelfAttentionConfig) -> str:
    heads = f"{attention.heads} head{'s' * (attention.heads > 1)}"
    return f"{layers} x {heads}"
