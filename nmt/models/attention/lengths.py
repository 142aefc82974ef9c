"""Parameters of single source positions: so many were learned, and a source may be longer."""

import torch
from torch import Tensor

from nmt.errors import DataError


def first_positions(learned: Tensor, source: int, owner: str) -> Tensor:
    """The parameters of the positions that a source has: (positions, *) -> (source, *)

    Raises:
        DataError: the source is longer than what was learned; the message begins with `owner`.
    """
    positions = learned.size(0)
    # an export is of all lengths: there a longer source fails where it is gathered
    if not torch.compiler.is_compiling() and source > positions:
        raise DataError(
            f"{owner} has {positions} positions, but a source has {source} pieces: shorten it, "
            f"or train with model.attention.max_positions={source}"
        )
    return learned[torch.arange(source, device=learned.device)]
