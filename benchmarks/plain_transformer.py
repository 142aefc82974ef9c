"""The plain reference for a Transformer: torch.nn.Transformer with the embeddings of tutorials."""

import torch
from torch import Tensor, nn

from nmt.config import ModelConfig
from plain import PAD


class PlainTransformer(nn.Module):
    """Pre-norm, sinusoids, tied embeddings; an encoder and a decoder of equal sizes."""

    def __init__(self, config: ModelConfig, vocab: int, *, longest: int = 512) -> None:
        super().__init__()
        size, own = config.embedding_size, config.decoder.self_attention
        self.scale = size**0.5
        self.embedding = nn.Embedding(vocab, size, padding_idx=PAD)
        self.register_buffer("positions", sinusoids(longest, size))
        sizes = (size, own.heads, own.feed_forward, config.dropout)
        layer = nn.TransformerEncoderLayer(*sizes, batch_first=True, norm_first=True)
        self.transformer = nn.Transformer(
            size,
            own.heads,
            num_decoder_layers=config.decoder.layers,
            dim_feedforward=own.feed_forward,
            dropout=config.dropout,
            batch_first=True,
            norm_first=True,
            custom_encoder=nn.TransformerEncoder(
                layer, config.encoder.layers, nn.LayerNorm(size), enable_nested_tensor=False
            ),
        )
        self.vocabulary = nn.Linear(size, vocab)
        self.vocabulary.weight = self.embedding.weight
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, source: Tensor, target_in: Tensor) -> Tensor:
        length = target_in.size(1)
        readouts = self.transformer(
            self.embed(source),
            self.embed(target_in),
            tgt_mask=torch.ones(length, length, dtype=torch.bool, device=source.device).triu(1),
            src_key_padding_mask=source == PAD,
            memory_key_padding_mask=source == PAD,
        )
        return self.vocabulary(self.dropout(readouts))

    def embed(self, ids: Tensor) -> Tensor:
        return self.dropout(self.embedding(ids) * self.scale + self.positions[: ids.size(1)])


def sinusoids(length: int, size: int) -> Tensor:
    """Vaswani et al. (2017), section 3.5: (length, size), size even"""
    angles = torch.arange(length).unsqueeze(1) / 10_000 ** (torch.arange(0, size, 2) / size)
    table = torch.empty(length, size)
    table[:, 0::2], table[:, 1::2] = angles.sin(), angles.cos()
    return table
