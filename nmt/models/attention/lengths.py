"""Parameters per position: a limited number was learned, and a sentence may be longer."""

import torch
from torch import Tensor

from nmt.errors import DataError


def first_positions(learned: Tensor, length: int, owner: str) -> Tensor:
    """The parameters of the positions that a sentence has: (positions, *) -> (length, *)

    Raises:
        DataError: it is longer than what was learned; the message begins with `owner`, and leaves
            out the section of max_positions, which only the config knows.
    """
    positions = learned.size(0)
    # an export is of all lengths: there a longer sentence fails where it is gathered
    if not torch.compiler.is_compiling() and length > positions:
        raise DataError(
            f"{owner} has {positions} positions, but a sentence has {length} pieces: shorten it, "
            f"or train with a max_positions of {length}"
        )
    return learned[torch.arange(length, device=learned.device)]
