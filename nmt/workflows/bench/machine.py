"""The peak of the machine, and the work of a model."""

import math
import statistics
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any, TypeVar

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nmt.config import ModelConfig
from nmt.models.devices import Compute

Shape = tuple[int, int, int]
Result = TypeVar("Result")


def shapes_of(model: ModelConfig, vocabulary: int, *, rows: int) -> list[Shape]:
    """The large matrix products of a model, each as (rows, inner, columns)."""
    hidden = model.decoder.size
    return [
        (rows, model.embedding_size, 4 * hidden),
        (rows, 2 * hidden, hidden),
        (rows, model.embedding_size, vocabulary),
        (vocabulary, rows, model.embedding_size),
    ]


def best_rate(compute: Compute, shapes: list[Shape]) -> float:
    """The FLOP/s of the fastest among some matrix products."""
    return max(_rate(compute, *shape) for shape in shapes)


def _rate(compute: Compute, rows: int, inner: int, columns: int) -> float:
    dtype = torch.bfloat16 if compute.bfloat16 else torch.float32
    left = torch.randn(rows, inner, device=compute.device, dtype=dtype)
    right = torch.randn(inner, columns, device=compute.device, dtype=dtype)
    rates = []
    for _ in range(12):
        started = perf_counter()
        left @ right
        if compute.device.type == "cuda":
            torch.cuda.synchronize(compute.device)
        rates.append(2 * rows * inner * columns / (perf_counter() - started))
    return statistics.median(rates[2:])


def _addmm_flop(total: Any, left: Any, right: Any, **_: Any) -> int:
    """FLOP of an in-place addmm, from its shapes; torch's counter does not know it."""
    return 2 * left[0] * left[1] * right[1]


def _packed_flop(inputs: Any, *others: Any, **_: Any) -> int:
    """FLOP of a product with a packed weight (see `nmt.models.packed`), from its shapes."""
    *rows, width = inputs
    shapes = [each for each in others if isinstance(each, tuple | list) and len(each) == 2]
    outputs, _ = shapes[-1]  # the weight's; what is added comes before it
    return 2 * math.prod(rows) * width * int(outputs)


CUSTOM_FLOP = {
    torch.ops.aten.addmm_: _addmm_flop,
    getattr(torch.ops.mkldnn, "_linear_pointwise", None): _packed_flop,
}


def counted(
    model: nn.Module, work: Callable[[], Result], *, backward: bool = False
) -> tuple[float, Result]:
    """The FLOP of the matrix products in `work`, counted rather than timed, and its result.

    A fused recurrent call, which the counter does not see, is counted by hand: two FLOP per weight
    and position in the forward pass, and twice that in the backward pass.
    """
    counter = FlopCounterMode(display=False, custom_mapping=CUSTOM_FLOP)
    fused = before = 0

    def enter(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        nonlocal before
        before = counter.get_total_flops()

    def leave(module: nn.Module, inputs: tuple[Any, ...], outputs: Any) -> None:
        nonlocal fused
        if counter.get_total_flops() == before:
            weights = sum(p.numel() for name, p in module.named_parameters() if "weight" in name)
            fused += (6 if backward else 2) * weights * inputs[0].size(0) * inputs[0].size(1)

    hooks = []
    for module in model.modules():
        if isinstance(module, nn.LSTM | nn.GRU):
            hooks += [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]
    try:
        with counter:
            result = work()
    finally:
        for hook in hooks:
            hook.remove()
    return counter.get_total_flops() + fused, result


def peak_memory(device: str) -> float | None:
    """The peak memory in MB: of the GPU, or the largest resident size of this process."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    if sys.platform == "win32":
        return None
    import resource  # missing on Windows

    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / 1e6 if sys.platform == "darwin" else size * 1024 / 1e6
