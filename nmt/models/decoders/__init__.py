"""What writes the target: one registered class each.

The recurrent ones differ in which state attends. Bahdanau's looks at the source before it moves,
from s_t-1, and feeds the context into the cell; Luong's moves first, attends from s_t, and mixes
state and context into an attentional state; the conditional one moves twice and attends in
between. The Transformer's carries no state but what it has read.
"""

from nmt.models.decoders.bahdanau import BahdanauDecoder, ConditionalDecoder
from nmt.models.decoders.decoder import Decoder, DecoderStep, decoders, joined
from nmt.models.decoders.luong import LuongDecoder
from nmt.models.decoders.transformer import TransformerDecoder

__all__ = [
    "DecoderStep",
    "BahdanauDecoder",
    "ConditionalDecoder",
    "Decoder",
    "LuongDecoder",
    "TransformerDecoder",
    "decoders",
    "joined",
]
