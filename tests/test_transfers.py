"""How numbers get to a device and back."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from nmt.decoding import torch_engine
from nmt.decoding.beam import beam_search
from nmt.models.devices import Compute, Readback, return_freed_memory, to_device
from support.tiny_models import Kind

ARRAYS = [
    np.array([[3, 1, 4], [1, 5, 9]]),
    np.arange(12).reshape(3, 4)[:, 1:],  # not contiguous
    np.array([], dtype=np.int64),
    np.array([2**40]),
]


class Transfers(TorchDispatchMode):
    """Counts the copies from one device to another."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(
        self, operator: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = operator(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and isinstance(args[0], Tensor):
            self.count += result.device != args[0].device
        return result


def test_a_batch_is_moved_to_a_device_by_one_copy() -> None:
    with Transfers() as transfers:
        moved = to_device(ARRAYS, torch.device("meta"))
    assert transfers.count == 1
    assert [tuple(tensor.shape) for tensor in moved] == [array.shape for array in ARRAYS]
    assert {tensor.device.type for tensor in moved} == {"meta"}


def test_on_a_cpu_nothing_is_copied() -> None:
    for array, tensor in zip(ARRAYS, to_device(ARRAYS, torch.device("cpu")), strict=True):
        assert np.shares_memory(array, tensor.numpy()) or not array.size
        assert np.array_equal(array, tensor)


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
    for array, tensor in zip(ARRAYS, to_device(ARRAYS, torch.device(kind)), strict=True):
        assert np.array_equal(array, tensor)
    assert done == {"cuda": ["pinned", True], "cpu": []}.get(kind, [False])


@pytest.mark.parametrize("beam", [1, 3])
def test_a_search_sends_one_array_to_the_device_per_position(
    beam: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, taken = Counter[int](), 0
    whole = torch_engine.to_device

    def counted(arrays: Any, device: torch.device) -> list[Tensor]:
        sent[len(arrays)] += 1
        return whole(arrays, device)

    step = torch_engine._Session.step

    def counted_step(*arguments: Any) -> Any:
        nonlocal taken
        taken += 1
        return step(*arguments)

    monkeypatch.setattr(torch_engine, "to_device", counted)
    monkeypatch.setattr(torch_engine._Session, "step", counted_step)
    torch.manual_seed(7)
    engine = torch_engine.TorchEngine(Kind().build(), Compute(torch.device("cpu"), bfloat16=False))
    source = np.array([[5, 9, 3], [7, 3, 0], [6, 8, 3], [4, 3, 0]])
    beam_search(engine, source, size=beam, max_lengths=np.array([9, 2, 3, 2]))
    assert taken > 3
    assert sum(sent.values()) == taken + 2  # the source before, and the index of weights after
    assert sent[3] >= 1  # ids, parents and sentences went together


def test_a_cpu_reads_its_own_numbers_at_once() -> None:
    numbers = torch.tensor([1.5, -2.0], requires_grad=True)
    assert Readback(numbers).read() == [1.5, -2.0]


def test_numbers_of_a_gpu_are_read_once_their_own_copy_has_arrived(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []

    class Event:
        def record(self, stream: str) -> None:
            done.append(f"recorded on {stream}")

        def synchronize(self) -> None:
            done.append("waited")

    class OnGpu:
        """A tensor that says that it is on CUDA."""

        is_cuda, device = True, "cuda:1"

        def detach(self) -> "OnGpu":
            return self

        def to(self, device: str, *, non_blocking: bool) -> Tensor:
            done.append(f"copied to {device}, non_blocking {non_blocking}")
            return torch.tensor([2.5])

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: f"the stream of {device}")
    numbers: Any = OnGpu()
    coming = Readback(numbers)
    copied = ["copied to cpu, non_blocking True", "recorded on the stream of cuda:1"]
    assert done == copied
    assert coming.read() == [2.5]
    assert done == [*copied, "waited"]


@pytest.mark.parametrize(("kind", "calls"), [("cpu", 1), ("cuda", 0), ("mps", 0)])
def test_only_a_cpu_returns_freed_memory(
    kind: str, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    trimmed: list[int] = []

    class Library:
        def __init__(self, name: None) -> None:
            self.malloc_trim = trimmed.append

    monkeypatch.setattr("nmt.models.devices._GLIBC", True)
    monkeypatch.setattr("nmt.models.devices.ctypes.CDLL", Library)
    return_freed_memory(torch.device(kind))
    assert trimmed == [0] * calls
