"""A bitext on disk, which takes the same memory however many sentences it has."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate, compress
from pathlib import Path
from typing import Any, overload

import numpy as np

from nmt.data.cache import Scratch
from nmt.data.corpus.types import Bitext
from nmt.files import os_errors_as_write_error

NAMES = ("source", "target")  # of the columns


@dataclass(frozen=True)
class Stretch:
    """One batch of an Arrow file, and which of its rows are kept."""

    kept: np.ndarray  # packed bits
    rows: int

    @property
    def mask(self) -> np.ndarray:
        """(rows,) bool"""
        return np.unpackbits(self.kept, count=self.rows).astype(bool)


class TextFile:
    """An Arrow file with the columns `source` and `target`, of which some rows are kept.

    The file is mapped again for each batch that is read, so that a pass over it holds only one
    batch in memory. It is in a scratch folder that is removed when it is no longer needed.
    """

    def __init__(self, scratch: Scratch, batches: list[Stretch]) -> None:
        self._scratch, self._batches = scratch, batches
        counts = (int(batch.mask.sum()) for batch in batches)
        self.ends = list(accumulate(counts))  # for each batch, the pairs kept up to its end

    def bitext(self) -> Bitext:
        return Bitext(*(TextColumn(self, name) for name in NAMES))

    def read(self, column: str, batch: int) -> list[str]:
        """The kept sentences of a batch."""
        import pyarrow as pa  # here, because translation does not need it

        with pa.memory_map(str(text_path(self._scratch))) as file:
            sentences = pa.ipc.open_file(file).get_batch(batch)[column]
        mask = self._batches[batch].mask
        return sentences.to_pylist() if mask.all() else sentences.filter(pa.array(mask)).to_pylist()

    def where(self, keep: np.ndarray) -> "TextFile":
        """The same file with fewer rows kept; keep: (pairs,) bool"""
        batches = []
        for batch, start, end in zip(self._batches, [0, *self.ends], self.ends, strict=False):
            mask = batch.mask
            mask[mask] = keep[start:end]
            batches.append(Stretch(np.packbits(mask), batch.rows))
        return TextFile(self._scratch, batches)


class TextColumn(Sequence[str]):
    """One side of a text file."""

    def __init__(self, file: TextFile, name: str) -> None:
        self.file, self.name = file, name
        self._latest: tuple[int, list[str]] = (-1, [])

    def __len__(self) -> int:
        return self.file.ends[-1] if self.file.ends else 0

    def __iter__(self) -> Iterator[str]:
        for batch in range(len(self.file.ends)):
            yield from self.file.read(self.name, batch)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        places = range(len(self))[place]
        if isinstance(places, int):
            sentences, first = self._around(places)
            return sentences[places - first]
        if places.step != 1:
            return [self[one] for one in places]
        selected: list[str] = []
        while len(selected) < len(places):
            next_one = places[len(selected)]
            sentences, first = self._around(next_one)
            selected += sentences[next_one - first : places.stop - first]
        return selected

    def _around(self, place: int) -> tuple[list[str], int]:
        """The batch that holds a sentence, and the index of the batch's first sentence."""
        batch = bisect_right(self.file.ends, place)
        latest = self._latest  # read once: another thread may replace it
        if latest[0] != batch:
            latest = self._latest = (batch, self.file.read(self.name, batch))
        return latest[1], self.file.ends[batch - 1] if batch else 0


class TextWriter:
    """Appends pairs to a text file."""

    def __init__(self, scratch: Scratch, writer: Any) -> None:
        self._scratch, self._writer = scratch, writer
        self._batches: list[Stretch] = []

    def write(self, pairs: Bitext) -> None:
        import pyarrow as pa

        if len(pairs):
            sides = [pa.array(side, pa.large_string()) for side in (pairs.sources, pairs.targets)]
            self._writer.write_batch(pa.record_batch(sides, names=NAMES))
            kept = np.packbits(np.ones(len(pairs), bool))
            self._batches.append(Stretch(kept, len(pairs)))

    def file(self) -> TextFile:
        """The file that was written; to be called after the block of `writing`."""
        return TextFile(self._scratch, self._batches)


@contextmanager
def writing() -> Iterator[TextWriter]:
    """Write a new text file.

    Raises:
        WriteError: the disk is full, or the cache is not writable.
    """
    import pyarrow as pa

    schema = pa.schema([(name, pa.large_string()) for name in NAMES])
    scratch = Scratch("text")
    path = text_path(scratch)
    with (
        os_errors_as_write_error(path),
        pa.OSFile(str(path), "wb") as file,
        pa.ipc.new_file(file, schema) as writer,
    ):
        yield TextWriter(scratch, writer)


def text_path(scratch: Scratch) -> Path:
    return scratch.folder / "text.arrow"


def where(bitext: Bitext, keep: np.ndarray) -> Bitext:
    """The pairs to keep, in their order; keep: (pairs,) bool"""
    if isinstance(bitext.sources, TextColumn):
        return bitext.sources.file.where(keep).bitext()
    flags = keep.tolist()
    return Bitext(list(compress(bitext.sources, flags)), list(compress(bitext.targets, flags)))
