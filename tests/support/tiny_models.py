"""Models of every registered combination, so small that no axis has the size of another."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor

from nmt.config import (
    AttentionConfig,
    DecoderConfig,
    EncoderConfig,
    ModelConfig,
    SelfAttentionConfig,
)
from nmt.data.tokenizers.base import BOS, PAD, Vocabularies
from nmt.models import Seq2Seq, build_model
from nmt.models.attention import normalizers, scopes, scores, selections
from nmt.models.cells import cells

VOCABULARIES = Vocabularies(17, 13)
EMBEDDING, ENCODER, DECODER, SCORE = 6, 5, 7, 3  # a memory is 10 wide
SAME_WIDTH = ("dot", "scaled_dot", "cosine")  # scores without projections of queries and keys

Options = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Kind:
    """A model, described by the names of its parts."""

    decoder: str = "luong"
    cell: str = "lstm"
    score: str = "general"
    feeding: bool = True
    layers: int = 1
    attention: Options = ()
    """Further options of the attention."""
    encoder: str = "recurrent"
    layer: Options = ()
    """Options of self-attention."""
    readout: str = "tanh"

    def __str__(self) -> str:
        parts = [self.decoder, self.cell, self.score, "fed" if self.feeding else "unfed"]
        parts += [str(self.layers), *(f"{key}={value}" for key, value in self.attention)]
        parts += [self.encoder] if self.encoder != "recurrent" else []
        parts += [str(value) for _, value in self.layer]
        return "-".join([*parts, self.readout] if self.readout != "tanh" else parts)

    @property
    def looks(self) -> bool:
        """Whether it has an attention."""
        return self.score != "none"

    @property
    def sums_to_one(self) -> bool:
        """Whether its weights are a distribution."""
        options = dict(self.attention)
        normalizer = normalizers[options.get("normalizer", "softmax")]
        whole = options.get("scope") != "local-p" and normalizer.sums_to_one
        return self.looks and whole

    @property
    def picks(self) -> bool:
        """Whether it attends to a single position."""
        return dict(self.attention).get("selection", "soft") != "soft"

    def config(self, **rest: Any) -> ModelConfig:
        """Scores that compare only equal widths get a decoder as wide as the memory."""
        recurrent = self.encoder == "recurrent"
        memory = 2 * ENCODER if recurrent else EMBEDDING
        size = memory if self.score in SAME_WIDTH else DECODER
        layer = SelfAttentionConfig(
            **{"heads": 2, "feed_forward": 11, "size": None, **dict(self.layer)}
        )
        return ModelConfig(
            embedding_size=EMBEDDING,
            encoder=EncoderConfig(
                kind=self.encoder,
                cell=self.cell,
                size=ENCODER if recurrent else EMBEDDING,
                layers=self.layers,
                self_attention=layer,
            ),
            decoder=DecoderConfig(
                kind=self.decoder,
                cell=self.cell,
                size=EMBEDDING if self.decoder == "transformer" else size,
                layers=self.layers,
                input_feeding=self.feeding,
                readout=self.readout,
                self_attention=layer,
            ),
            attention=AttentionConfig(
                score=self.score, **{"size": SCORE, "max_positions": 9, **dict(self.attention)}
            ),
            **{"dropout": 0.0, "tie_embeddings": "none", **rest},
        )

    def build(self, *, dtype: torch.dtype = torch.float64, **rest: Any) -> Seq2Seq:
        """In float64, so that no processor's rounding shows, unless a test is about float32."""
        model = build_model(self.config(**rest), VOCABULARIES)
        with torch.no_grad():  # new parameters are so similar that errors could hide
            for parameter in model.parameters():
                parameter.mul_(2.0)
        return model.to(dtype).eval()


def _kinds() -> Iterator[Kind]:
    """Every registered part in some model, without all combinations of parts."""
    recurrent = ("luong", "bahdanau", "conditional")
    for parts in product(recurrent, cells, ("general", "additive"), (True, False), (1, 2)):
        if parts[0] == "luong" or parts[3]:
            yield Kind(*parts)
    for score in scores:
        yield Kind("luong", "lstm", score, feeding=False, layers=2)
        if score not in ("general", "additive"):
            yield Kind("luong", "lstm", score)
            yield Kind("bahdanau", "gru", score)
    yield from (Kind(decoder, score="none") for decoder in recurrent)
    for attention in [
        *({"normalizer": name} for name in normalizers if name != "softmax"),
        {"normalizer": "weighted_softmax", "position_weights": True},
        {"temperature": 0.5},
        *({"scope": name, "window": 1} for name in scopes if name != "global"),
        *({"selection": name} for name in selections if name != "soft"),
        {"heads": 2, "size": 4},
    ]:
        options = tuple(attention.items())
        yield Kind("luong", attention=options)
        yield Kind("luong", "gru", "additive", feeding=False, attention=options)
        yield Kind("bahdanau", "gru", "additive", attention=options)
    for parts in (("luong", "lstm", "additive", False), ("bahdanau", "gru", "concat")):
        yield Kind(*parts, attention=(("coverage", True),))
    yield Kind("bahdanau", "gru", "additive", attention=(("activation", "relu"),))
    yield Kind("bahdanau", "gru", "additive", readout="maxout")
    yield Kind("conditional", "gru", "additive", readout="maxout")
    alone = {"heads": 1, "feed_forward": 0, "norm": "none", "residual": False, "positions": "none"}
    for score in ("dot", "qkv"):
        layer = (("score", score), *alone.items())
        yield Kind(score="none", feeding=False, encoder="self_attention", layer=layer)
    yield Kind("bahdanau", "gru", "additive", encoder="self_attention", layers=2)
    heads = (("heads", 3), ("size", None))
    for norm, positions in (("pre", "sinusoidal"), ("post", "learned"), ("pre", "rotary")):
        layer = (("heads", 3), ("norm", norm), ("positions", positions))
        yield Kind("transformer", score="scaled_dot", layers=2, attention=heads, layer=layer,
                   encoder="self_attention")  # fmt: skip
    yield Kind("transformer", score="additive")


KINDS = list(_kinds())


def ids(rows: list[list[int]], width: int | None = None) -> Tensor:
    """Rows of ids in one tensor, padded with PAD."""
    width = width or max(map(len, rows))
    return torch.tensor([row + [PAD] * (width - len(row)) for row in rows])


SOURCES = [[5, 9, 16, 4, 3], [7, 3], [12, 8, 8, 3]]
TARGETS = [[BOS, 6, 11], [BOS, 4, 9, 12, 5, 7], [BOS, 10, 4, 4]]
