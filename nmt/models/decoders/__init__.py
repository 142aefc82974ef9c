"""Decoders, which write the target: one registered class each.

The recurrent ones differ in which state attends. Bahdanau's attends from s_t-1 and feeds the
context into the cell; Luong's updates the cell first, attends from s_t, and mixes state and context
into an attentional state; the conditional one has two cells and attends between them. The state of
the Transformer's is its key-value cache.
"""

from nmt.models.decoders.bahdanau import BahdanauDecoder, ConditionalDecoder
from nmt.models.decoders.decoder import Decoder, DecoderStep, OwnWords, decoders, joined
from nmt.models.decoders.luong import LuongDecoder
from nmt.models.decoders.transformer import TransformerDecoder

__all__ = [
    "DecoderStep",
    "BahdanauDecoder",
    "ConditionalDecoder",
    "Decoder",
    "LuongDecoder",
    "OwnWords",
    "TransformerDecoder",
    "decoders",
    "joined",
]
