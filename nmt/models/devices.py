"""Which device computes, and in which precision: decided once, and logged."""

import ctypes
import os
import platform
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nmt.config.sections import DEVICE
from nmt.errors import ConfigError, printable
from nmt.processor import processor_has


@dataclass(frozen=True)
class Compute:
    """A device and the precision of its matrix products; weights are always float32."""

    device: torch.device
    bfloat16: bool

    def products(self) -> AbstractContextManager[None]:
        """A context for forward passes: matrix products in the chosen precision."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16)

    def __str__(self) -> str:
        threads = f" ({torch.get_num_threads()} threads)" if self.device.type == "cpu" else ""
        return f"{self.device}{threads}, {'bfloat16' if self.bfloat16 else 'float32'} products"


def choose(device: str, precision: str) -> Compute:
    """Resolve `auto` to the best device and precision, and set torch and the C library up for it.

    On a processor that multiplies bfloat16, `auto` resolves to it here; whether that is faster
    depends on the model (see `nmt.models.precision`).

    Raises:
        ConfigError: the device asked for is not there.
    """
    if not re.fullmatch(DEVICE, device):
        raise ConfigError(f"unknown device '{device}': it is auto, cpu, mps, cuda or cuda:N")
    chosen = torch.device(_best_device() if device == "auto" else device)
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device is cuda, but torch sees no GPU here; use device: auto")
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"device is {chosen}, but there are {torch.cuda.device_count()} GPUs")
    if chosen.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("device is mps, but torch sees no Apple GPU here; use device: auto")
    if chosen.type == "cpu":
        # oneDNN keeps the code that it generated, by default for 1,024 shapes. A training with its
        # validations has somewhat more (see nmt/data/batching/sizes.py), of 0.3 MB each.
        os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "2048")
    bfloat16 = precision == "bfloat16" or (precision == "auto" and _multiplies_bfloat16(chosen))
    if bfloat16 and chosen.type == "cpu" and not networks_take_bfloat16("cpu"):
        raise ConfigError(
            "precision is bfloat16, but torch's library for this processor runs no recurrent "
            "network in it; use precision: float32"
        )
    if chosen.type == "cpu":
        keep_freed_memory()
        if _is_x86() and processor_has("amx_tile", "amx_bf16") is False:
            # On x86 without AMX this keeps float32's accuracy and only routes products to oneDNN,
            # which is twice as fast as MKL on AMD. With AMX, and on ARM processors that multiply
            # bfloat16, it would round them to that; and on unknown processors it might.
            torch.set_float32_matmul_precision("medium")
    return Compute(chosen, bfloat16)


def chosen_before(device: str, before: object) -> Compute:
    """The device, in the precision of an earlier training if it is possible there.

    before: `str` of the compute of that training, from its manifest
    """
    try:
        return choose(device, "bfloat16" if "bfloat16" in str(before) else "float32")
    except ConfigError:
        return choose(device, "float32")


def resumed_elsewhere(before: object, now: Compute) -> str | None:
    """A warning if a training resumes with other arithmetic than it began with, else None.

    before: `str` of the compute that it began with, from its manifest
    """
    if before == str(now):
        return None
    return (
        f"the run began on {printable(str(before), most=80)} and goes on on {now}: the weights "
        "will not be bit-identical to those of an uninterrupted training"
    )


def to_device(arrays: Sequence[np.ndarray], device: torch.device) -> list[Tensor]:
    """Arrays of int64 as tensors on a device, by one copy; on a CPU by none.

    Only a copy from pinned memory to CUDA may go on while the program does: of any other memory,
    nobody but CUDA promises to read it before it is freed.
    """
    if device.type == "cpu":
        return [torch.from_numpy(array) for array in arrays]
    packed = torch.from_numpy(np.concatenate([array.ravel() for array in arrays]))
    if device.type == "cuda":
        moved = packed.pin_memory().to(device, non_blocking=True)
    else:
        moved = packed.to(device)
    parts = moved.split([array.size for array in arrays])
    return [part.view(array.shape) for part, array in zip(parts, arrays, strict=True)]


class Readback:
    """Numbers on their way from a device to the program, which may go on until it needs them."""

    def __init__(self, numbers: Tensor) -> None:
        self._numbers = numbers.detach().to("cpu", non_blocking=numbers.is_cuda)
        self._arrived: torch.cuda.Event | None = None
        if numbers.is_cuda:  # torch has chosen pinned memory for the copy, which is not there yet
            self._arrived = torch.cuda.Event()
            self._arrived.record(torch.cuda.current_stream(numbers.device))

    def read(self) -> list[float]:
        """The numbers; waits for what the device had to do before them, and for no more."""
        if self._arrived is not None:
            self._arrived.synchronize()
        numbers: list[float] = self._numbers.tolist()
        return numbers


def out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    words = (  # which have no type in torch
        "out of memory",
        "DefaultCPUAllocator",
        "ALLOC_FAILED",
        "Storage size calculation overflowed",
        "could not execute a primitive",  # of oneDNN, which says no more
    )
    return any(word in str(error) for word in words)


def keep_freed_memory() -> None:
    """Let the C library keep freed memory for the next tensor.

    By default it returns every large block to the system, which then clears each of its pages
    again for the next update: a quarter of a training's time.
    """
    if _GLIBC:
        no_blocks_apart, trim_threshold = (-4, 0), (-1, 2**31 - 1)  # M_MMAP_MAX, M_TRIM_THRESHOLD
        for option, value in (no_blocks_apart, trim_threshold):
            ctypes.CDLL(None).mallopt(option, value)


def return_freed_memory(device: torch.device) -> None:
    """Return freed memory to the system now and then, because it becomes fragmented.

    On a GPU torch keeps the memory itself, and the C library only what batches are made in.
    """
    if _GLIBC and device.type == "cpu":
        ctypes.CDLL(None).malloc_trim(0)


_GLIBC = platform.libc_ver()[0] == "glibc"


def _best_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _multiplies_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    native = device.type == "cpu" and bool(processor_has("avx512_bf16", "amx_bf16"))
    return native and networks_take_bfloat16("cpu")


def _is_x86() -> bool:
    return platform.machine().lower() in ("x86_64", "amd64", "i386", "i686", "x86")


@cache
def networks_take_bfloat16(kind: str) -> bool:
    """Whether the library's recurrent networks may run under autocast to bfloat16.

    On CUDA autocast runs them in float16, whatever the config (aten/src/ATen/cudnn/
    AutocastRNN.cpp), in which small gradients vanish; elsewhere nobody has tried. On a CPU the
    smallest network there is tries it: oneDNN may be configured without bfloat16.
    """
    return kind == "cpu" and _smallest_network_runs(kind, torch.float32)


@cache
def networks_take_cast_weights(kind: str) -> bool:
    """Whether the library's recurrent networks, outside autocast, run fast in bfloat16.

    On CUDA they do where cuDNN takes it, since its version 9.13 (pytorch/pytorch#164411); before,
    torch would run them position by position.
    """
    if kind != "cuda":
        return False
    probe = torch.zeros(1, dtype=torch.bfloat16, device=kind)
    return torch.cudnn_is_acceptable(probe) and _smallest_network_runs(kind, torch.bfloat16)


def _smallest_network_runs(kind: str, dtype: torch.dtype) -> bool:
    """Try an LSTM of one unit, its gradient too. dtype: of its weights; autocast if float32"""
    place: Any = {"dtype": dtype, "device": kind}
    zero = torch.zeros(1, 1, 1, **place)
    sizes = ((4, 1), (4, 1), (4,), (4,))
    weights = [torch.zeros(*size, requires_grad=True, **place) for size in sizes]
    autocast = torch.autocast(kind, torch.bfloat16, enabled=dtype == torch.float32)
    try:
        with torch.enable_grad(), autocast:
            states, _, _ = torch.lstm(
                zero, (zero, zero), weights, True, 1, 0.0, True, False, True
            )  # biases, layers, dropout, training, both directions, batch first
            states.sum().backward()
    except RuntimeError:
        return False
    return True
