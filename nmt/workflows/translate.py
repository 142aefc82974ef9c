"""`nmt translate`: lines in, lines out, and the attention of every one of them kept."""

import json
import logging
import math
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nmt.config import DecodingConfig
from nmt.data.corpus.cleaning import normalized
from nmt.data.tokenizers.base import one_line
from nmt.decoding.translator import LongLine, Translated, Translator
from nmt.errors import NmtError, WriteError
from nmt.evaluation.records import AttentionRecord, write_records
from nmt.files import descriptor_of, replacing
from nmt.registry import Registry
from nmt.workflows.inference.load import TrainedModel
from nmt.workflows.inference.long_lines import warn_of_lengths

log = logging.getLogger(__name__)
BLOCK = 1000  # lines translated, and written, at once

Form = Callable[[Translated, int], str]
forms: Registry[Form] = Registry("output format")


@dataclass(frozen=True)
class Line:
    """One translation as it is written."""

    text: str
    score: float
    """What it is ranked by: its log-probability / length ** length_penalty. -inf where no
    further translation was found."""
    log_probability: float


def ranked(translated: Translated, n_best: int) -> list[Line]:
    """The `n_best` translations of a line, best first.

    Where fewer were found, empty ones follow; those of an empty line all have its score, 0.
    """
    found = [
        Line(one_line(best.text), best.hypothesis.rank_score, best.hypothesis.score)
        for best in translated.best
    ]
    nothing = 0.0 if translated.text == "" and len(found) == 1 else -math.inf
    return [*found, *[Line("", nothing, nothing)] * (n_best - len(found))]


@forms.register("text")
def as_text(translated: Translated, n_best: int = 1) -> str:
    """A line for a line; with --n-best N, N lines for a line."""
    return "\n".join(line.text for line in ranked(translated, n_best))


@forms.register("tsv")
def as_tsv(translated: Translated, n_best: int = 1) -> str:
    """Source, rank, score, translation; a line that was passed over has the score `-inf`."""
    return "\n".join(
        "\t".join((one_line(translated.source), str(rank), f"{line.score:.4f}", line.text))
        for rank, line in enumerate(ranked(translated, n_best))
    )


@forms.register("jsonl")
def as_jsonl(translated: Translated, n_best: int = 1) -> str:
    """One object a line: the source and its translations with what they are ranked by.

    JSON has no infinity: the score of a line that was passed over is null.
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


def translate_lines(
    trained: TrainedModel,
    lines: Iterable[str | None],
    decoding: DecodingConfig,
    *,
    write: Callable[[Translated, Sequence[AttentionRecord]], None],
    attention: Path | None = None,
    maps: bool = False,
    strict: bool = False,
    block: int = BLOCK,
) -> None:
    """Translate lines in blocks, so that a pipe flows, and hand each to `write` in its order.

    The attention of all of them goes into the run's `translations/attention.jsonl`, and into
    `attention` where that is given; with `maps`, that of every layer and head, too. A line that
    is too long is translated in parts, each with a record of its own; one that is None, or has
    more pieces than anybody writes, has an empty translation. Both are counted in a warning.

    Where the lines end in an error, those before it are translated and kept first.

    block: lines translated at once; 1 answers each before the next is asked for

    Raises:
        DataError: the lines raised it; or, if `strict`, one is too long.
        WriteError: `attention` cannot be written.
        OSError: `write` failed with it.
    """
    last = trained.run.translations
    work = _Work(trained, lines, decoding, write, maps=maps, strict=strict, block=block)
    try:
        if attention is not None:
            write_records(attention, work.records())
            _keep_copy(attention, last, root=trained.run.folder)
        else:
            _keep(work.records(), last, root=trained.run.folder)
    except _OutputFailed as failure:
        raise failure.error from failure.error.__cause__
    finally:
        warn_of_lengths(work.cut, work.passed_over)
    if work.failure is not None:
        raise work.failure


def _keep(records: Iterator[AttentionRecord], path: Path, *, root: Path) -> None:
    try:
        write_records(path, records, root=root)
    except WriteError as error:  # a shared run may be read-only: translate all the same
        log.warning("the attention was not kept: %s", error)
        for _ in records:
            pass


class _OutputFailed(Exception):  # noqa: N818  # it only carries one
    """The translations could not be written: not to be taken for a trouble with the records."""

    def __init__(self, error: OSError | WriteError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass
class _Work:
    """Lines on their way to their translations, and what is to be told of them at the end."""

    trained: TrainedModel
    lines: Iterable[str | None]
    decoding: DecodingConfig
    write: Callable[[Translated, Sequence[AttentionRecord]], None]
    maps: bool
    strict: bool
    block: int
    failure: NmtError | KeyboardInterrupt | None = None
    """What ended the lines before their end."""
    cut: list[int] = field(default_factory=list)
    """The numbers of lines that were translated in parts."""
    passed_over: list[int] = field(default_factory=list)
    """The numbers of lines that were not translated at all."""

    def records(self) -> Iterator[AttentionRecord]:
        """Translate and write all; the attention of each."""
        translator, number = self.trained.translator(self.decoding), 0
        for lines in self._blocks():
            for translated in self._translated(translator, lines, number + 1):
                number += 1
                if translated.passed_over or lines[(number - 1) % self.block] is None:
                    self.passed_over.append(number)
                elif translated.parts:
                    self.cut.append(number)
                records = self.trained.records(translated, str(number), maps=self.maps)
                try:
                    self.write(translated, records)
                except (OSError, WriteError) as error:
                    raise _OutputFailed(error) from error
                yield from records
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
        except (NmtError, KeyboardInterrupt) as failure:  # of reading: what was read counts
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
            except LongLine as error:  # which need not be the first of them
                self.failure, sentences = error, sentences[: error.place]


def _keep_copy(attention: Path, last: Path, *, root: Path) -> None:
    if descriptor_of(attention) is not None or not attention.is_file():
        return  # a stream, which was not kept
    try:
        with replacing(last, root=root) as draft:
            shutil.copyfile(attention, draft)
    except WriteError as error:
        log.warning("the attention was not kept for plot-attention: %s", error)
