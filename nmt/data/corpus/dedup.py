"""Find duplicate pairs with the help of the disk, for corpora larger than memory.

For every pair a 128-bit digest and the pair's number are written to one of PARTS files, chosen by
the digest, so that equal pairs end up in the same file; each file is then sorted separately. The
probability that any two different pairs among 10^9 have equal digests is 10^-21.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import blake2b
from types import TracebackType
from typing import Self

import numpy as np

from nmt.data.cache import Scratch
from nmt.data.corpus.types import Bitext
from nmt.files import os_errors_as_write_error

PARTS = 64
ROW = 3  # two halves of the digest and the number, 64 bits each


class Repeats:
    """Takes pairs in order and reports which ones repeat an earlier pair."""

    def __init__(self) -> None:
        self._scratch = Scratch("repeats")
        self._paths = [self._scratch.folder / f"{part}" for part in range(PARTS)]
        self._count = 0

    def __enter__(self) -> Self:
        self._open = ExitStack()
        with os_errors_as_write_error(self._scratch.folder):
            self._files = [self._open.enter_context(path.open("wb")) for path in self._paths]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def add(self, pairs: Bitext) -> None:
        """Add the next pairs."""
        rows = np.empty((len(pairs), ROW), np.uint64)
        digests = b"".join(_digest(source, target) for source, target in pairs)
        rows[:, :2] = np.frombuffer(digests, np.uint64).reshape(-1, 2)
        rows[:, 2] = np.arange(self._count, self._count + len(pairs))
        self._count += len(pairs)
        parts = rows[:, 0] % PARTS
        order = np.argsort(parts, kind="stable")
        ends = np.cumsum(np.bincount(parts.astype(np.int64), minlength=PARTS))
        with os_errors_as_write_error(self._scratch.folder):
            for file, part in zip(self._files, np.split(rows[order], ends[:-1]), strict=True):
                file.write(part.tobytes())

    def first(self) -> np.ndarray:
        """Whether each pair is the first occurrence of itself: (pairs,) bool."""
        self._open.close()
        first = np.ones(self._count, bool)
        for numbers in self._repeated():
            first[numbers] = False
        return first

    def _repeated(self) -> Iterator[np.ndarray]:
        for path in self._paths:
            rows = np.fromfile(path, np.uint64).reshape(-1, ROW)
            rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]  # stable: numbers stay in order
            equal = (rows[1:, :2] == rows[:-1, :2]).all(axis=1)
            yield rows[1:][equal][:, 2].astype(np.int64)


def _digest(source: str, target: str) -> bytes:
    return blake2b(f"{source}\t{target}".encode(), digest_size=16).digest()
