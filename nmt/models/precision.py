"""Whether products in bfloat16 are faster here than in float32: timed, not guessed.

A processor that multiplies bfloat16 may still lose more on casts, and on the code that it needs
for each shape, than it gains. So where both are possible, the same work is timed in both, once for
each machine and kind of work; the result is kept in the cache, so that one machine always decides
alike.
"""

import hashlib
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time

import torch

from nmt.data.cache import cache_folder, remove_unused, used
from nmt.errors import NmtError
from nmt.files import read_json, write_json
from nmt.processor import processor_name

REPETITIONS = 5  # of both, after the first
SECONDS = 0.3  # of CPU time, after which no further repetition begins
GAIN = 0.95
"""The share of float32's time that bfloat16, which is less exact, may take at most."""
Work = Callable[[bool], object]  # does a piece of work, in bfloat16 or not


@dataclass(frozen=True)
class Timings:
    """CPU seconds for the same work."""

    bfloat16: float
    float32: float

    @property
    def bfloat16_wins(self) -> bool:
        return self.bfloat16 <= GAIN * self.float32

    def __str__(self) -> str:
        chosen, other = ("bfloat16", "float32") if self.bfloat16_wins else ("float32", "bfloat16")
        each = f"{1000 * self.bfloat16:.1f} ms in bfloat16, {1000 * self.float32:.1f} in float32"
        return f"products in {chosen}, not {other}: a trial took {each}"


def timings(work: Work, *, kind: object) -> Timings:
    """Time some work in both precisions, or recall what it took on this machine before.

    kind: all that its time depends on, besides the machine; its `repr` identifies it
    """
    machine = (processor_name(), torch.__version__)
    name = hashlib.sha256(repr((machine, kind)).encode()).hexdigest()[:16]
    try:
        path = cache_folder("precision") / f"{name}.json"
        remove_unused(path.parent)
    except NmtError:  # there can be no cache here
        return timed(work)
    known = _read(path)
    if known is None:
        known = timed(work)
        with suppress(NmtError):
            write_json(path, asdict(known))
    used(path)
    return known


def timed(work: Work) -> Timings:
    """The least times of repetitions that take turns.

    They are CPU times of a single thread, which another load on the machine hardly changes.
    """
    least = {True: math.inf, False: math.inf}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for bfloat16 in least:
            work(bfloat16)  # generates code
        started = process_time()
        for _ in range(REPETITIONS):
            if process_time() - started > SECONDS:
                break
            for bfloat16 in least:
                before = process_time()
                work(bfloat16)
                least[bfloat16] = min(least[bfloat16], process_time() - before)
    finally:
        torch.set_num_threads(threads)
    return Timings(bfloat16=least[True], float32=least[False])


def _read(path: Path) -> Timings | None:
    """What was written there; None if it was nothing, or damaged."""
    try:
        values = read_json(path)
        known = Timings(float(values["bfloat16"]), float(values["float32"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return known if min(known.bfloat16, known.float32) > 0 else None
