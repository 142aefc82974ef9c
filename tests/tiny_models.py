"""Models of every registered combination, so small that no axis has the size of another."""

from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor

from nmt.config import AttentionConfig, DecoderConfig, EncoderConfig, ModelConfig
from nmt.data.vocabulary import BOS, PAD, Vocabularies
from nmt.errors import ConfigError
from nmt.models import Seq2Seq, build_model
from nmt.models.attention import scores
from nmt.models.cells import cells
from nmt.models.decoders import decoders

VOCABULARIES = Vocabularies(17, 13)
EMBEDDING, ENCODER, DECODER, SCORE = 6, 5, 7, 3  # a memory is 10 wide


@dataclass(frozen=True)
class Kind:
    """A model by the names of its parts."""

    decoder: str = "luong"
    cell: str = "lstm"
    score: str = "general"
    feeding: bool = True
    layers: int = 1

    def __str__(self) -> str:
        feeding = "fed" if self.feeding else "unfed"
        return f"{self.decoder}-{self.cell}-{self.score}-{feeding}-{self.layers}"

    def config(self, *, size: int = DECODER, **rest: Any) -> ModelConfig:
        return ModelConfig(
            embedding_size=EMBEDDING,
            encoder=EncoderConfig(cell=self.cell, size=ENCODER, layers=self.layers),
            decoder=DecoderConfig(
                kind=self.decoder,
                cell=self.cell,
                size=size,
                layers=self.layers,
                input_feeding=self.feeding,
            ),
            attention=AttentionConfig(score=self.score, size=SCORE),
            **{"dropout": 0.0, "tie_embeddings": "none", **rest},
        )

    def build(self, **rest: Any) -> Seq2Seq[Any]:
        """Scores that compare only equal widths get a decoder as wide as the memory."""
        try:
            model = build_model(self.config(**rest), VOCABULARIES)
        except ConfigError:
            model = build_model(self.config(size=2 * ENCODER, **rest), VOCABULARIES)
        with torch.no_grad():  # fresh parameters are so alike that errors could hide
            for parameter in model.parameters():
                parameter.mul_(2.0)
        return model.eval()


KINDS = [Kind(*parts) for parts in product(decoders, cells, scores, (True, False), (1, 2))]


def ids(rows: list[list[int]], width: int | None = None) -> Tensor:
    """Rows of ids side by side, PAD behind the shorter ones."""
    width = width or max(map(len, rows))
    return torch.tensor([row + [PAD] * (width - len(row)) for row in rows])


SOURCES = [[5, 9, 16, 4, 3], [7, 3], [12, 8, 8, 3]]
TARGETS = [[BOS, 6, 11], [BOS, 4, 9, 12, 5, 7], [BOS, 10, 4, 4]]
