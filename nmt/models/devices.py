"""Which device multiplies, and in which numbers; decided once and said aloud."""

import ctypes
import os
import platform
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from nmt.config.sections import DEVICE
from nmt.errors import ConfigError
from nmt.processor import processor_has


@dataclass(frozen=True)
class Compute:
    """A device and the precision of its matrix products; weights are always float32."""

    device: torch.device
    bfloat16: bool

    def products(self) -> AbstractContextManager[None]:
        """Around a forward pass: matrix products in the chosen precision."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16)

    def __str__(self) -> str:
        threads = f" ({torch.get_num_threads()} threads)" if self.device.type == "cpu" else ""
        return f"{self.device}{threads}, {'bfloat16' if self.bfloat16 else 'float32'} products"


def choose(device: str, precision: str) -> Compute:
    """`auto` becomes the best there is; and torch and the C library are set to use it well.

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
    bfloat16 = precision == "bfloat16" or (precision == "auto" and _multiplies_bfloat16(chosen))
    if chosen.type == "cpu":
        # The library of matrix products keeps code for 1,024 shapes, which batches of ever new
        # lengths fill with half a gigabyte; making it anew takes no measurable time.
        os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")
        keep_freed_memory()
        if not processor_has("amx_tile", "amx_bf16"):
            # Without AMX this keeps float32's accuracy and only routes products to oneDNN, which
            # is twice as fast as MKL on AMD; with AMX it would round them to bfloat16.
            torch.set_float32_matmul_precision("medium")
    return Compute(chosen, bfloat16)


def out_of_memory(error: Exception) -> bool:
    """Whether an error says that a tensor found no place."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    words = ("out of memory", "DefaultCPUAllocator", "ALLOC_FAILED")  # which have no type in torch
    return any(word in str(error) for word in words)


def keep_freed_memory() -> None:
    """Let the C library keep what is freed, for the next tensor.

    By default it hands every large block back to the system, which then clears each of its pages
    anew for the next update: a quarter of a training's time.
    """
    if _GLIBC:
        no_blocks_apart, trim_threshold = (-4, 0), (-1, 2**31 - 1)  # M_MMAP_MAX, M_TRIM_THRESHOLD
        for option, value in (no_blocks_apart, trim_threshold):
            ctypes.CDLL(None).mallopt(option, value)


def return_freed_memory() -> None:
    """Hand back what was kept after all: now and then, since what is kept falls into pieces."""
    if _GLIBC:
        ctypes.CDLL(None).malloc_trim(0)


_GLIBC = platform.libc_ver()[0] == "glibc"


def _best_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _multiplies_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and bool(processor_has("avx512_bf16", "amx_bf16"))
