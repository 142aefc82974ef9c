"""The attention of given pairs, by teacher forcing: the model reads a given translation."""

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
PAIRS_IN_MEMORY = 2_000  # pairs whose matrices are in memory at once
LARGEST = 1 << 24  # weights of a pair: more would take the memory of a whole machine


class SegmentedSentence(NamedTuple):
    """A sentence as a model reads it, and the words in it that can be linked."""

    text: str
    words: list[Word]


Pair = tuple[SegmentedSentence, SegmentedSentence]


def plain(line: str) -> SegmentedSentence:
    """Untokenised text, split into words by `split_words`."""
    text = normalized(line, Counter())
    return SegmentedSentence(text, split_words(text))


def tokenised(line: str) -> SegmentedSentence:
    r"""Tokenised text: everything between two spaces is one word.

    Only spaces and tabs separate words, as in fast_align and its files, so that a no-break space
    inside a number does not shift the links. An invisible token keeps its number; a line with
    nothing else is empty, as everywhere.

    >>> [word.text for word in tokenised("je t' aime  aujourd'hui\n").words]
    ['je', "t'", 'aime', "aujourd'hui"]
    >>> [word.text for word in tokenised("10\u202f000 voitures .").words]
    ['10\u202f000', 'voitures', '.']
    """
    if is_blank(line):
        return SegmentedSentence("", [])
    tokens = [rewritten(token, Counter()) for token in _TOKEN.findall(line.rstrip("\r\n"))]
    starts = np.cumsum([0, *(len(token) + 1 for token in tokens)]).tolist()
    words = [
        Word(token, start, start + len(token))
        for token, start in zip(tokens, starts[:-1], strict=True)
    ]
    return SegmentedSentence(" ".join(tokens), words)


@dataclass(frozen=True)
class ForcedPair:
    """A pair, and the attention of the model while it read the target."""

    pair: Pair
    pieces: tuple[list[Piece], list[Piece]]
    weights: Floats
    """(target pieces, source pieces), each with `</s>` last; (0, 0) if a side is empty."""

    @property
    def refused(self) -> bool:
        """Whether the pair is too long: there are no weights, though both sides have words."""
        return not len(self.weights) and all(marked.words for marked in self.pair)

    def between_words(self, shift: int) -> Floats:
        """(target words, source words + 1) weights; the last column is `</s>`.

        shift: 0 uses the step that predicts a piece; 1 the step after, which reads it.
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


def teacher_force(
    trained: TrainedModel, pairs: Sequence[Pair], *, strict: bool = True
) -> Iterator[ForcedPair]:
    """Read each pair by teacher forcing, in order.

    strict: whether a pair that is too long is an error; otherwise it has no weights (see
        `ForcedPair.refused`)

    Raises:
        UsageError: the model has no attention.
        CheckpointError: the run is a standalone export.
        DataError: a sentence is longer than the model has positions.
    """
    refuse_no_attention(trained)
    for start in range(0, len(pairs), PAIRS_IN_MEMORY):
        some = pairs[start : start + PAIRS_IN_MEMORY]
        yield from _read_together(trained, some, first_line=start + 1, strict=strict)


def refuse_no_attention(trained: TrainedModel) -> None:
    """Raise UsageError if the model has no attention to read links from."""
    if not has_attention(trained):
        raise UsageError(
            f"{trained.run.folder} has no attention (model.attention.score is {NO_ATTENTION}), and "
            "so no links; use a run with attention"
        )


def has_attention(trained: TrainedModel) -> bool:
    """Whether the decoder attends to the source."""
    return trained.config.model.attention.score != NO_ATTENTION


def _read_together(
    trained: TrainedModel, pairs: Sequence[Pair], *, first_line: int, strict: bool
) -> list[ForcedPair]:
    tokenizers = trained.tokenizers
    sources = [tokenizers.source.encode_with_offsets(source.text) for source, _ in pairs]
    targets = [tokenizers.target.encode_with_offsets(target.text) for _, target in pairs]
    full = []
    for number, (source, target) in enumerate(zip(sources, targets, strict=True)):
        if (len(source.ids) + 1) * (len(target.ids) + 1) > LARGEST:
            if strict:
                raise DataError(
                    f"line {first_line + number}: {len(source.ids):,} and {len(target.ids):,} "
                    "pieces are not sentences: split them, one per line"
                )
        elif all(marked.text for marked in pairs[number]):
            full.append(number)
    encoded = EncodedBitext(
        _column([sources[number] for number in full]), _column([targets[number] for number in full])
    )
    lines = [first_line + number for number in full] if strict else None
    matrices = _matrices(trained, encoded, lines)
    weights = dict(zip(full, matrices, strict=True))
    empty = np.zeros((0, 0))
    return [
        ForcedPair(pair, (source.pieces, target.pieces), weights.get(number, empty))
        for number, (pair, source, target) in enumerate(zip(pairs, sources, targets, strict=True))
    ]


def _column(sentences: Sequence[Encoded]) -> IdColumn:
    lengths = [len(sentence.ids) for sentence in sentences]
    ids = np.fromiter(chain.from_iterable(sentence.ids for sentence in sentences), np.int32)
    return IdColumn([ids], [np.cumsum([0, *lengths])])


def _halves(group: np.ndarray, lengths: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Split a group into its shorter and longer pairs; empty for a single pair."""
    order = np.argsort(np.maximum(*(side[group] for side in lengths)), kind="stable")
    return np.split(group[order], [len(group) // 2]) if len(group) > 1 else []


@torch.inference_mode()
def _matrices(
    trained: TrainedModel, encoded: EncodedBitext, lines: Sequence[int] | None
) -> list[Floats]:
    """(target pieces, source pieces) weights of every pair, without padding.

    lines: the line number of each pair, for error messages; None: a pair that is too long is not
    an error, and has (0, 0) weights
    """
    model = trained.model
    device = next(model.parameters()).device
    lengths = lengths_with_end(encoded)
    longest = max(int(side.max(initial=0)) for side in lengths)
    budget = max(trained.config.decoding.batch_tokens, longest)
    matrices: list[Floats] = [np.zeros((0, 0))] * len(encoded)
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
            matrices[number] = matrix[: lengths[1][number], : lengths[0][number]]
    return matrices


@torch.inference_mode()
def maps_of(
    trained: TrainedModel, translated: Translated, translation: Translation
) -> dict[str, Floats]:
    """Each matrix between pieces by name, from reading the translation by teacher forcing."""
    model = trained.model
    device = next(model.parameters()).device
    ids = trained.tokenizers.source.encode_with_offsets(translated.source).ids
    source = torch.tensor([[*ids, EOS]], device=device)
    target = torch.tensor([[BOS, *translation.hypothesis.ids[:-1]]], device=device)
    maps = model.maps(source, source != PAD, target)
    return {name: np.asarray(each[0].cpu().double()) for name, each in maps.items()}
