"""Translation models: encoder-decoders with one contract."""

from nmt.data.tokenizers.base import BOS, EOS, PAD, UNK, Vocabularies
from nmt.models.build import build_model, parameter_table
from nmt.models.contract import BatchState, DecoderOutput, Memory, Seq2Seq, Step

__all__ = [
    "BOS",
    "EOS",
    "PAD",
    "UNK",
    "Memory",
    "DecoderOutput",
    "BatchState",
    "Seq2Seq",
    "Step",
    "Vocabularies",
    "build_model",
    "parameter_table",
]
