"""Sentences in, translations out: cut into pieces, batched by length, searched, put in order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from nmt.config import DecodingConfig
from nmt.data.batches import pad, plan
from nmt.data.tokenizer import Encoded, Piece, Tokenizers
from nmt.data.vocabulary import EOS, PAD
from nmt.decoding.beam import beam_search
from nmt.decoding.hypothesis import Hypothesis
from nmt.errors import DataError
from nmt.models import Seq2Seq
from nmt.models.devices import Compute


@dataclass(frozen=True)
class Translation:
    """One hypothesis in words, with the place of every piece."""

    text: str
    pieces: list[Piece]
    """One for each id of the hypothesis; EOS stands at the end of the text, as `</s>`."""
    hypothesis: Hypothesis


@dataclass(frozen=True)
class Translated:
    """A sentence and its translations, best first; an empty sentence has one empty translation."""

    source: str
    pieces: list[Piece]
    """EOS, `</s>`, is the last."""
    best: list[Translation]

    @property
    def text(self) -> str:
        return self.best[0].text


class Translator:
    """A model that is ready to translate."""

    def __init__(
        self,
        model: Seq2Seq[Any],
        tokenizers: Tokenizers,
        config: DecodingConfig,
        compute: Compute,
    ) -> None:
        self.model, self.tokenizers, self.config, self.compute = model, tokenizers, config, compute

    def translate(self, sentences: Sequence[str], *, first_line: int = 1) -> list[Translated]:
        """Translate all, in their order. first_line: what an error calls the first of them.

        Raises:
            DataError: a sentence has more pieces than `decoding.max_source_length`.
        """
        found: list[Translated | None] = [None] * len(sentences)
        for number, translated in self._in_batches(sentences, first_line):
            found[number] = translated
        return [translated for translated in found if translated is not None]

    def _in_batches(
        self, sentences: Sequence[str], first_line: int
    ) -> Iterator[tuple[int, Translated]]:
        encoded = [self.tokenizers.source.pieces(sentence) for sentence in sentences]
        lengths = np.array([len(e.ids) + 1 for e in encoded], dtype=np.int64)
        self._refuse_endless(lengths, first_line)
        for number in np.flatnonzero(lengths == 1).tolist():
            yield number, _empty(sentences[number])
        words = np.flatnonzero(lengths > 1)
        budget = max(self.config.batch_tokens, int(lengths.max(initial=0)))
        for batch in plan(lengths[words], lengths[words], budget=budget, seed=0, epoch=0):
            numbers = words[batch].tolist()
            rows = self.search([encoded[i].ids for i in numbers])
            for number, hypotheses in zip(numbers, rows, strict=True):
                yield number, self._in_words(sentences[number], encoded[number], hypotheses)

    def search(self, ids: Sequence[Sequence[int]]) -> list[list[Hypothesis]]:
        """The hypotheses of one batch of sentences in ids, without EOS."""
        cells = pad([np.asarray(row, dtype=np.int64) for row in ids], behind=EOS)
        source = torch.from_numpy(cells).to(self.compute.device)
        mask = source != PAD
        lengths = mask.sum(dim=1)
        self.model.eval()
        return beam_search(
            self.model,
            source,
            mask,
            size=self.config.beam_size,
            max_lengths=(lengths * self.config.max_length_factor).long() + 10,
            length_penalty=self.config.length_penalty,
            n_best=self.config.n_best,
        )

    def _in_words(self, source: str, encoded: Encoded, hypotheses: list[Hypothesis]) -> Translated:
        return Translated(
            source,
            [*encoded.pieces, _end(source)],
            [self._translation(hypothesis) for hypothesis in hypotheses],
        )

    def _translation(self, hypothesis: Hypothesis) -> Translation:
        ended = hypothesis.ids[-1] == EOS
        text, pieces = self.tokenizers.target.placed(
            hypothesis.ids[:-1] if ended else hypothesis.ids
        )
        return Translation(text, [*pieces, _end(text)] if ended else pieces, hypothesis)

    def _refuse_endless(self, lengths: np.ndarray, first_line: int) -> None:
        most = self.config.max_source_length
        for number in np.flatnonzero(lengths - 1 > most).tolist():
            raise DataError(
                f"line {first_line + number} has {lengths[number] - 1:,} pieces, more than "
                f"decoding.max_source_length, {most:,}: cut it into sentences, one a line"
            )


def _end(text: str) -> Piece:
    return Piece("</s>", len(text), len(text))


def _empty(source: str) -> Translated:
    nothing = Hypothesis([EOS], [0.0], 0.0, np.ones((1, 1), np.float32))
    return Translated(source, [_end(source)], [Translation("", [_end("")], nothing)])
