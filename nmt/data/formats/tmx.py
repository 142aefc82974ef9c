"""Read translation memories (TMX), units of one text in several languages, as a stream.

The XML parser only gets bytes and never opens a file. A document that declares entities is
rejected, because they can make a small file grow without bound or include other files.
"""

from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

from nmt.data.corpus.types import Chunk, Column
from nmt.data.formats.columns import find_pair
from nmt.data.formats.opening import opened
from nmt.errors import DataError

BLOCK = 1 << 20  # bytes
LONGEST = 1 << 20  # characters of one text
DEEPEST = 64  # levels of nested elements
CODES = {"bpt", "ept", "it", "ph", "ut"}  # elements that hold the markup of other programs
PAIRS = 10_000  # per chunk


def read_tmx(path: Path, languages: tuple[str, str]) -> Iterator[Chunk]:
    """The units of a translation memory; a missing side is None.

    Raises:
        DataError: the file is broken (the message names the line) or lacks a language.
    """
    memory = _Memory(path, languages)
    parser = memory.parser
    try:
        with opened(path) as file:
            while data := file.read(BLOCK):
                parser.Parse(data, False)
                if len(memory.sources) >= PAIRS:
                    yield memory.taken()
            parser.Parse(b"", True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise DataError(f"{path}:{error.lineno}: not TMX ({reason})") from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    yield memory.taken()


class _Memory:
    """The parser's handlers, and the pairs that they have collected."""

    def __init__(self, path: Path, languages: tuple[str, str]) -> None:
        self._path, self._languages = path, languages
        self.sources: Column = []
        self.targets: Column = []
        self._open: list[str] = []
        self._unit: dict[str, str] = {}
        self._language = ""
        self._text: list[str] | None = None
        self._length = 0
        self._pair: tuple[str, str] | None = None
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.EntityDeclHandler = self._entity

    def taken(self) -> Chunk:
        """The pairs collected since the last call."""
        chunk = self.sources, self.targets
        self.sources, self.targets = [], []
        return chunk

    def _refusal(self, reason: str) -> DataError:
        return DataError(f"{self._path}:{self.parser.CurrentLineNumber}: {reason}")

    def _entity(self, *_: object) -> None:
        raise self._refusal("it declares entities, which no TMX needs and which are not expanded")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._open.append(name)
        if len(self._open) > DEEPEST:
            raise self._refusal(f"its elements are nested more than {DEEPEST} deep")
        if len(self._open) == 1 and name != "tmx":
            raise self._refusal(f"not TMX: it begins with <{name[:40]}>")
        if name == "tu":
            self._unit = {}
        elif name == "tuv":
            self._language = attributes.get("xml:lang") or attributes.get("lang") or ""
        elif name == "seg":
            self._text, self._length = [], 0

    def _characters(self, text: str) -> None:
        if self._text is None or CODES.intersection(self._open):
            return
        self._length += len(text)
        if self._length > LONGEST:
            raise self._refusal(f"a text of more than {LONGEST:,} characters")
        self._text.append(text)

    def _end(self, name: str) -> None:
        self._open.pop()
        if name == "seg" and self._text is not None:
            self._unit.setdefault(self._language, "".join(self._text))
            self._text = None
        elif name == "tu" and self._unit:
            source, target = self._languages_of(self._unit)
            self.sources.append(self._unit.get(source))
            self.targets.append(self._unit.get(target))

    def _languages_of(self, unit: dict[str, str]) -> tuple[str, str]:
        """The language tags of both sides, taken from the first unit that has both."""
        if self._pair is None or not {*self._pair} <= unit.keys():
            try:
                self._pair = find_pair(list(unit), self._languages)
            except DataError as error:
                if self._pair is None and len(unit) > 1:
                    raise self._refusal(str(error)) from None
        return self._pair or self._languages
