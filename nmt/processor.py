"""What the processor offers: the cores for this process, and its instruction sets."""

import os
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
    if not LISTING.exists():
        return None
    lines = LISTING.read_text(encoding="utf-8").split("\n")
    flags = next((line for line in lines if line.startswith("flags")), None)
    return None if flags is None else not set(features).isdisjoint(flags.split())
