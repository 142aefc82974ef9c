"""The attention record, `nmt.attention/1`: everything needed to show what a model attended to.

One JSON object per hypothesis, in JSON lines; `docs/attention-record.md` describes every field
for readers in other languages. A record can be drawn without the model or the tokenizer.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np

from nmt.config import NO_ATTENTION
from nmt.data.tokenizers.base import EOS_PIECE
from nmt.errors import DataError, WriteError, printable
from nmt.evaluation.words import Floats, Span, join_words, side
from nmt.files import os_errors_as_write_error, parse_json, replacing

SCHEMA = "nmt.attention/1"
MOST_HYPOTHESES = 1_000_000
START = "<s>"
"""The first piece that a decoder reads."""
SELF = "self"
"""The suffix of the names of maps that hold a decoder's self-attention."""
DIGITS = 6
"""Significant digits of a weight in a file: a row of a thousand still sums to 1 within 1e-5."""
LONGEST_LINE = 64 * 2**20
"""In bytes; a record of a thousand by a thousand pieces takes an eighth of that."""
LARGEST = 1e9
"""The largest weight or score; sums and pictures of larger ones would overflow."""
DEEPEST = 20
"""The deepest nesting in `attention` and `model`."""
SMALLEST = 1e-9
"""Weights below this are written as zero."""


class Matrix(NamedTuple):
    """The contents of a picture: row names, column names, and the weights."""

    target: list[str]
    source: list[str]
    weights: Floats  # (target, source)


@dataclass(frozen=True, kw_only=True)
class AttentionRecord:
    """A translated sentence, and what the model attended to for every piece and word of it."""

    schema: str = SCHEMA
    id: str
    """Identifies the sentence; the hypotheses of an n-best list share it."""
    rank: int = 0
    """The rank in the n-best list; 0 is the translation."""
    source: str
    target: str
    source_pieces: list[str]
    """As the tokenizer splits the source, `</s>` last."""
    target_pieces: list[str]
    """`</s>` last, unless the translation was cut off at the length limit."""
    source_words: list[str]
    target_words: list[str]
    weights: list[list[float]]
    """(target pieces, source pieces); a row is one step of the decoder."""
    word_weights: list[list[float]]
    """(target words, source words): sums over source pieces, means over target pieces."""
    score: float
    """log p(target | source) in nats: the sum of `token_scores`."""
    token_scores: list[float]
    """log p of each target piece, given those before it."""
    maps: dict[str, list[list[float]]] = field(default_factory=dict)
    """For a model with several layers or heads: each matrix between pieces, by name; `weights` is
    the mean over the heads of the last layer. Self-attention is between pieces of one side."""
    attention: dict[str, Any]
    """`score`, `normalizer`, `scope`, `choice` (the config's `selection`), `heads`, and `state`:
    the decoder state that attends, s_t, s'_t or s_t-1."""
    model: dict[str, Any]
    """`run`, `step` and `fingerprint`."""

    @property
    def looks(self) -> bool:
        """Whether the model has attention; without it, all weights are zero."""
        return bool(self.attention.get("score") != NO_ATTENTION)

    def map(self, name: str) -> Matrix:
        """One of `maps`, between pieces: rows are queries, columns are keys.

        A row of a decoder is named by the piece that it predicted. In self-attention, the keys are
        the pieces that the decoder has read by then, beginning with the start of the sentence.
        """
        rows, columns = (list(getattr(self, f"{side}_pieces")) for side in _sides(name))
        if name.endswith(SELF):
            columns = [START, *columns[:-1]]
        weights = np.asarray(self.maps[name], dtype=np.float64)
        return Matrix(rows, columns, weights.reshape(len(rows), len(columns)))

    def matrix(self, *, pieces: bool = False, eos: bool | None = None) -> Matrix:
        """The weights with the names of their rows and columns.

        Args:
            pieces: between pieces, as the model reads them, instead of between words.
            eos: keep the row and column of `</s>`; None keeps them only between pieces. A side
                that has nothing else always keeps its `</s>`.
        """
        target = self.target_pieces if pieces else self.target_words
        source = self.source_pieces if pieces else self.source_words
        rows = self.weights if pieces else self.word_weights
        weights = np.asarray(rows, dtype=np.float64).reshape(len(target), len(source))
        if pieces if eos is None else eos:
            return Matrix(target, source, weights)
        height, width = (len(names) - _closes(names) for names in (target, source))
        return Matrix(target[:height], source[:width], weights[:height, :width])


def make_record(
    *,
    id: str,
    source: str,
    target: str,
    source_pieces: Sequence[Span],
    target_pieces: Sequence[Span],
    weights: Floats,
    token_scores: Sequence[float],
    attention: Mapping[str, Any],
    model: Mapping[str, Any],
    maps: Mapping[str, Floats] | None = None,
    rank: int = 0,
) -> AttentionRecord:
    """The record of one hypothesis.

    Args:
        source_pieces: with `</s>` last, as the encoder read them.
        target_pieces: with `</s>` last, unless the hypothesis was cut off.
        weights: (target pieces, source pieces).
        token_scores: the log-probability of each target piece, in nats.
        maps: further matrices between pieces, by name.
    """
    shape = (len(target_pieces), len(source_pieces))
    assert np.shape(weights) == shape, f"{np.shape(weights)} weights for {shape} pieces"
    assert len(token_scores) == len(target_pieces), "a score for every target piece"
    weights = np.asarray(weights, dtype=np.float64)
    source_side, target_side = side(source, source_pieces), side(target, target_pieces)
    return AttentionRecord(
        id=id,
        rank=rank,
        source=source,
        target=target,
        source_pieces=[piece.text for piece in source_pieces],
        target_pieces=[piece.text for piece in target_pieces],
        source_words=source_side.words,
        target_words=target_side.words,
        weights=_rounded(weights).tolist(),
        word_weights=_rounded(join_words(source_side, target_side, weights)).tolist(),
        score=round(math.fsum(token_scores), DIGITS),
        token_scores=[round(float(score), DIGITS) for score in token_scores],
        maps={
            name: _rounded(np.asarray(matrix, dtype=np.float64)).tolist()
            for name, matrix in (maps or {}).items()
        },
        attention=dict(attention),
        model=dict(model),
    )


def write_records(
    path: Path, records: Iterable[AttentionRecord], *, root: Path | None = None
) -> int:
    """Write one line per record, all of them or none; return how many. root: see `replacing`.

    Records are consumed one at a time, so that a generator of a million needs no memory.
    """
    count = 0
    with RecordFile(path, root=root) as file:
        for record in records:
            file.write(record)
            count += 1
    return count


class RecordFile:
    """A file of records that appears complete if the block succeeds, and otherwise not at all.

    Errors raised in the block pass through; they are not reported as errors of this file.

    Raises:
        WriteError: it cannot be written.
    """

    def __init__(self, path: Path, *, root: Path | None = None) -> None:
        self._path, self._draft = path, replacing(path, root=root)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            draft = stack.enter_context(self._draft)
            self._file = draft.open("w", encoding="utf-8", newline="\n")
            self._ending = stack.pop_all()
        return self

    def write(self, record: AttentionRecord) -> None:
        with os_errors_as_write_error(self._path):
            self._file.write(_line(record) + "\n")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.discard()
            return
        with self._ending:
            self._file.close()

    def discard(self) -> None:
        """Throw away what was written."""
        with suppress(_Discarded, WriteError), self._ending:
            self._file.close()
            raise _Discarded


class _Discarded(Exception):  # noqa: N818  # this is not an error
    """Makes `replacing` drop its draft."""


def read_records(path: Path) -> Iterator[AttentionRecord]:
    """The records of a file or a pipe, one at a time; the contents are not trusted.

    Raises:
        DataError: the file is missing or not UTF-8, or a line is not an attention record.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), b""), 1):
                if len(line) > LONGEST_LINE:
                    raise DataError(
                        f"{path}:{number}: longer than {LONGEST_LINE:,} bytes: not an attention "
                        "record"
                    )
                if line.strip():
                    yield _record(line, f"{path}:{number}")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def _closes(names: Sequence[str]) -> int:
    """1 if a list of several names ends with `</s>`, else 0."""
    return int(len(names) > 1 and names[-1] == EOS_PIECE)


def _rounded(weights: Floats) -> Floats:
    """Round to DIGITS significant digits, as integers over powers of ten, which print short."""
    size = np.abs(weights)
    nonzero = size >= SMALLEST
    exponents = np.floor(np.log10(size, where=nonzero, out=np.zeros_like(size)))
    powers = 10.0 ** (DIGITS - 1 - exponents)
    rounded: Floats = np.where(nonzero, np.rint(weights * powers) / powers, 0.0)
    return rounded


def _line(record: AttentionRecord) -> str:
    """One line of JSON, even for terminals and for readers that end a line at U+2028."""
    content = {name: value for name, value in vars(record).items() if name != "maps" or value}
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    return _HIDDEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


_HIDDEN = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Line ends for some readers, terminal controls, and characters that reorder text on screen."""
_SURROGATE = re.compile("[\ud800-\udfff]")
GZIP = b"\x1f\x8b"


def _record(line: bytes, place: str) -> AttentionRecord:
    """One line of a file, checked."""
    if line.startswith(GZIP):
        raise DataError(f"{place}: compressed by gzip: unpack it first, for example with gunzip")
    try:
        content = parse_json(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DataError(f"{place}: not UTF-8, so not an attention record of nmt") from error
    except json.JSONDecodeError as error:
        raise DataError(
            f"{place}: broken JSON at character {error.colno} ({error.msg}); "
            "write the file again with `nmt translate --attention` or `nmt evaluate`"
        ) from error
    except ValueError as error:
        raise DataError(f"{place}: not an attention record: {error}") from error

    schema = content.get("schema") if isinstance(content, dict) else None
    if schema != SCHEMA:
        raise DataError(
            f"{place}: not an attention record: its schema is {_shown(schema)}, not '{SCHEMA}'"
        )
    content.setdefault("rank", 0)
    content.setdefault("maps", {})
    _check(content, place)
    return AttentionRecord(**{part.name: content[part.name] for part in fields(AttentionRecord)})


_KINDS: dict[str, type | tuple[type, ...]] = {
    "id": str,
    "rank": int,
    "source": str,
    "target": str,
    "source_pieces": list,
    "target_pieces": list,
    "source_words": list,
    "target_words": list,
    "weights": list,
    "word_weights": list,
    "score": (int, float),
    "token_scores": list,
    "maps": dict,
    "attention": dict,
    "model": dict,
}


def _check(content: dict[str, Any], place: str) -> None:
    """Refuse a record with missing fields, or with fields that do not fit each other."""
    missing = [name for name in _KINDS if name not in content]
    if missing:
        raise DataError(f"{place}: an attention record without {', '.join(missing)}")
    for name, kind in _KINDS.items():
        value = content[name]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise DataError(f"{place}: {name} has an unexpected value: {_shown(value)}")
    if not 0 <= content["rank"] < MOST_HYPOTHESES:
        raise DataError(f"{place}: rank has an unexpected value: {_shown(content['rank'])}")
    for name in ("id", "source", "target"):
        _check_texts([content[name]], f"{place}: {name}")
    for name in ("source_pieces", "target_pieces", "source_words", "target_words"):
        _check_texts(content[name], f"{place}: {name}")
    for name, unit in (("weights", "pieces"), ("word_weights", "words")):
        shape = (len(content[f"target_{unit}"]), len(content[f"source_{unit}"]))
        _check_numbers(content[name], shape, f"{place}: {name}")
    _check_numbers(
        content["token_scores"], (len(content["target_pieces"]),), f"{place}: token_scores"
    )
    _check_numbers([content["score"]], (1,), f"{place}: score")
    _check_texts(content["maps"], f"{place}: maps")
    for name, matrix in content["maps"].items():
        rows, columns = (len(content[f"{side}_pieces"]) for side in _sides(name))
        _check_numbers(matrix, (rows, columns), f"{place}: maps: {_shown(name)}")
    for name in ("attention", "model"):
        _check_description(content[name], f"{place}: {name}")


def _sides(name: str) -> tuple[str, str]:
    """The side of the queries and the side of the keys in a map of that name."""
    if name.startswith("encoder"):
        return "source", "source"
    return ("target", "target") if name.endswith(SELF) else ("target", "source")


def _check_texts(texts: Iterable[Any], place: str) -> None:
    """Refuse values that are not text, or text that cannot be encoded."""
    for text in texts:
        if not isinstance(text, str):
            raise DataError(f"{place} holds something that is not text: {_shown(text)}")
        if not text.isascii() and _SURROGATE.search(text):
            raise DataError(f"{place} holds half a surrogate pair, which is not text")


def _check_description(content: dict[str, Any], place: str) -> None:
    """Refuse a description, which may hold anything, that could not be written again."""
    level: list[Any] = [content]
    for _ in range(DEEPEST):
        values = [v for each in level if isinstance(each, dict) for v in (*each, *each.values())]
        values += [value for each in level if isinstance(each, list) for value in each]
        _check_texts([value for value in values if isinstance(value, str)], place)
        numbers = [value for value in values if isinstance(value, float)]
        _check_numbers(numbers, (len(numbers),), place)
        level = [value for value in values if isinstance(value, list | dict)]
        if not level:
            return
    raise DataError(f"{place} is nested more than {DEEPEST} levels deep")


def _check_numbers(content: Any, shape: tuple[int, ...], place: str) -> None:
    """Refuse numbers that are not finite, or whose shape does not match the names."""
    try:
        numbers = np.asarray(content)
        if numbers.size and numbers.dtype.kind not in "iuf":  # such as text, which float64 takes
            raise TypeError
        numbers = numbers.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{place}: not a matrix of numbers") from error
    if numbers.shape != shape and not (numbers.size == 0 == shape[0]):
        actual, expected = (" x ".join(map(str, size)) for size in (numbers.shape, shape))
        raise DataError(f"{place}: {actual} numbers, but the pieces and words need {expected}")
    if not (np.abs(numbers) <= LARGEST).all():
        raise DataError(f"{place}: a number that is not finite, or far too large")


def _shown(value: object) -> str:
    if isinstance(value, list | dict):  # too large or too deep to print
        return f"a {type(value).__name__} of {len(value):,}"
    return printable(repr(value[:40] if isinstance(value, str) else value), most=40)
