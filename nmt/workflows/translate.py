"""`nmt translate`: translate lines, and keep the attention of every translation."""

import json
import logging
import math
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from nmt.checkpoint.run import Run
from nmt.config import DecodingConfig
from nmt.data.corpus.cleaning import normalized
from nmt.data.tokenizers.base import one_line
from nmt.decoding.translator import LongLine, Translated, Translator
from nmt.errors import NmtError, WriteError
from nmt.evaluation.records import AttentionRecord, RecordFile
from nmt.files import descriptor_of, replacing
from nmt.registry import Registry
from nmt.workflows.inference.load import TrainedModel
from nmt.workflows.inference.long_lines import warn_of_lengths

log = logging.getLogger(__name__)
BLOCK = 1000  # lines translated and written at once

Form = Callable[[Translated, int], str]
forms: Registry[Form] = Registry("output format")


@dataclass(frozen=True)
class Line:
    """One translation for output."""

    text: str
    score: float
    """The ranking score: log-probability / length ** length_penalty; -inf if the search found no
    further translation."""
    log_probability: float


def ranked(translated: Translated, n_best: int) -> list[Line]:
    """The `n_best` translations of a line, best first.

    If the search found fewer, empty ones follow; for an empty line, these have its score, 0.
    """
    lines = [
        Line(one_line(best.text), best.hypothesis.rank_score, best.hypothesis.score)
        for best in translated.best
    ]
    padding = 0.0 if translated.text == "" and len(lines) == 1 else -math.inf
    return [*lines, *[Line("", padding, padding)] * (n_best - len(lines))]


@forms.register("text")
def as_text(translated: Translated, n_best: int = 1) -> str:
    """One line per input line; with --n-best N, N lines."""
    return "\n".join(line.text for line in ranked(translated, n_best))


@forms.register("tsv")
def as_tsv(translated: Translated, n_best: int = 1) -> str:
    """Source, rank, score, translation; a skipped line has the score `-inf`."""
    return "\n".join(
        "\t".join((one_line(translated.source), str(rank), f"{line.score:.4f}", line.text))
        for rank, line in enumerate(ranked(translated, n_best))
    )


@forms.register("jsonl")
def as_jsonl(translated: Translated, n_best: int = 1) -> str:
    """One JSON object per line: the source and its translations with their scores.

    JSON has no infinity, so the score of a skipped line is null.
    """
    translations = [
        {
            "text": line.text,
            "score": _number(line.score),
            "log_probability": _number(line.log_probability),
        }
        for line in ranked(translated, n_best)
    ]
    source = one_line(translated.source)
    return json.dumps({"source": source, "translations": translations}, ensure_ascii=False)


def _number(score: float) -> float | None:
    return round(score, 6) if math.isfinite(score) else None


Result = tuple[Translated, list[AttentionRecord]]


@contextmanager
def translating(
    trained: TrainedModel,
    lines: Iterable[str | None],
    decoding: DecodingConfig,
    *,
    attention: Path | None = None,
    maps: bool = False,
    strict: bool = False,
    block: int = BLOCK,
) -> Iterator[Iterator[Result]]:
    """Translate lines lazily, block by block, into translations and their attention records.

    All records go into the run's `translations/attention.jsonl`, and into `attention` if that is
    given; `maps` adds the matrices of every layer and head. A line that is too long is translated
    in parts, each with its own record. A line that is None, or far too long to be text, gets an
    empty translation. A warning counts both.

    If reading the lines raises an error, the lines before it are translated and kept first.

    block: lines translated at once; 1 answers each line before the next is read

    Raises:
        DataError: reading the lines raised it, or, if `strict`, a line is too long.
        WriteError: `attention` cannot be written.
    """
    work = _Work(trained, lines, decoding, maps=maps, strict=strict, block=block)
    try:
        with _kept(trained.run, attention) as keep:
            yield _recorded(work.results(), keep)
    finally:
        warn_of_lengths(work.cut, work.skipped)
    if work.failure is not None:
        raise work.failure


def _recorded(
    results: Iterable[Result], keep: Callable[[AttentionRecord], None]
) -> Iterator[Result]:
    """Yield the results, and keep the records of each once the next is requested."""
    for translated, records in results:
        yield translated, records
        for record in records:
            keep(record)


@contextmanager
def _kept(run: Run, attention: Path | None) -> Iterator[Callable[[AttentionRecord], None]]:
    if attention is None:
        with _LastRecords(run) as last:
            yield last.write
        return
    with RecordFile(attention) as file:
        yield file.write
    _keep_copy(attention, run.translations, root=run.folder)


class _LastRecords:
    """The records of the run's last translations; only a warning if the run is read-only."""

    def __init__(self, run: Run) -> None:
        self._file: RecordFile | None = RecordFile(run.translations, root=run.folder)

    def __enter__(self) -> Self:
        with self._warn_on_failure():
            if self._file is not None:
                self._file.__enter__()
        return self

    def write(self, record: AttentionRecord) -> None:
        file = self._file
        with self._warn_on_failure():
            if file is not None:
                file.write(record)
        if self._file is None and file is not None:
            file.discard()

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        with self._warn_on_failure():
            if self._file is not None:
                self._file.__exit__(kind, error, trace)

    @contextmanager
    def _warn_on_failure(self) -> Iterator[None]:
        try:
            yield
        except WriteError as error:
            log.warning("the attention was not kept: %s", error)
            self._file = None


@dataclass
class _Work:
    """Translates lines, and notes what to report about them at the end."""

    trained: TrainedModel
    lines: Iterable[str | None]
    decoding: DecodingConfig
    maps: bool
    strict: bool
    block: int
    failure: NmtError | KeyboardInterrupt | None = None
    """The error that ended the lines early."""
    cut: list[int] = field(default_factory=list)
    """The numbers of lines that were translated in parts."""
    skipped: list[int] = field(default_factory=list)
    """The numbers of lines that were not translated at all."""

    def results(self) -> Iterator[Result]:
        """The translation and the records of each line."""
        translator, number = self.trained.translator(self.decoding), 0
        for lines in self._blocks():
            for translated in self._translated(translator, lines, number + 1):
                number += 1
                if translated.skipped or lines[(number - 1) % self.block] is None:
                    self.skipped.append(number)
                elif translated.parts:
                    self.cut.append(number)
                yield translated, self.trained.records(translated, str(number), maps=self.maps)
            if self.failure is not None:
                return

    def _blocks(self) -> Iterator[list[str | None]]:
        lines: list[str | None] = []
        try:
            for line in self.lines:
                lines.append(None if line is None else normalized(line, Counter()))
                if len(lines) == self.block:
                    yield lines
                    lines = []
        except (NmtError, KeyboardInterrupt) as failure:  # while reading: keep what was read
            self.failure = failure
        if lines:
            yield lines

    def _translated(
        self, translator: Translator, lines: Sequence[str | None], first_line: int
    ) -> list[Translated]:
        sentences = [line or "" for line in lines]
        if not self.strict:
            return translator.translate_any(sentences)
        while True:
            try:
                return translator.translate(sentences, first_line=first_line)
            except LongLine as error:  # not necessarily the first long line
                self.failure, sentences = error, sentences[: error.place]


def _keep_copy(attention: Path, last: Path, *, root: Path) -> None:
    if descriptor_of(attention) is not None or not attention.is_file():
        return  # a stream cannot be copied
    try:
        with replacing(last, root=root) as draft:
            shutil.copyfile(attention, draft)
    except WriteError as error:
        log.warning("the attention was not kept for plot-attention: %s", error)
