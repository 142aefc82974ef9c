"""The attention itself: score, normalise, average; once, and not once per score."""

from torch import Tensor, nn

from nmt.config import AttentionConfig
from nmt.models.attention.normalizers import normalizers
from nmt.models.attention.scores import scores
from nmt.models.contract import Memory


class Attention(nn.Module):
    """c_t = sum_j a_tj h_j, a_t = normalize(score(q_t, h_1), ..., score(q_t, h_J))"""

    def __init__(self, config: AttentionConfig, *, hidden: int, memory: int) -> None:
        super().__init__()
        self.score = scores[config.score](hidden, memory, config.size or hidden)
        self.normalizer = normalizers[config.normalizer]()

    def project(self, states: Tensor) -> Tensor:
        """The keys that the score wants: once per sentence."""
        return self.score.project(states)

    def forward(self, query: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """query: (batch, target, hidden)

        Returns the contexts (batch, target, memory) and the weights (batch, target, source).
        """
        scores = self.score(query.to(memory.keys.dtype), memory.keys)
        weights = self.normalizer(scores, memory.mask)
        return weights.to(memory.states.dtype) @ memory.states, weights
