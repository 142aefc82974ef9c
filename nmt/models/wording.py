"""Attention in words, for the summaries of models, encoders and decoders."""

from collections.abc import Iterator

from nmt.config import NO_ATTENTION, AttentionConfig, SelfAttentionConfig


def attention_parts(attention: AttentionConfig) -> Iterator[str]:
    """Score, normaliser and scope, and whatever differs from the defaults."""
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


def self_attention_layers(layers: int, attention: SelfAttentionConfig) -> str:
    """Such as `3 x 4 heads, pre-norm, sinusoidal`, and whatever differs from the defaults."""
    heads = counted(attention.heads, "head")
    norm = "no norm" if attention.norm == "none" else f"{attention.norm}-norm"
    positions = "no positions" if attention.positions == "none" else attention.positions
    return ", ".join([f"{layers} x {heads}, {norm}, {positions}", *_unusual(attention)])


def counted(count: float, unit: str) -> str:
    """
    >>> counted(1, "epoch"), counted(2000, "step"), counted(0.5, "minute")
    ('1 epoch', '2,000 steps', '0.5 minutes')
    """
    number = f"{count:,}" if isinstance(count, int) else f"{count:g}"
    return f"{number} {unit}{'s' * (count != 1)}"


def _details(attention: AttentionConfig) -> Iterator[str]:
    """What differs from the defaults, except heads."""
    usual = AttentionConfig()
    if attention.selection != usual.selection:
        yield f"hard, by {attention.selection}"
    if attention.temperature != usual.temperature:
        yield f"temperature {attention.temperature:g}"
    if attention.activation != usual.activation:
        yield f"f = {attention.activation}"
    if attention.position_weights:
        yield "a weight for each position"
    if attention.coverage:
        yield "coverage"


def _unusual(attention: SelfAttentionConfig) -> Iterator[str]:
    usual = SelfAttentionConfig()
    if attention.normalizer != usual.normalizer:
        yield attention.normalizer
    yield from _details(attention)
    if not attention.feed_forward:
        yield "no feed-forward"
