"""What the processor offers: the cores for this process, and its instruction sets."""

import os
import platform
from pathlib import Path

LISTING = Path("/proc/cpuinfo")  # Linux's list of the processor's features


def cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor_has(*features: str) -> bool | None:
    """Whether the processor has one of the features, such as `avx512_vnni`; None if unknown.

    Only Linux lists them, and only on x86 under these names.
    """
    flags = _listed("flags")
    return None if flags is None else not set(features).isdisjoint(flags.split())


def processor_name() -> str:
    """What the processor calls itself; at least its architecture."""
    return " ".join(filter(None, [platform.machine(), _listed("model name")]))


def _listed(key: str) -> str | None:
    """What Linux lists of the first core under a key; None if it does not."""
    if not LISTING.exists():
        return None
    lines = (line.partition(":") for line in LISTING.read_text(encoding="utf-8").split("\n"))
    return next((value.strip() for name, _, value in lines if name.strip() == key), None)
