"""`nmt translate`: lines in, lines out, and the attention of every one of them kept."""

import json
import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from nmt.config import DecodingConfig
from nmt.data.cleaning import normalized
from nmt.decoding.translator import Translated
from nmt.errors import WriteError
from nmt.evaluation.records import AttentionRecord, write_records
from nmt.files import replacing
from nmt.registry import Registry
from nmt.workflows.model import Trained

log = logging.getLogger(__name__)
BLOCK = 1000  # lines translated, and written, at once

Form = Callable[[Translated], str]
forms: Registry[Form] = Registry("output format")


@forms.register("text")
def as_text(translated: Translated) -> str:
    """A line for a line; with --n-best N, N lines for a line."""
    return "\n".join(best.text for best in translated.best)


@forms.register("tsv")
def as_tsv(translated: Translated) -> str:
    """Source, rank, log-probability, translation."""
    return "\n".join(
        "\t".join(
            (
                translated.source,
                str(rank),
                f"{best.hypothesis.score:.4f}",
                best.text,
            )
        )
        for rank, best in enumerate(translated.best)
    )


@forms.register("jsonl")
def as_jsonl(translated: Translated) -> str:
    """One object a line: the source and its translations with their log-probabilities."""
    translations = [
        {"text": best.text, "score": round(best.hypothesis.score, 6)} for best in translated.best
    ]
    return json.dumps(
        {"source": translated.source, "translations": translations}, ensure_ascii=False
    )


def translate_lines(
    trained: Trained,
    lines: Iterable[str],
    decoding: DecodingConfig,
    *,
    write: Callable[[Translated, Sequence[AttentionRecord]], None],
    attention: Path | None = None,
    maps: bool = False,
) -> None:
    """Translate lines in blocks, so that a pipe flows, and hand each to `write` in its order.

    The attention of all of them goes into the run's `translations/attention.jsonl`, and into
    `attention` where that is given; with `maps`, that of every layer and head, too.

    Raises:
        DataError: a line is endless.
        WriteError: `attention` cannot be written.
        OSError: `write` failed with it.
    """
    last = trained.run.translations
    try:
        records = _translated(trained, lines, decoding, write, maps=maps)
        if attention is not None:
            write_records(attention, records)
            _keep_copy(attention, last, root=trained.run.folder)
            return
        _keep(records, last, root=trained.run.folder)
    except _OutputFailed as failure:
        raise failure.error from failure.error.__cause__


def _keep(records: Iterator[AttentionRecord], path: Path, *, root: Path) -> None:
    try:
        write_records(path, records, root=root)
    except WriteError as error:  # a shared run may be read-only: translate all the same
        log.warning("the attention was not kept: %s", error)
        for _ in records:
            pass


class _OutputFailed(Exception):  # noqa: N818  # it only carries one
    """The translations could not be written: not to be taken for a trouble with the records."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


def _translated(
    trained: Trained,
    lines: Iterable[str],
    decoding: DecodingConfig,
    write: Callable[[Translated, Sequence[AttentionRecord]], None],
    *,
    maps: bool,
) -> Iterator[AttentionRecord]:
    translator, number = trained.translator(decoding), 0
    for block in _blocks(lines):
        for translated in translator.translate(block, first_line=number + 1):
            number += 1
            records = trained.records(translated, str(number), maps=maps)
            try:
                write(translated, records)
            except OSError as error:
                raise _OutputFailed(error) from error
            yield from records


def _blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    clean = (normalized(line, Counter()) for line in lines)
    while block := list(islice(clean, BLOCK)):
        yield block


def _keep_copy(attention: Path, last: Path, *, root: Path) -> None:
    try:
        with replacing(last, root=root) as draft:
            shutil.copyfile(attention, draft)
    except WriteError as error:
        log.warning("the attention was not kept for plot-attention: %s", error)
