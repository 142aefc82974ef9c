"""The Transformer decoder: self-attention, cross-attention, feed-forward."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from nmt.config import DecoderConfig, ModelConfig
from nmt.errors import ConfigError
from nmt.models.attention import AttentionOutput, Query
from nmt.models.attention.positions import Positions
from nmt.models.contract import BatchState, DecoderOutput, Memory
from nmt.models.decoders.decoder import Decoder, DecoderStep, decoders
from nmt.models.limits import PositionLimit, has_positions, weighs_positions
from nmt.models.self_attention import (
    FeedForward,
    KeyValues,
    SelfAttention,
    Sublayer,
    attending,
    maps_of,
    norm_of,
    positions_from,
)
from nmt.models.wording import self_attention_layers


@dataclass(frozen=True)
class KeyValueCache(BatchState):
    """Keys and values of the target words read so far, per layer, so that none is read twice."""

    keys: tuple[Tensor, ...]  # (rows, before, *) each
    values: tuple[Tensor, ...]


@decoders.register("transformer")
class TransformerDecoder(Decoder):
    """Y_l+1 = feed_forward(attention(self_attention(Y_l), source)), from the words Y_0 on.

    Vaswani et al. (2017), section 3: https://arxiv.org/abs/1706.03762; with norm `pre`, Xiong et
    al. (2020): https://arxiv.org/abs/2002.04745. Self-attention is causal, so all
    positions of a known target are read at once. What is recorded is the cross-attention of the
    last layer, the mean over its heads; as in Luong's decoder, the state that attends has read the
    word before the one that it predicts.
    """

    attends_from = "s_t"
    reads_by = "one call over the whole target"
    writes_embeddings = True
    options = frozenset({"self_attention"})
    has_maps = True

    @classmethod
    def summary(cls, config: DecoderConfig) -> str:
        return f"transformer {self_attention_layers(config.layers, config.self_attention)}"

    @classmethod
    def position_limits(cls, config: DecoderConfig) -> Iterator[PositionLimit]:
        own = config.self_attention
        if has_positions(own):
            yield PositionLimit(
                "model.decoder.self_attention",
                own.max_positions,
                of_target=True,
                of_search=weighs_positions(own),  # after learned ones, a search reads the last
            )

    def __init__(self, model: ModelConfig, *, memory: int) -> None:
        super().__init__(model, memory=memory)
        _check(model)
        own, self.hidden = model.decoder.self_attention, model.embedding_size
        self.positions = Positions(
            own.positions, width=self.hidden, most=own.max_positions, dropout=model.dropout
        )
        self.drops_words = self.positions.added
        layers = [_Layer(model, memory=memory) for _ in range(model.decoder.layers)]
        self.layers = cast(Sequence[_Layer], nn.ModuleList(layers))
        self.norm = norm_of(self.hidden, own.norm == "pre")
        cross_attention = self.layers[0].cross_attention.attention
        self.drops_queries = self.drops_words and cross_attention.reads_words
        with torch.no_grad():
            nothing = torch.zeros(1, 0, self.hidden)
            cached = [layer.self_attention.attention.prepare(nothing) for layer in self.layers]
        self.widths = [(keys.size(-1), values.size(-1)) for keys, values in cached]

    def prepare(self, states: Tensor, summary: Tensor) -> tuple[Tensor, Tensor]:
        """Of all layers, concatenated."""
        prepared = [
            layer.cross_attention.attention.prepare(states, summary) for layer in self.layers
        ]
        keys, values = zip(*prepared, strict=True)
        return torch.cat(keys, dim=-1), torch.cat(values, dim=-1)

    def start(self, memory: Memory) -> KeyValueCache:
        def nothing(width: int) -> Tensor:
            return memory.values.new_zeros(memory.values.size(0), 0, width)

        keys, values = zip(*self.widths, strict=True)
        return KeyValueCache(tuple(map(nothing, keys)), tuple(map(nothing, values)))

    def advance(self, embedded: Tensor, state: KeyValueCache, memory: Memory) -> DecoderStep:
        output, state = self._read(embedded.unsqueeze(1), memory, state)
        drawn = None if output.draw_log_probs is None else output.draw_log_probs[:, 0]
        return DecoderStep(output.readouts[:, 0], state, output.attention[:, 0], drawn)

    def forward(self, embedded: Tensor, memory: Memory) -> DecoderOutput:
        return self._read(embedded, memory)[0]

    def maps(self, embedded: Tensor, memory: Memory) -> dict[str, Tensor]:
        own: list[AttentionOutput] = []
        cross: list[AttentionOutput] = []
        self._read(embedded, memory, self_attention=own, cross_attention=cross)
        if not memory.keys.size(-1):  # without attention it has no weights
            cross = []
        return {**maps_of(cross, "decoder"), **maps_of(own, "decoder", " self")}

    def _read(
        self,
        embedded: Tensor,
        memory: Memory,
        past: KeyValueCache | None = None,
        *,
        self_attention: list[AttentionOutput] | None = None,
        cross_attention: list[AttentionOutput] | None = None,
    ) -> tuple[DecoderOutput, KeyValueCache]:
        """embedded: (rows, length, inputs), the words after those of the past"""
        rows, length, _ = embedded.shape
        before = past.keys[0].size(1) if past else 0
        states = self.positions(embedded, before if past else None)
        words = self.positions.dropout(embedded) if self.drops_queries else embedded
        ones = torch.ones(length, before + length, dtype=torch.bool, device=embedded.device)
        mask = ones.tril(before).expand(rows, -1, -1)
        positions = positions_from(before, states)
        outputs: list[AttentionOutput] = []
        cached: list[KeyValues] = []
        sources = zip(
            memory.keys.chunk(len(self.layers), dim=-1),
            memory.values.chunk(len(self.layers), dim=-1),
            strict=True,
        )
        for number, (layer, (keys, values)) in enumerate(zip(self.layers, sources, strict=True)):
            own = (past.keys[number], past.values[number]) if past else None
            states, now = layer.self_attention(states, positions, mask, own, outputs=self_attention)
            states, attended = layer.cross_attention(
                states, words, positions, keys, values, memory.mask
            )
            states = layer.feed_forward(states)
            outputs.append(attended)
            cached.append(now)
        if cross_attention is not None:
            cross_attention.extend(outputs)
        drawn = [each.draw_log_probs for each in outputs if each.draw_log_probs is not None]
        draw_log_probs = torch.stack(drawn).sum(dim=0) if drawn else None
        new_keys, new_values = zip(*cached, strict=True)
        output = DecoderOutput(self.norm(states), outputs[-1].weights, draw_log_probs)
        return output, KeyValueCache(new_keys, new_values)


class _Layer(nn.Module):
    def __init__(self, model: ModelConfig, *, memory: int) -> None:
        super().__init__()
        config, size, dropout = model.decoder.self_attention, model.embedding_size, model.dropout
        where = "model.decoder.self_attention"
        self.self_attention = SelfAttention(config, size=size, dropout=dropout, where=where)
        self.cross_attention = _CrossAttention(model, memory=memory)
        self.feed_forward = FeedForward(config, size=size, dropout=dropout)


class _CrossAttention(Sublayer):
    """f(Y) = attention(Q = Y, K = X, V = X), X the states of the source."""

    def __init__(self, model: ModelConfig, *, memory: int) -> None:
        size = model.embedding_size
        super().__init__(model.decoder.self_attention, size=size, dropout=model.dropout)
        self.attention = attending(
            "model.attention", model.attention, query=size, memory=memory, words=size
        )
        context = self.attention.context
        self.fit = nn.Identity() if context == size else nn.Linear(context, size)

    def forward(
        self,
        states: Tensor,
        words: Tensor,
        positions: Tensor,
        keys: Tensor,
        values: Tensor,
        mask: Tensor,
    ) -> tuple[Tensor, AttentionOutput]:
        """states, words: (rows, length, size); positions: (rows, length); mask: (batch, source)"""
        query = Query(self.pre(states), positions, words)
        output = self.attention.by_row(query, keys, values, mask)
        return self.post(states, self.fit(output.contexts)), output


def _check(model: ModelConfig) -> None:
    size, words = model.decoder.size, model.embedding_size
    if size != words:
        raise ConfigError(
            f"model.decoder.size is {size}, but model.embedding_size is {words}, and the states of "
            f"a transformer decoder are as wide as its words: set model.decoder.size to {words}"
        )
    if model.attention.coverage:
        raise ConfigError(
            "model.attention.coverage is true, but a transformer decoder reads all positions at "
            "once, none after another: set it to false, or take decoder luong, bahdanau or "
            "conditional"
        )
