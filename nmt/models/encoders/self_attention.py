"""The self-attention encoder, from softmax(X X^T) X to that of the Transformer."""

from collections.abc import Iterator

from torch import Tensor, nn

from nmt.config import EncoderConfig, ModelConfig
from nmt.errors import ConfigError
from nmt.models.attention import AttentionOutput
from nmt.models.attention.positions import Positions
from nmt.models.encoders.encoder import Encoder, encoders
from nmt.models.limits import PositionLimit, has_positions
from nmt.models.self_attention import FeedForward, SelfAttention, maps_of, norm_of, positions_from
from nmt.models.wording import self_attention_layers


@encoders.register("self_attention")
class SelfAttentionEncoder(Encoder):
    """X_l+1 = feed_forward(self_attention(X_l)), from the embedded words X_0 on.

    Vaswani et al. (2017), section 3.1: https://arxiv.org/abs/1706.03762. One layer of dot products
    with one head and nothing around it gives softmax(X X^T) X. The summary of a sentence is the
    mean of its states: all that a decoder without attention reads.
    """

    options = frozenset({"self_attention"})
    has_maps = True

    @classmethod
    def summary(cls, config: EncoderConfig) -> str:
        layers = self_attention_layers(config.layers, config.self_attention)
        return f"self-attention encoder, {config.self_attention.score} {layers}"

    @classmethod
    def position_limits(cls, config: EncoderConfig) -> Iterator[PositionLimit]:
        own = config.self_attention
        if has_positions(own):
            yield PositionLimit("model.encoder.self_attention", own.max_positions)

    def __init__(self, model: ModelConfig) -> None:
        super().__init__(model)
        own, size, words = model.encoder.self_attention, model.encoder.size, model.embedding_size
        if size != words:
            raise ConfigError(
                f"model.encoder.size is {size}, but model.embedding_size is {words}, and the "
                "states of a self_attention encoder are as wide as its words: set "
                f"model.encoder.size to {words}"
            )
        self.memory = size
        self.positions = Positions(
            own.positions, width=size, most=own.max_positions, dropout=model.dropout
        )
        self.drops_words = self.positions.added
        self.layers = nn.ModuleList(_Layer(model) for _ in range(model.encoder.layers))
        self.norm = norm_of(size, own.norm == "pre")

    def forward(self, embedded: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        states = self._read(embedded, mask)
        real = mask.unsqueeze(-1).to(states.dtype)
        return states, (states * real).sum(dim=1) / real.sum(dim=1).clamp(min=1)

    def maps(self, embedded: Tensor, mask: Tensor) -> dict[str, Tensor]:
        outputs: list[AttentionOutput] = []
        self._read(embedded, mask, outputs=outputs)
        return maps_of(outputs, "encoder")

    def _read(
        self, embedded: Tensor, mask: Tensor, *, outputs: list[AttentionOutput] | None = None
    ) -> Tensor:
        states = self.positions(embedded)
        positions = positions_from(0, states)
        for layer in self.layers:
            states = layer(states, positions, mask.unsqueeze(1), outputs=outputs)
        return self.norm(states)


class _Layer(nn.Module):
    def __init__(self, model: ModelConfig) -> None:
        super().__init__()
        config, size, dropout = model.encoder.self_attention, model.encoder.size, model.dropout
        where = "model.encoder.self_attention"
        self.self_attention = SelfAttention(config, size=size, dropout=dropout, where=where)
        self.feed_forward = FeedForward(config, size=size, dropout=dropout)

    def forward(
        self,
        states: Tensor,
        positions: Tensor,
        mask: Tensor,
        *,
        outputs: list[AttentionOutput] | None = None,
    ) -> Tensor:
        states, _ = self.self_attention(states, positions, mask, outputs=outputs)
        return self.feed_forward(states)
