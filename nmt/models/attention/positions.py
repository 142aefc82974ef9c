"""How a sequence without recurrence knows the order of its words."""

import math

import torch
from torch import Tensor, nn

from nmt.errors import DataError
from nmt.models.dropout import Dropout

BASE = 10_000.0
"""The longest wavelength, in units of 2 pi positions."""


def sinusoids(positions: Tensor, width: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """sin and cos of position / BASE^(2i / width), alternating: (*,) -> (*, width)

    Vaswani et al. (2017), section 3.5: https://arxiv.org/abs/1706.03762
    """
    angles = _angles(positions, -(-width // 2), dtype)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)[..., :width]


def rotated(states: Tensor, positions: Tensor) -> Tensor:
    """Each pair (x_2i, x_2i+1) turned by the angle position / BASE^(2i / width).

    Su et al. (2021), RoFormer, section 3.4: https://arxiv.org/abs/2104.09864. The product of two
    rotated vectors depends on the distance between them, and not on where they are.

    states: (batch, length, width), width even; positions: (length,) or (batch, length)
    """
    angles = _angles(positions, states.size(-1) // 2, states.dtype)
    sin, cos = angles.sin(), angles.cos()
    even, odd = states[..., 0::2], states[..., 1::2]
    turned = torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1)
    return turned.flatten(-2).to(states.dtype)


class LearnedPositions(nn.Module):
    """A vector for each position, up to a fixed number of them.

    Gehring et al. (2017), section 3.1: https://arxiv.org/abs/1705.03122
    """

    def __init__(self, most: int, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(most, width)
        nn.init.normal_(self.table.weight, std=width**-0.5)

    def forward(self, positions: Tensor) -> Tensor:
        """(length,) -> (length, width)

        Raises:
            DataError: a position has no vector.
        """
        if not torch.compiler.is_compiling() and len(positions) > self.table.num_embeddings:
            raise DataError(
                f"a sentence of {len(positions)} pieces, but self_attention.max_positions is "
                f"{self.table.num_embeddings}: raise it, or take positions: sinusoidal"
            )
        return self.table(positions)

    def nearest(self, positions: Tensor) -> Tensor:
        """The same; positions after the end, which a search may reach, get the last vector."""
        return self.table(positions.clamp(max=self.table.num_embeddings - 1))


class Positions(nn.Module):
    """drop(x sqrt(width) + p_t), with the sinusoids or a learned vector for p_t; else x as it is.

    Vaswani et al. (2017), sections 3.4, 3.5 and, on dropout, 5.4: https://arxiv.org/abs/1706.03762.
    The root scales embeddings, whose variance is 1 / width, to the size of the sinusoids.
    """

    def __init__(self, kind: str, *, width: int, most: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = Dropout(dropout)
        self.added = kind in ("sinusoidal", "learned")
        self.learned = LearnedPositions(most, width) if kind == "learned" else None

    def forward(self, embedded: Tensor, before: int | None = None) -> Tensor:
        """embedded: (batch, length, width), of which `before` positions were read earlier

        Raises:
            DataError: there are more than there are learned positions.
        """
        if not self.added:
            return embedded
        width, first = embedded.size(-1), before or 0
        positions = torch.arange(first, first + embedded.size(1), device=embedded.device)
        if self.learned is None:
            vectors = sinusoids(positions, width, embedded.dtype)
        else:
            vector_of = self.learned if before is None else self.learned.nearest
            vectors = vector_of(positions)
        added: Tensor = self.dropout(embedded * width**0.5 + vectors.to(embedded.dtype))
        return added


def _angles(positions: Tensor, count: int, dtype: torch.dtype) -> Tensor:
    """(*,) -> (*, count): position / BASE^(i / count), in dtype or at least float32"""
    wide = torch.promote_types(dtype, torch.float32)
    steps = torch.arange(count, device=positions.device, dtype=wide)
    return positions.unsqueeze(-1) * torch.exp(steps * (-math.log(BASE) / count))
