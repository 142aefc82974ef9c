"""What the processor has: cores for this process, and what it can multiply."""

import os
from pathlib import Path

LISTING = Path("/proc/cpuinfo")  # where Linux tells what it can do


def cores() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor_has(*features: str) -> bool | None:
    """Whether it has one of the features, such as `avx512_vnni`; None where the system is silent.

    Only Linux tells, and only of x86 by these names.
    """
    if not LISTING.exists():
        return None
    lines = LISTING.read_text(encoding="utf-8").split("\n")
    flags = next((line for line in lines if line.startswith("flags")), None)
    return None if flags is None else not set(features).isdisjoint(flags.split())
