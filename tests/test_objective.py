"""How a batch is moved to a device."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from nmt.training.objective import to_device


@pytest.mark.parametrize("kind", ["cpu", "mps", "meta", "cuda"])
def test_only_pinned_memory_is_copied_while_the_program_goes_on(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Apple's GPU may read pageable memory after it was freed."""
    done: list[Any] = []

    def pin(tensor: Tensor) -> Tensor:
        done.append("pinned")
        return tensor

    def to(tensor: Tensor, device: torch.device, *, non_blocking: bool = False) -> Tensor:
        done.append(non_blocking)
        return tensor

    monkeypatch.setattr(Tensor, "pin_memory", pin)
    monkeypatch.setattr(Tensor, "to", to)
    assert to_device(np.array([3, 1, 4]), torch.device(kind)).tolist() == [3, 1, 4]
    assert done == (["pinned", True] if kind == "cuda" else [False])
