"""The bidirectional recurrent encoder."""

import torch
from torch import Tensor, nn

from nmt.config import ModelConfig
from nmt.models.cells import Stack, cells
from nmt.models.dropout import Dropout
from nmt.models.encoders.encoder import Encoder, encoders


@encoders.register("recurrent")
class RecurrentEncoder(Encoder):
    """Each state is [forward; backward]: it has read what is left and right of its position.

    Schuster and Paliwal (1997). Both directions are forward networks: the backward one reads
    each sentence reversed within its own length. So padding stays after the sentence in both, and
    whole batches go through fused calls without packing.
    """

    options = frozenset({"cell"})

    def __init__(self, model: ModelConfig) -> None:
        super().__init__(model)
        config = model.encoder
        widths = [model.embedding_size] + [2 * config.size] * (config.layers - 1)
        kind = cells[config.cell]
        self.layers = nn.ModuleList(_Layer(kind, width, config.size) for width in widths)
        self.dropout = Dropout(model.dropout)
        self.memory = 2 * config.size

    def forward(self, embedded: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The summary concatenates the last states of both directions."""
        lengths = mask.sum(dim=1, keepdim=True)
        positions = torch.arange(mask.size(1), device=mask.device)
        reverse = torch.where(mask, lengths - 1 - positions, positions).unsqueeze(-1)
        states, last = embedded, embedded
        for number, layer in enumerate(self.layers):
            below = self.dropout(states) if number else states
            right, left = layer(below, reverse)
            last = torch.cat([_at(right, lengths - 1), _at(left, lengths - 1)], dim=-1)
            states = torch.cat([right, left.gather(1, reverse.expand_as(left))], dim=-1)
        return states, last


class _Layer(nn.Module):
    """One layer, in both directions."""

    def __init__(self, kind: type[Stack], inputs: int, size: int) -> None:
        super().__init__()
        self.forwards = kind(inputs, 0, size, layers=1, dropout=0.0)
        self.backwards = kind(inputs, 0, size, layers=1, dropout=0.0)

    def forward(self, states: Tensor, reverse: Tensor) -> tuple[Tensor, Tensor]:
        """Left to right, and right to left as it was read: (batch, source, size) each

        reverse: (batch, source, 1) the index of each position in the reversed sentence
        """
        reversed_states = states.gather(1, reverse.expand_as(states))
        return self.forwards.read(states), self.backwards.read(reversed_states)


def _at(states: Tensor, position: Tensor) -> Tensor:
    """(batch, source, width), (batch, 1) -> (batch, width)"""
    index = position.clamp(min=0).unsqueeze(-1).expand(-1, 1, states.size(-1))
    return states.gather(1, index).squeeze(1)
