"""The attention of given pairs: a model reads translations that it did not choose."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np
import torch

from nmt.config import NO_ATTENTION
from nmt.data.batching.batches import collate, lengths_with_end, make_batches
from nmt.data.batching.encoded import EncodedBitext, IdColumn
from nmt.data.corpus.cleaning import normalized, rewritten
from nmt.data.tokenizers.base import BOS, EOS, EOS_PIECE, PAD
from nmt.data.tokenizers.learn import Encoded, Piece
from nmt.data.words import Word, is_blank, split_words
from nmt.decoding.translator import Translated, Translation
from nmt.errors import DataError, UsageError
from nmt.evaluation.words import Floats, join_words, side
from nmt.workflows.inference.load import TrainedModel

_TOKEN = re.compile("[^ \t]+")
TOGETHER = 2_000  # pairs whose matrices are in memory at once
LARGEST = 1 << 24  # weights of a pair: more need the memory of a whole machine


class Marked(NamedTuple):
    """A sentence as a model reads it, and the words in it that links are between."""

    text: str
    words: list[Word]


Pair = tuple[Marked, Marked]


def plain(line: str) -> Marked:
    """Untokenised text: its words are cut by `split_words`."""
    text = normalized(line, Counter())
    return Marked(text, split_words(text))


def tokenised(line: str) -> Marked:
    r"""Tokenised text: what stands between spaces is one word, whatever it is made of.

    Spaces and tabs separate, and nothing else does, as in fast_align and in the files that go with
    it: a no-break space inside a number does not shift the links. A token of nothing that a
    reader sees keeps its number; a line of nothing else is empty, as everywhere.

    >>> [word.text for word in tokenised("je t' aime  aujourd'hui\n").words]
    ['je', "t'", 'aime', "aujourd'hui"]
    >>> [word.text for word in tokenised("10\u202f000 voitures .").words]
    ['10\u202f000', 'voitures', '.']
    """
    if is_blank(line):
        return Marked("", [])
    tokens = [rewritten(token, Counter()) for token in _TOKEN.findall(line.rstrip("\r\n"))]
    starts = np.cumsum([0, *(len(token) + 1 for token in tokens)]).tolist()
    words = [
        Word(token, start, start + len(token))
        for token, start in zip(tokens, starts[:-1], strict=True)
    ]
    return Marked(" ".join(tokens), words)


@dataclass(frozen=True)
class Read:
    """A pair and what the model looked at while it read the target."""

    pair: Pair
    pieces: tuple[list[Piece], list[Piece]]
    weights: Floats
    """(target pieces, source pieces), `</s>` the last of both; (0, 0) where a side is empty."""

    @property
    def refused(self) -> bool:
        """Whether the pair is too long: there are no weights, though both sides have words."""
        return not len(self.weights) and all(marked.words for marked in self.pair)

    def between_words(self, shift: int) -> Floats:
        """(target words, source words + 1) weights; the last column is `</s>`.

        shift: 0 takes for a piece the step that predicts it; 1, the step after, which reads it.
        """
        source, target = self.pair
        if not len(self.weights):
            return np.zeros((len(target.words), len(source.words) + 1))
        end = Piece(EOS_PIECE, len(source.text), len(source.text))
        rows = self.weights[shift : len(self.pieces[1]) + shift]
        return join_words(
            side(source.text, [*self.pieces[0], end], words=source.words),
            side(target.text, self.pieces[1], words=target.words),
            rows,
        )


def read(trained: TrainedModel, pairs: Sequence[Pair], *, strict: bool = True) -> Iterator[Read]:
    """Each pair in its order, read by teacher forcing.

    strict: whether a pair that is too long is an error, or has no weights (see `Read.refused`)

    Raises:
        UsageError: the model has no attention.
        CheckpointError: the run is an export that stands alone.
        DataError: a sentence is longer than the model has positions.
    """
    refuse_no_attention(trained)
    for start in range(0, len(pairs), TOGETHER):
        some = pairs[start : start + TOGETHER]
        yield from _read_together(trained, some, first_line=start + 1, strict=strict)


def refuse_no_attention(trained: TrainedModel) -> None:
    """Raise UsageError where there is nothing to read links from."""
    if not has_attention(trained):
        raise UsageError(
            f"{trained.run.folder} has no attention (model.attention.score is {NO_ATTENTION}), and "
            "so no links; take a run that has"
        )


def has_attention(trained: TrainedModel) -> bool:
    """Whether the decoder looks at the source at all."""
    return trained.config.model.attention.score != NO_ATTENTION


def _read_together(
    trained: TrainedModel, pairs: Sequence[Pair], *, first_line: int, strict: bool
) -> list[Read]:
    tokenizers = trained.tokenizers
    sources = [tokenizers.source.encode_with_offsets(source.text) for source, _ in pairs]
    targets = [tokenizers.target.encode_with_offsets(target.text) for _, target in pairs]
    full = []
    for number, (source, target) in enumerate(zip(sources, targets, strict=True)):
        if (len(source.ids) + 1) * (len(target.ids) + 1) > LARGEST:
            if strict:
                raise DataError(
                    f"line {first_line + number}: {len(source.ids):,} and {len(target.ids):,} "
                    "pieces are not sentences: cut them, one a line"
                )
        elif all(marked.text for marked in pairs[number]):
            full.append(number)
    encoded = EncodedBitext(
        _column([sources[number] for number in full]), _column([targets[number] for number in full])
    )
    lines = [first_line + number for number in full] if strict else None
    matrices = _matrices(trained, encoded, lines)
    found = dict(zip(full, matrices, strict=True))
    nothing = np.zeros((0, 0))
    return [
        Read(pair, (source.pieces, target.pieces), found.get(number, nothing))
        for number, (pair, source, target) in enumerate(zip(pairs, sources, targets, strict=True))
    ]


def _column(sentences: Sequence[Encoded]) -> IdColumn:
    lengths = [len(sentence.ids) for sentence in sentences]
    ids = np.fromiter(chain.from_iterable(sentence.ids for sentence in sentences), np.int32)
    return IdColumn([ids], [np.cumsum([0, *lengths])])


def _halves(group: np.ndarray, lengths: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The shorter and the longer pairs of a group; nothing of a single pair."""
    order = np.argsort(np.maximum(*(side[group] for side in lengths)), kind="stable")
    return np.split(group[order], [len(group) // 2]) if len(group) > 1 else []


@torch.inference_mode()
def _matrices(
    trained: TrainedModel, encoded: EncodedBitext, lines: Sequence[int] | None
) -> list[Floats]:
    """(target pieces, source pieces) weights of every pair, padding cut off.

    lines: where each pair stands, for an error to tell; None: a pair that is too long has (0, 0)
    weights, and is not an error
    """
    model = trained.model
    device = next(model.parameters()).device
    lengths = lengths_with_end(encoded)
    longest = max(int(side.max(initial=0)) for side in lengths)
    budget = max(trained.config.decoding.batch_tokens, longest)
    found: list[Floats] = [np.zeros((0, 0))] * len(encoded)
    groups = list(make_batches(*lengths, budget=budget, seed=0, epoch=0))
    while groups:
        group = groups.pop()
        batch = collate(encoded, group)
        source = torch.from_numpy(batch.source).to(device)
        target = torch.from_numpy(batch.target_in).to(device)
        try:
            reading = model(source, source != PAD, target)
        except DataError as error:  # too few positions for the longest
            if lines is None:
                groups += _halves(group, lengths)
                continue
            longest = max(group.tolist(), key=lambda pair: max(side[pair] for side in lengths))
            raise DataError(f"line {lines[longest]}: {error}") from None
        weights = reading.attention.cpu().double().numpy()
        for number, matrix in zip(group.tolist(), weights, strict=True):
            found[number] = matrix[: lengths[1][number], : lengths[0][number]]
    return found


@torch.inference_mode()
def maps_of(trained: TrainedModel, translated: Translated, found: Translation) -> dict[str, Floats]:
    """Each matrix between pieces by name: read again, with the translation as a known target."""
    model = trained.model
    device = next(model.parameters()).device
    ids = trained.tokenizers.source.encode_with_offsets(translated.source).ids
    source = torch.tensor([[*ids, EOS]], device=device)
    target = torch.tensor([[BOS, *found.hypothesis.ids[:-1]]], device=device)
    maps = model.maps(source, source != PAD, target)
    return {name: np.asarray(each[0].cpu().double()) for name, each in maps.items()}
