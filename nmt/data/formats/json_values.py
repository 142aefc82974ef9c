"""Read JSON value by value, so that a list may be larger than memory.

A file may hold a list of objects, an object with such a list in it (`{"data": [...]}`), an object
of columns (`{"en": [...], "fr": [...]}`), or one object after another.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nmt.data.formats.lines import pieces
from nmt.errors import DataError

LONGEST = 1 << 24  # characters of one value
MOST_KEYS = 100_000
SPACE = re.compile(r"[ \t\r\n]*")
Row = tuple[int, dict[str, Any]]  # an object, after the line where it ends


def read_objects(path: Path) -> Iterator[Row]:
    """The objects of a JSON text that is not in JSON lines format.

    Raises:
        DataError: it is not JSON, holds no objects, or holds several lists of them.
    """
    text = _Text(path)
    if text.next() == "[":
        yield from _objects(text)
    else:
        while text.next() == "{":
            yield from _of_object(text)
    if text.next():
        raise text.refusal("something follows the end of the JSON")


def _objects(text: "_Text") -> Iterator[Row]:
    for value in text.items("[", "]"):
        if not isinstance(value, dict):
            raise DataError(f'{text.where}: not a JSON object such as {{"en": "...", "fr": "..."}}')
        yield text.line, value


def _of_object(text: "_Text") -> Iterator[Row]:
    """One object: a container of rows or of columns, or itself a row."""
    columns: dict[str, list[Any]] = {}
    rest: dict[str, Any] = {}
    rows_at: str | None = None
    for key in text.each_key():
        if len(columns) + len(rest) > MOST_KEYS:
            raise text.refusal(f"an object of more than {MOST_KEYS:,} keys")
        if text.next() != "[":
            rest[key] = text.value()
            continue
        column: list[Any] = []
        for value in text.items("[", "]"):
            if not isinstance(value, dict):
                column += [] if isinstance(value, list) else [value]
                continue
            if column or rows_at not in {None, key}:
                raise _several(text, rows_at, key)
            rows_at = key
            yield text.line, value
        if column and rows_at == key:
            raise _several(text, rows_at, key)
        if column:
            columns[key] = column
    if rows_at is None:
        yield from _rows_of(text, columns or _indexed(rest), rest)


def _several(text: "_Text", first: str | None, key: str) -> DataError:
    if first in {None, key}:
        return DataError(f"{text.where}: {key[:40]!a} mixes objects with other values")
    return DataError(
        f"{text.where}: it holds several lists of objects ({str(first)[:40]!a} and {key[:40]!a}); "
        "put each into its own file"
    )


def _rows_of(text: "_Text", columns: dict[str, list[Any]], rest: dict[str, Any]) -> Iterator[Row]:
    if not columns:
        yield text.line, rest
        return
    lengths = {key: len(column) for key, column in columns.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{key[:40]!a}: {length:,}" for key, length in list(lengths.items())[:8])
        raise DataError(f"{text.path}: its lists have different lengths ({shown})")
    for values in zip(*columns.values(), strict=True):
        yield text.line, dict(zip(columns, values, strict=True))


def _indexed(rest: dict[str, Any]) -> dict[str, list[Any]]:
    """Columns written as `{"en": {"0": "...", "1": "..."}, ...}`, which is what pandas does."""
    inner = [value for value in rest.values() if isinstance(value, dict)]
    if (
        len(inner) < 2
        or len(inner) != len(rest)
        or any(one.keys() != inner[0].keys() for one in inner)
    ):
        return {}
    return {key: list(value.values()) for key, value in rest.items()}


class _Text:
    """A JSON text of which only a part is in memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.line = 1
        self._pieces = pieces(path)
        self._buffer = ""
        self._place = 0
        self._ended = False
        self._decoder = json.JSONDecoder(parse_constant=_refuse)

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}"

    def refusal(self, reason: str) -> DataError:
        return DataError(f"{self.where}: not JSON ({reason})")

    def next(self) -> str:
        """The next character that is not a space; empty at the end."""
        while True:
            end = SPACE.match(self._buffer, self._place).end()  # type: ignore[union-attr]
            self._pass(end)
            if end < len(self._buffer):
                return self._buffer[end]
            if not self._more():
                return ""

    def take(self, expected: str) -> str:
        """Consume the next character, which must be one of `expected`."""
        character = self.next()
        if not character or character not in expected:
            raise self.refusal(
                f"{character!r} where one of {expected} is expected"
                if character
                else "it ends too early"
            )
        self._pass(self._place + 1)
        return character

    def items(self, start: str, end: str) -> Iterator[Any]:
        """The values of a list."""
        self.take(start)
        if self.next() == end:
            self.take(end)
            return
        while True:
            yield self.value()
            if self.take(f",{end}") == end:
                return

    def each_key(self) -> Iterator[str]:
        """The keys of an object; the caller reads the value of each before taking the next."""
        self.take("{")
        if self.next() == "}":
            self.take("}")
            return
        while True:
            if self.next() != '"':
                raise self.refusal("a key in double quotes is expected")
            key = self.value()
            self.take(":")
            yield key
            if self.take(",}") == "}":
                return

    def value(self) -> Any:
        """The next value."""
        self.next()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._place)
            except RecursionError:
                raise self.refusal("it is nested too deeply") from None
            except ValueError as error:
                if len(self._buffer) - self._place > LONGEST:
                    raise self.refusal(f"a value of more than {LONGEST:,} characters") from None
                if self._more():
                    continue
                reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
                self._pass(getattr(error, "pos", self._place))
                raise self.refusal(reason) from None
            if end == len(self._buffer) and self._more():  # a number may continue
                continue
            self._pass(end)
            return value

    def _pass(self, end: int) -> None:
        self.line += self._buffer.count("\n", self._place, end)
        self._place = end

    def _more(self) -> bool:
        """Read more of the file; False at its end."""
        if self._ended:
            return False
        piece = next(self._pieces, None)
        if piece is None:
            self._ended = True
            return False
        self._buffer = self._buffer[self._place :] + piece
        self._place = 0
        return True


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")
