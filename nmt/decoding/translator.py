"""Sentences in, translations out: cut into pieces, batched by length, searched, put in order."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from nmt.config import DecodingConfig
from nmt.data.batches import pad, plan
from nmt.data.tokenizer import Encoded, Piece, Tokenizers
from nmt.data.vocabulary import EOS
from nmt.decoding.beam import beam_search
from nmt.decoding.engine import Engine
from nmt.decoding.hypothesis import Hypothesis
from nmt.errors import DataError

SHARES = 4  # batches for each worker, so that none waits long for the last
SMALLEST_SHARE = 256  # source tokens: below this, small batches cost more than waiting does


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
    """An engine between the tokenizers of its two sides."""

    def __init__(self, engine: Engine, tokenizers: Tokenizers, config: DecodingConfig) -> None:
        self.engine, self.tokenizers, self.config = engine, tokenizers, config

    def translate(self, sentences: Sequence[str], *, first_line: int = 1) -> list[Translated]:
        """Translate all, in their order. first_line: what an error calls the first of them.

        Raises:
            DataError: a sentence has more pieces than `decoding.max_source_length`, or than the
                model has positions.
        """
        sentences = list(sentences)  # on the disk, they would be read anew at each jump
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
        with self._side_by_side() as each:
            batches = [words[batch].tolist() for batch in self._plan(lengths[words])]

            def search(batch: Sequence[int]) -> list[list[Hypothesis]]:
                try:
                    return self.search([encoded[number].ids for number in batch])
                except DataError as error:  # a model with too few positions for the longest
                    longest = max(batch, key=lambda number: lengths[number])
                    raise DataError(f"line {first_line + longest}: {error}") from None

            searched = each(search, batches)
            for numbers, rows in zip(batches, searched, strict=True):
                for number, hypotheses in zip(numbers, rows, strict=True):
                    yield number, self._in_words(sentences[number], encoded[number], hypotheses)

    def padding_share(self, sentences: Sequence[str]) -> float:
        """Of the source positions that are read, those that are no pieces."""
        lengths = np.array([len(self.tokenizers.source.pieces(s).ids) + 1 for s in sentences])
        cells = sum(len(b) * int(lengths[b].max()) for b in self._plan(lengths))
        return 1 - int(lengths.sum()) / cells

    def _plan(self, lengths: np.ndarray) -> list[np.ndarray]:
        """Batches of sentences that are alike, long ones first, with some for every worker."""
        budget, workers = self.config.batch_tokens, self.engine.workers
        if workers > 1:
            share = -(-int(lengths.sum()) // (SHARES * workers))
            budget = min(budget, max(share, SMALLEST_SHARE))
        budget = max(budget, int(lengths.max(initial=0)))
        batches = plan(lengths, lengths, budget=budget, seed=0, epoch=0)
        return sorted(batches, key=lambda batch: -int(lengths[batch].max()))

    @contextmanager
    def _side_by_side(self) -> Iterator[Callable[..., Iterator[list[list[Hypothesis]]]]]:
        """A `map` over batches, in as many threads as the engine likes."""
        if self.engine.workers == 1:
            yield map
            return
        with ThreadPoolExecutor(self.engine.workers) as pool:
            try:
                yield pool.map
            finally:  # who breaks off does not wait for the batches that have not begun
                pool.shutdown(wait=False, cancel_futures=True)

    def search(self, ids: Sequence[Sequence[int]]) -> list[list[Hypothesis]]:
        """The hypotheses of one batch of sentences in ids, without EOS."""
        source = pad([np.asarray(row, dtype=np.int64) for row in ids], behind=EOS)
        lengths = np.array([len(row) + 1 for row in ids])
        return beam_search(
            self.engine,
            source,
            size=self.config.beam_size,
            max_lengths=most_pieces(lengths, self.config),
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


def most_pieces(lengths: np.ndarray, config: DecodingConfig) -> np.ndarray:
    """How long translations of sources of such lengths may become; EOS included in both."""
    return (lengths * config.max_length_factor).astype(np.int64) + 10


def _end(text: str) -> Piece:
    return Piece("</s>", len(text), len(text))


def _empty(source: str) -> Translated:
    nothing = Hypothesis([EOS], [0.0], 0.0, np.ones((1, 1), np.float32))
    return Translated(source, [_end(source)], [Translation("", [_end("")], nothing)])
