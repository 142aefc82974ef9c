"""A shortlist of the target pieces that can translate a sentence, instead of the whole vocabulary.

The output layer, its softmax and the search for the best words take time in proportion to the
vocabulary, though a sentence needs only a few hundred of its pieces. A table lists the likeliest
target pieces of each source piece. A sentence's candidates are those of its pieces, and some that
every sentence has: EOS, bytes, and the most frequent pieces (Jean et al., 2015, section 3.2:
https://arxiv.org/abs/1412.2007; L'Hostis et al., 2016: https://arxiv.org/abs/1610.00072).

A batch computes the union of its sentences' candidates, and each sentence chooses among its own
only. So a translation does not depend on the other sentences of its batch.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from nmt.config import MOST_CANDIDATES
from nmt.data.batching.sizes import rounded_up
from nmt.data.tokenizers.base import BOS, EOS, PAD, UNK
from nmt.data.tokenizers.learn import Tokenizers
from nmt.errors import CheckpointError
from nmt.files import parse_json, read_bytes, replacing

FORMAT = "nmt.shortlist/1"
FREQUENT = 100  # target pieces that every sentence has as candidates
FAINT = 0.01  # weights up to this are no link
MERGED_AT = 1 << 22  # links that wait to be added up
LARGEST_FILE = 2**30  # bytes
SPECIAL = (PAD, UNK, BOS, EOS)
"""Always computed, so that the probabilities of a shortlist of all ids are the model's own."""


@dataclass(frozen=True)
class CandidateTable:
    """The likeliest target pieces of each source piece."""

    always: np.ndarray
    """(some,) int64 ascending: the target ids that are candidates in every sentence"""
    lengths: np.ndarray
    """(source vocabulary,) int64: how many of `targets` belong to each source id"""
    targets: np.ndarray
    """(all,) int64 target ids, the likeliest of a source id first"""

    def first(self, size: int) -> np.ndarray:
        """(source vocabulary, size) target ids; EOS where a piece has fewer, and for padding."""
        table = np.full((len(self.lengths), size), EOS)
        ranks = _ranks(self.lengths)
        kept = ranks < size
        sources = np.repeat(np.arange(len(self.lengths)), self.lengths)
        table[sources[kept], ranks[kept]] = self.targets[kept]
        table[PAD] = EOS
        return table

    def write(self, path: Path, identity: dict[str, str], *, root: Path) -> None:
        """Write the table for the model and tokenizers of `identity`. root: see `replacing`"""
        tensors = {name: array.astype(np.int32) for name, array in vars(self).items()}
        with replacing(path, root=root) as draft:
            draft.write_bytes(save(tensors, metadata={"format": FORMAT, **identity}))

    @classmethod
    def read(cls, path: Path, identity: dict[str, str], tokenizers: Tokenizers) -> "CandidateTable":
        """Read what `write` wrote.

        Raises:
            FileNotFoundError: there is none.
            CheckpointError: it is damaged, or was made for another model or tokenizer.
        """
        try:
            content = read_bytes(path, largest=LARGEST_FILE)
            if _metadata(content) != {"format": FORMAT, **identity}:
                raise CheckpointError(f"{path} was made from another checkpoint or by another nmt")
            table = cls(**{name: each.astype(np.int64) for name, each in load(content).items()})
            table._refuse_damaged(tokenizers)
        except FileNotFoundError:
            raise
        except (SafetensorError, OSError, TypeError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())[:100]
            raise CheckpointError(f"{path} is damaged ({reason})") from None
        return table

    def _refuse_damaged(self, tokenizers: Tokenizers) -> None:
        if any(array.ndim != 1 for array in vars(self).values()):
            raise ValueError("its arrays have other shapes")
        if len(self.lengths) != len(tokenizers.source) or self.lengths.min(initial=0) < 0:
            raise ValueError("it is of another vocabulary")
        if self.lengths.sum() != len(self.targets):
            raise ValueError("it lacks targets")
        for ids in (self.always, self.targets):
            if ids.min(initial=0) < 0 or ids.max(initial=0) >= len(tokenizers.target):
                raise ValueError("it has ids outside the vocabulary")
        if not np.isin(SPECIAL, self.always).all():
            raise ValueError("it lacks EOS")


def _metadata(content: bytes) -> dict[str, str]:
    """What the header of a safetensors file says besides its tensors."""
    size = int.from_bytes(content[:8], "little")
    header = parse_json(content[8 : 8 + size].decode("utf-8"))
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    return metadata if isinstance(metadata, dict) else {}


class Selection(NamedTuple):
    """The candidates of a batch."""

    ids: np.ndarray  # (candidates,) int64 ascending: those of all sentences, and a few more
    others: np.ndarray  # (batch, candidates) bool, True where it is no candidate of the sentence


@dataclass(frozen=True)
class Shortlist:
    """The first `size` candidates of each source piece."""

    table: CandidateTable
    size: int
    vocabulary: int
    """Of the target."""
    _first: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_first", self.table.first(self.size))

    def select(self, source: np.ndarray) -> Selection:
        """The candidates of a batch. source: (batch, source) ids, padded"""
        chosen = np.zeros((len(source), self.vocabulary), dtype=bool)
        chosen[:, self.table.always] = True
        np.put_along_axis(chosen, self._first[source].reshape(len(source), -1), True, axis=1)
        ids = _filled_up(np.logical_or.reduce(chosen, axis=0))
        return Selection(ids, ~chosen[:, ids])


class LinkCounts:
    """How often each source piece and target piece are linked, in sums of attention weights."""

    def __init__(self, tokenizers: Tokenizers) -> None:
        self.tokenizers = tokenizers
        self.width = len(tokenizers.target)
        self.frequencies = np.zeros(self.width)
        self._keys: np.ndarray = np.zeros(0, np.int64)
        self._weights: np.ndarray = np.zeros(0)
        self._waiting: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, source: np.ndarray, target: np.ndarray, attention: np.ndarray) -> None:
        """Count a batch of pairs.

        source: (batch, source) ids; target: (batch, target) ids that are predicted; both padded
        attention: (batch, target, source) weights with which they were predicted
        """
        self.frequencies += np.bincount(target[target != PAD], minlength=self.width)
        real = (target != PAD)[:, :, None] & (source != PAD)[:, None, :]
        linked = real & (attention > FAINT)
        keys = source[:, None, :] * self.width + target[:, :, None]
        self._waiting.append((keys[linked], attention[linked]))
        if sum(len(keys) for keys, _ in self._waiting) > MERGED_AT:
            self._merge()

    def _merge(self) -> None:
        keys, weights = zip((self._keys, self._weights), *self._waiting, strict=True)
        self._waiting.clear()
        self._keys, places = np.unique(np.concatenate(keys), return_inverse=True)
        self._weights = np.bincount(places, np.concatenate(weights), len(self._keys))

    def table(self) -> CandidateTable:
        """The MOST_CANDIDATES likeliest of each source piece, and what every sentence has.

        A piece of both vocabularies is the first of its own candidates: names are often copied.
        """
        self._merge()
        always = self._always()
        copied = _in_both(self.tokenizers)
        keys = np.concatenate([copied, self._keys])
        weights = np.concatenate([np.full(len(copied), np.inf), self._weights])
        sources, targets = np.divmod(keys, self.width)
        first = np.unique(keys, return_index=True)[1]
        order = first[np.lexsort((targets[first], -weights[first], sources[first]))]
        order = order[~np.isin(targets[order], always)]
        lengths = np.bincount(sources[order], minlength=len(self.tokenizers.source))
        kept = _ranks(lengths) < MOST_CANDIDATES
        return CandidateTable(always, lengths.clip(max=MOST_CANDIDATES), targets[order][kept])

    def _always(self) -> np.ndarray:
        frequent = np.argsort(-self.frequencies, kind="stable")[:FREQUENT]
        return np.unique([*SPECIAL, *self.tokenizers.target.byte_ids, *frequent])


def _filled_up(chosen: np.ndarray) -> np.ndarray:
    """The ids that are chosen, and some that are not, so that few sizes occur.

    chosen: (vocabulary,) bool
    """
    missing = rounded_up(int(chosen.sum())) - int(chosen.sum())
    more = chosen.copy()
    more[np.flatnonzero(~chosen)[:missing]] = True
    return np.flatnonzero(more)


def _in_both(tokenizers: Tokenizers) -> np.ndarray:
    """The keys, source id * target vocabulary + target id, of pieces that both sides have."""
    targets = {name: number for number, name in enumerate(tokenizers.target.names)}
    pairs: Iterable[tuple[int, int | None]] = (
        (number, targets.get(name)) for number, name in enumerate(tokenizers.source.names)
    )
    width = len(tokenizers.target)
    return np.array([s * width + t for s, t in pairs if t is not None], dtype=np.int64)


def _ranks(lengths: np.ndarray) -> np.ndarray:
    """The place of each entry within its group, for groups of these lengths, end to end."""
    starts = np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.arange(len(starts)) - starts
