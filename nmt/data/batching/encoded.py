"""Corpora in subword ids, encoded once into Arrow files that are mapped, not read, into memory."""

import logging
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nmt.data.cache import cache_folder, remove_unused, used
from nmt.data.corpus.types import Bitext
from nmt.data.tokenizers.learn import Tokenizers
from nmt.files import replacing
from nmt.processor import cores

log = logging.getLogger(__name__)
CHUNK = 20_000  # sentences encoded at once
LAYOUT = 2  # part of every file's name: raise it when their layout changes
Sides = tuple[tuple[np.ndarray, np.ndarray], ...]  # ids end to end, and lengths, of each side


@dataclass(frozen=True)
class IdColumn:
    """The ids of many sentences: chunks of CHUNK sentences, the ids of a chunk end to end."""

    ids: list[np.ndarray]  # a chunk each: (all,) int32, as it lies in the file
    starts: list[np.ndarray]  # a chunk each: (sentences + 1,) int64

    @property
    def lengths(self) -> np.ndarray:
        """(sentences,)"""
        return np.concatenate([np.diff(starts) for starts in self.starts] or [np.zeros(0, int)])

    def __len__(self) -> int:
        return sum(len(starts) - 1 for starts in self.starts)

    def __getitem__(self, sentence: int) -> np.ndarray:
        chunk, place = divmod(sentence, CHUNK)
        starts = self.starts[chunk]
        return self.ids[chunk][starts.item(place) : starts.item(place + 1)]


@dataclass(frozen=True)
class EncodedBitext:
    """Sentences and their translations in ids, without BOS and EOS."""

    source: IdColumn
    target: IdColumn
    path: Path | None = None
    """The file that is mapped."""

    def __len__(self) -> int:
        return len(self.source)

    def remapped(self) -> "EncodedBitext":
        """The same file mapped again, so that the pages read so far may leave memory.

        If the cache was emptied meanwhile, the old mapping still works.
        """
        return _map(self.path) if self.path is not None and self.path.exists() else self


def encode(bitext: Bitext, tokenizers: Tokenizers) -> EncodedBitext:
    """Encode a bitext on all cores, or map the file in which it was encoded before.

    A file that is damaged, or that nmt did not write, is replaced.
    """
    folder = cache_folder("encoded")
    path = folder / f"{bitext.fingerprint()}-{tokenizers.fingerprint}-{CHUNK}-{LAYOUT}.arrow"
    used(path)
    remove_unused(folder)
    try:
        encoded = _map(path, check=True)
        if len(encoded) != len(bitext):
            raise ValueError(f"{len(encoded)} pairs, not {len(bitext)}")
        return encoded
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        reason = " ".join(str(error).split())
        log.warning("%s is damaged (%.200s): the corpus is encoded again", path, reason)
        with suppress(OSError):
            path.unlink()
    with replacing(path) as draft:
        _write(draft, bitext, tokenizers)
    return _map(path)


def _write(path: Path, bitext: Bitext, tokenizers: Tokenizers) -> None:
    import pyarrow as pa  # not needed to translate

    column = pa.large_list(pa.int32())
    schema = pa.schema([("source", column), ("target", column)])
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        for sides in _encoded(bitext, tokenizers):
            arrays = [
                pa.LargeListArray.from_arrays(np.cumsum([0, *lengths]), ids)
                for ids, lengths in sides
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))


def _encoded(bitext: Bitext, tokenizers: Tokenizers) -> Iterator[Sides]:
    """Chunk after chunk, with some encoded ahead of the one that is needed.

    Threads are enough: sentencepiece releases the GIL while it works.
    """
    threads = cores()
    ahead = deque[list[Future[tuple[np.ndarray, np.ndarray]]]]()
    both = (tokenizers.source, tokenizers.target)
    with ThreadPoolExecutor(threads) as pool:
        for texts in bitext.chunks(CHUNK):
            ahead.append([pool.submit(t.encode_flat, s) for t, s in zip(both, texts, strict=True)])
            if len(ahead) > 1 + threads // 2:  # a chunk keeps two of them busy
                yield tuple(side.result() for side in ahead.popleft())
        for sides in ahead:
            yield tuple(side.result() for side in sides)


def _map(path: Path, *, check: bool = False) -> EncodedBitext:
    import pyarrow as pa

    with pa.memory_map(str(path)) as file:
        table = pa.ipc.open_file(file).read_all()
        if check:
            table.validate(full=True)
    return EncodedBitext(_column(table["source"]), _column(table["target"]), path)


def _column(chunked: Any) -> IdColumn:
    chunks = [chunk for chunk in chunked.chunks if len(chunk)]
    return IdColumn(
        [chunk.values.to_numpy(zero_copy_only=True) for chunk in chunks],
        [chunk.offsets.to_numpy(zero_copy_only=True) for chunk in chunks],
    )
