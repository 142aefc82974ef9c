"""From sentences to translations: tokenised, batched by length, searched, put back in order."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np

from nmt.config import DecodingConfig
from nmt.data.batching.batches import make_batches, pad
from nmt.data.tokenizers.base import EOS
from nmt.data.tokenizers.learn import Encoded, Piece, Tokenizers
from nmt.data.words import without_invisible
from nmt.decoding.beam import beam_search
from nmt.decoding.cutting import cut
from nmt.decoding.engine import Engine
from nmt.decoding.hypothesis import Hypothesis
from nmt.errors import DataError

SHARES = 4  # batches per worker, so that none waits long for the last
SMALLEST_SHARE = 256  # source tokens: below this, small batches cost more than idle workers

PART = 128  # pieces of a part of a line that is too long, at most: a long sentence
MOST_PARTS = 16  # times decoding.max_source_length: a line with more pieces is passed over
WIDEST = 8  # times the beam: how far a search widens to find enough different texts


@dataclass(frozen=True)
class Translation:
    """One hypothesis as text, with the offsets of every piece."""

    text: str
    pieces: list[Piece]
    """One for each id of the hypothesis; EOS is `</s>` at the end of the text."""
    hypothesis: Hypothesis


@dataclass(frozen=True)
class Translated:
    """A sentence and its translations, best first; an empty sentence has one empty translation."""

    source: str
    pieces: list[Piece]
    """EOS, `</s>`, is the last."""
    best: list[Translation]
    """`n_best` of them with distinct texts; fewer if the search found no more."""
    parts: list["Translated"] = field(default_factory=list)
    """Of a line that was too long: the parts that were translated. Its translations join theirs."""
    skipped: bool = False
    """Whether a line was too long to be translated: its translation is empty."""

    @property
    def text(self) -> str:
        return self.best[0].text


class LongLine(DataError):
    """A line has more pieces than the model, or the config, allows."""

    def __init__(self, message: str, place: int) -> None:
        super().__init__(message)
        self.place = place
        """The index of the line in the input, from 0."""


Rows = Sequence["list[Hypothesis] | DataError"]


class Translator:
    """An engine between the tokenizers of its two sides."""

    def __init__(self, engine: Engine, tokenizers: Tokenizers, config: DecodingConfig) -> None:
        self.engine, self.tokenizers, self.config = engine, tokenizers, config

    def translate(self, sentences: Sequence[str], *, first_line: int = 1) -> list[Translated]:
        """Translate all, in their order. first_line: what an error calls the first of them.

        Raises:
            LongLine: a sentence has more pieces than `decoding.max_source_length`, or than the
                model has positions.
        """
        sentences = list(sentences)  # they may be on disk, where random access is slow
        encoded = self._encoded(sentences)
        self._refuse_endless(encoded, first_line)
        translations: list[Translated | None] = [None] * len(sentences)

        def search(batch: Sequence[int]) -> Rows:
            try:
                return self.search([encoded[number].ids for number in batch])
            except DataError as error:  # a model with too few positions for the longest
                longest = max(batch, key=lambda number: len(encoded[number].ids))
                message = f"line {first_line + longest}: {error}"
                raise LongLine(message, longest) from None

        for number, rows in self._in_batches(encoded, search):
            translations[number] = self._in_words(sentences[number], encoded[number], rows)
        return [translated for translated in translations if translated is not None]

    def translate_any(self, sentences: Sequence[str]) -> list[Translated]:
        """The same for lines of any length: one that is too long is translated in parts.

        Parts are sentences, or runs of words; a line of more than MOST_PARTS times
        `decoding.max_source_length` pieces is passed over.
        """
        sentences = list(sentences)
        encoded = self._encoded(sentences)
        most = self.config.max_source_length
        fits = [len(each.ids) <= most for each in encoded]
        translations: list[Translated | None] = [None] * len(sentences)

        def search(batch: Sequence[int]) -> Rows:
            try:
                return self.search([encoded[number].ids for number in batch])
            except DataError as error:
                if len(batch) == 1:
                    return [error]
            order = sorted(batch, key=lambda number: len(encoded[number].ids))
            halves = order[: len(order) // 2], order[len(order) // 2 :]
            rows = {n: row for half in halves for n, row in zip(half, search(half), strict=True)}
            return [rows[number] for number in batch]

        shorter = [each if fit else _NOTHING for each, fit in zip(encoded, fits, strict=True)]
        for number, rows in self._in_batches(shorter, search):
            if not fits[number]:
                translations[number] = self._in_parts(sentences[number], encoded[number], None)
            elif isinstance(rows, DataError):
                translations[number] = self._in_parts(sentences[number], encoded[number], rows)
            else:
                translations[number] = self._in_words(sentences[number], encoded[number], rows)
        return [translated for translated in translations if translated is not None]

    def _encoded(self, sentences: Sequence[str]) -> list[Encoded]:
        return [self.tokenizers.source.encode_with_offsets(sentence) for sentence in sentences]

    def _in_batches(
        self, encoded: Sequence[Encoded], search: Callable[[Sequence[int]], Rows]
    ) -> Iterator[tuple[int, "list[Hypothesis] | DataError"]]:
        """Each sentence's number and hypotheses: none for an empty sentence."""
        lengths = np.array([len(e.ids) + 1 for e in encoded], dtype=np.int64)
        for number in np.flatnonzero(lengths == 1).tolist():
            yield number, []
        words = np.flatnonzero(lengths > 1)
        with self._parallel_map() as each:
            batches = [words[batch].tolist() for batch in self._plan(lengths[words])]
            searched = each(search, batches)
            for numbers, rows in zip(batches, searched, strict=True):
                yield from zip(numbers, rows, strict=True)

    def _in_parts(self, source: str, encoded: Encoded, error: DataError | None) -> Translated:
        """Translate a line that is too long, in parts.

        error: what the model said of the line, if it was asked

        Raises:
            DataError: the model refuses a single piece, too.
        """
        count, longest = len(encoded.ids), self.config.max_source_length
        if error is not None and count <= 1:
            raise error
        if count > MOST_PARTS * longest:
            return replace(_empty(source), skipped=True)
        texts = cut(source, encoded.pieces, max(1, min(PART, longest, count // 2)))
        if len(texts) <= 1:  # a single letter of many pieces, or only white space
            return replace(_empty(source), skipped=True)
        parts = [leaf for part in self.translate_any(texts) for leaf in part.parts or [part]]
        if any(part.skipped for part in parts):
            return replace(_empty(source), skipped=True)
        return Translated(source, [], self._joined(parts), parts)

    def _joined(self, parts: Sequence[Translated]) -> list[Translation]:
        """The best translations of all parts joined, then the second best, and so on."""
        several = max(len(part.best) for part in parts)
        chosen = [
            [part.best[min(rank, len(part.best) - 1)] for part in parts] for rank in range(several)
        ]
        return [
            Translation(
                " ".join(one.text for one in row if one.text), [], _one([h.hypothesis for h in row])
            )
            for row in chosen
        ]

    def padding_share(self, sentences: Sequence[str]) -> float:
        """The share of source positions that are padding."""
        lengths = np.array(
            [len(self.tokenizers.source.encode_with_offsets(s).ids) + 1 for s in sentences]
        )
        padded = sum(len(b) * int(lengths[b].max()) for b in self._plan(lengths))
        return 1 - int(lengths.sum()) / padded

    def _plan(self, lengths: np.ndarray) -> list[np.ndarray]:
        """Batches of similar lengths, longest first, with enough for every worker."""
        budget, workers = self.config.batch_tokens, self.engine.workers
        if workers > 1:
            share = -(-int(lengths.sum()) // (SHARES * workers))
            budget = min(budget, max(share, SMALLEST_SHARE))
        budget = max(budget, int(lengths.max(initial=0)))
        batches = make_batches(lengths, lengths, budget=budget, seed=0, epoch=0)
        return sorted(batches, key=lambda batch: -int(lengths[batch].max()))

    @contextmanager
    def _parallel_map(self) -> Iterator[Callable[..., Iterator[Rows]]]:
        """A `map` over batches, in as many threads as the engine has workers."""
        if self.engine.workers == 1:
            yield map
            return
        with ThreadPoolExecutor(self.engine.workers) as pool:
            try:
                yield pool.map
            finally:  # an interrupted caller does not wait for batches that have not begun
                pool.shutdown(wait=False, cancel_futures=True)

    def search(self, ids: Sequence[Sequence[int]]) -> list[list[Hypothesis]]:
        """The hypotheses of one batch of sentences, given as ids without EOS."""
        wanted, size = self.config.n_best, self.config.beam_size
        if wanted == 1:
            return self._searched(ids, size, 1)
        distinct = [self._distinct(rows) for rows in self._searched(ids, size, size)]
        while size < self.config.beam_size * WIDEST:
            lacking = [number for number, rows in enumerate(distinct) if len(rows) < wanted]
            if not lacking:
                break
            size *= 2
            batch = max(1, len(ids) * self.config.beam_size // size)  # for no more memory
            for start in range(0, len(lacking), batch):
                some = lacking[start : start + batch]
                more = self._searched([ids[number] for number in some], size, size)
                for number, rows in zip(some, more, strict=True):
                    distinct[number] = self._filled(distinct[number], rows)
        return [rows[:wanted] for rows in distinct]

    def _searched(
        self, ids: Sequence[Sequence[int]], size: int, n_best: int
    ) -> list[list[Hypothesis]]:
        source = pad([np.asarray(row, dtype=np.int64) for row in ids], after=EOS)
        lengths = np.array([len(row) + 1 for row in ids])
        return beam_search(
            self.engine,
            source,
            size=size,
            max_lengths=most_pieces(lengths, self.config),
            length_penalty=self.config.length_penalty,
            n_best=n_best,
        )

    def _distinct(self, rows: list[Hypothesis]) -> list[Hypothesis]:
        """The best of each group of hypotheses that spell the same text."""
        by_text: dict[str, Hypothesis] = {}
        for hypothesis in rows:
            by_text.setdefault(self._spelled(hypothesis), hypothesis)
        return list(by_text.values())

    def _filled(self, rows: list[Hypothesis], more: list[Hypothesis]) -> list[Hypothesis]:
        """Rows with others from a wider search; the best one stays the best."""
        added = (other for other in more if other.rank_score <= rows[0].rank_score)
        by_text = {self._spelled(hypothesis): hypothesis for hypothesis in rows}
        for hypothesis in added:
            by_text.setdefault(self._spelled(hypothesis), hypothesis)
        return sorted(by_text.values(), key=lambda hypothesis: -hypothesis.rank_score)

    def _spelled(self, hypothesis: Hypothesis) -> str:
        """The text of a hypothesis without what a reader cannot see."""
        return " ".join(without_invisible(self._text(hypothesis)[0]).split())

    def _text(self, hypothesis: Hypothesis) -> tuple[str, list[Piece]]:
        ended = hypothesis.ids[-1] == EOS
        return self.tokenizers.target.decode_with_offsets(
            hypothesis.ids[:-1] if ended else hypothesis.ids
        )

    def _in_words(
        self, source: str, encoded: Encoded, hypotheses: "list[Hypothesis] | DataError"
    ) -> Translated:
        assert not isinstance(hypotheses, DataError)
        if not hypotheses:
            return _empty(source)
        return Translated(
            source,
            [*encoded.pieces, _end(source)],
            [self._translation(hypothesis) for hypothesis in hypotheses],
        )

    def _translation(self, hypothesis: Hypothesis) -> Translation:
        text, pieces = self._text(hypothesis)
        ended = hypothesis.ids[-1] == EOS
        return Translation(text, [*pieces, _end(text)] if ended else pieces, hypothesis)

    def _refuse_endless(self, encoded: Sequence[Encoded], first_line: int) -> None:
        most = self.config.max_source_length
        for number, each in enumerate(encoded):
            if len(each.ids) > most:
                raise LongLine(
                    f"line {first_line + number} has {len(each.ids):,} pieces, more than "
                    f"decoding.max_source_length, {most:,}: cut it into sentences, one a line",
                    number,
                )


def most_pieces(lengths: np.ndarray, config: DecodingConfig) -> np.ndarray:
    """The greatest lengths of translations of sources of these lengths; both include EOS."""
    return (lengths * config.max_length_factor).astype(np.int64) + 10


def _end(text: str) -> Piece:
    return Piece("</s>", len(text), len(text))


def _empty(source: str) -> Translated:
    nothing = Hypothesis([EOS], [0.0], 0.0, np.ones((1, 1), np.float32))
    return Translated(source, [_end(source)], [Translation("", [_end("")], nothing)])


_NOTHING = Encoded([], [])


def _one(hypotheses: Sequence[Hypothesis]) -> Hypothesis:
    """The hypotheses of parts as one, without attention: each part has its own."""
    return Hypothesis(
        [token for each in hypotheses for token in each.ids],
        [score for each in hypotheses for score in each.token_scores],
        sum(each.rank_score for each in hypotheses),
        np.zeros((sum(len(each.ids) for each in hypotheses), 0), np.float32),
    )
