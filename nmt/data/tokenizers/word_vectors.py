"""Word vectors learned elsewhere: GloVe's and word2vec's text files, a word and its numbers a line.

The file is read once, line by line, and compared as bytes: only the lines of words that are wanted
are read as numbers, so that a file of gigabytes takes seconds and no memory. Pennington et al.
(2014): https://nlp.stanford.edu/projects/glove; Mikolov et al. (2013):
https://arxiv.org/abs/1301.3781.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nmt.errors import DataError, printable

LONGEST = 1 << 20  # bytes of a line
FIRST = 100  # lines that `inspect` reads
LARGEST = float(np.finfo(np.float32).max)
BOM = b"\xef\xbb\xbf"
PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}
BINARY = bytes(range(9))  # no text holds these; numbers in bytes soon do


@dataclass(frozen=True)
class VectorFile:
    """A text file of word vectors, as its beginning describes it."""

    path: Path
    width: int
    header: int | None
    """How many words the first line promises, where it is word2vec's line of sizes."""
    first_line: int
    """The line of the first vector, counted from 1."""

    @property
    def line_of_width(self) -> int:
        """The line that tells the width: the header's, or the first vector's."""
        return self.first_line if self.header is None else 1


@dataclass(frozen=True)
class Vectors:
    """The vectors that a file has for some pieces."""

    ids: np.ndarray  # (found,) int64, rising
    table: np.ndarray  # (found, width) float32
    promised: int | None
    """How many words the file says it has."""
    words: int
    """How many it has."""


def inspect(path: Path) -> VectorFile:
    """Read the beginning of a file, and refuse what are not word vectors as text.

    Raises:
        DataError: the file is missing, packed, binary, empty, or broken in its first lines.
    """
    _refuse_foreign(path)
    lines = list(islice(_lines(path), FIRST))
    sizes = lines[0][1].split() if lines else []
    header = len(sizes) == 2 and all(size.isdigit() and len(size) < 19 for size in sizes)
    found = [line for line in lines[header:] if line[1]]
    if not found:
        raise DataError(f"{path} holds no word vectors: it ends after line {len(lines)}")
    number, line = found[0]
    width = int(sizes[1]) if header else line.count(b" ")
    if not width:
        raise DataError(
            f"{path}:{number}: no word vector ('{_shown(line)}'): a line is a word and its "
            "numbers, with one space before each"
        )
    file = VectorFile(path, width, int(sizes[0]) if header else None, number)
    for number, line in found:
        _, fields = _split(file, number, line)
        _numbers(file, number, fields)
    return file


def read_vectors(file: VectorFile, wanted: Mapping[int, str]) -> Vectors:
    """The vectors of words, by their ids; of a word that the file has twice, the first.

    A word that is not in the file as it is gets the vector of its lower-case form.

    Raises:
        DataError: a line is broken; with its number.
    """
    search, words = _Search(wanted), 0
    for number, line in islice(_lines(file.path), file.first_line - 1, None):
        if not line:
            continue
        words += 1
        if line.count(b" ") == file.width and line[: line.find(b" ")] not in search.forms:
            continue
        word, fields = _split(file, number, line)
        if word in search.forms:
            search.take(word, _numbers(file, number, fields))
    ids = sorted(search.found)
    table = np.zeros((len(ids), file.width), np.float32)
    for row, id in enumerate(ids):
        table[row] = search.found[id].vector
    return Vectors(np.array(ids, np.int64), table, file.header, words)


class _Match(NamedTuple):
    exact: bool
    vector: np.ndarray  # (width,) float32


class _Search:
    """Which words are looked for, in which forms, and what was found so far."""

    def __init__(self, wanted: Mapping[int, str]) -> None:
        self.exact = _by_word((word, id) for id, word in wanted.items())
        self.lower = _by_word((word.lower(), id) for id, word in wanted.items())
        self.forms = self.exact.keys() | self.lower.keys()
        self.found: dict[int, _Match] = {}

    def take(self, word: bytes, vector: np.ndarray) -> None:
        for id in self.exact.get(word, ()):
            if id not in self.found or not self.found[id].exact:
                self.found[id] = _Match(True, vector)
        for id in self.lower.get(word, ()):
            self.found.setdefault(id, _Match(False, vector))


def _by_word(pairs: Iterable[tuple[str, int]]) -> dict[bytes, list[int]]:
    found: dict[bytes, list[int]] = {}
    for word, id in pairs:
        found.setdefault(word.encode(), []).append(id)
    return found


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines by their numbers, without what ends them."""
    try:
        with path.open("rb") as file:
            first = file.readline(LONGEST).removeprefix(BOM)
            rest = iter(partial(file.readline, LONGEST), b"")
            for number, line in enumerate(chain([first], rest), start=1):
                if len(line) >= LONGEST - len(BOM) and not line.endswith(b"\n"):
                    raise DataError(
                        f"{path}:{number}: longer than {LONGEST:,} bytes: no line of word vectors"
                    )
                yield number, line.rstrip()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None


def _split(file: VectorFile, number: int, line: bytes) -> tuple[bytes, list[bytes]]:
    """A line's word and its numbers as text. A word may hold spaces, but not before a number."""
    fields = line.split(b" ")
    word, found = fields[: -file.width], fields[-file.width :]
    extra = 0
    while extra + 1 < len(word) and _is_number(word[-1 - extra]):
        extra += 1
    if not word or extra:
        count = len(found) + extra if word else len(found) - 1
        raise DataError(
            f"{file.path}:{number}: '{_shown(line)}' has {count} numbers where {file.width} are "
            f"expected (see line {file.line_of_width}): fix the line, or remove it"
        )
    return b" ".join(word), found


def _numbers(file: VectorFile, number: int, fields: list[bytes]) -> np.ndarray:
    """(width,) float32"""
    try:
        values = np.array(list(map(float, fields)))
        broken = not (np.abs(values) <= LARGEST).all() or b"_" in b"".join(fields)  # nor is nan
    except ValueError:
        broken = True
    if broken:
        place = next(i for i, field in enumerate(fields) if not _is_number(field))
        raise DataError(
            f"{file.path}:{number}: number {place + 1} of {file.width} is "
            f"'{_shown(fields[place])}', which is not a finite number: fix the line, or remove it"
        )
    return values.astype(np.float32)


def _is_number(field: bytes) -> bool:
    try:
        return abs(float(field)) <= LARGEST and b"_" not in field  # which Python's numbers may hold
    except ValueError:
        return False


def _refuse_foreign(path: Path) -> None:
    if path.is_dir():
        raise DataError(f"{path} is a folder; name the file of word vectors in it")
    if not path.exists():
        raise DataError(f"no file {path} (looked in {Path.cwd()}); correct its name, or fetch it")
    if not path.is_file():
        raise DataError(f"{path} is not an ordinary file, and is read twice: save it as one")
    try:
        with path.open("rb") as file:
            start = file.read(1 << 16)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    for magic, name in PACKED.items():
        if start.startswith(magic):
            raise DataError(f"{path} is packed by {name}: unpack it, and name the text file")
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(f"{path} looks like UTF-16: save it as UTF-8")
    if len(start.translate(None, BINARY)) < len(start):
        raise DataError(
            f"{path} is binary, such as word2vec's .bin and fastText's .bin: only text is read, a "
            "word and its numbers a line; save it in word2vec's text format"
        )


def _shown(text: bytes) -> str:
    """The beginning of a text, for a message of one line."""
    return printable(text.decode("utf-8", errors="replace"), most=40)
