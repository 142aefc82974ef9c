"""Corpora in subword ids, encoded once into Arrow files that are mapped, not read, into memory."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nmt.data.cache import cache_folder
from nmt.data.corpus import Bitext
from nmt.data.tokenizer import Tokenizer, Tokenizers
from nmt.files import replacing

CHUNK = 20_000  # sentences encoded at once


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
        start, end = self.starts[chunk][place : place + 2]
        return self.ids[chunk][start:end]


@dataclass(frozen=True)
class EncodedBitext:
    """Sentences and their translations in ids, without BOS and EOS."""

    source: IdColumn
    target: IdColumn

    def __len__(self) -> int:
        return len(self.source)


def encode(bitext: Bitext, tokenizers: Tokenizers) -> EncodedBitext:
    """Encode a bitext, or map the file in which it was encoded before."""
    name = f"{bitext.fingerprint()}-{tokenizers.fingerprint}-{CHUNK}.arrow"
    path = cache_folder("encoded") / name
    if not path.exists():
        with replacing(path) as draft:
            _write(draft, bitext, tokenizers)
    return _map(path)


def _write(path: Path, bitext: Bitext, tokenizers: Tokenizers) -> None:
    import pyarrow as pa  # translating does without it

    column = pa.large_list(pa.int32())
    schema = pa.schema([("source", column), ("target", column)])
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        for start in range(0, len(bitext), CHUNK):
            sides = [
                pa.array(_ids(tokenizer, texts[start : start + CHUNK]), type=column)
                for tokenizer, texts in (
                    (tokenizers.source, bitext.sources),
                    (tokenizers.target, bitext.targets),
                )
            ]
            writer.write_batch(pa.record_batch(sides, schema=schema))


def _ids(tokenizer: Tokenizer, sentences: list[str]) -> list[list[int]]:
    return tokenizer.encode(sentences, threads=os.cpu_count() or 1)


def _map(path: Path) -> EncodedBitext:
    import pyarrow as pa

    with pa.memory_map(str(path)) as file:
        table = pa.ipc.open_file(file).read_all()
    return EncodedBitext(_column(table["source"]), _column(table["target"]))


def _column(chunked: Any) -> IdColumn:
    chunks = [chunk for chunk in chunked.chunks if len(chunk)]
    return IdColumn(
        [chunk.values.to_numpy(zero_copy_only=True) for chunk in chunks],
        [chunk.offsets.to_numpy(zero_copy_only=True) for chunk in chunks],
    )
