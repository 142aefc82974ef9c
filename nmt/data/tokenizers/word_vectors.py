"""Read pretrained word vectors from text files of GloVe or word2vec: a word and numbers per line.

The file is read once, line by line, and compared as bytes: only the lines of requested words are
parsed as numbers, so that a file of gigabytes takes seconds and hardly any memory. Pennington et
al. (2014): https://nlp.stanford.edu/projects/glove; Mikolov et al. (2013):
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
BINARY = bytes(range(9))  # bytes that occur in binary numbers but not in text


@dataclass(frozen=True)
class VectorFile:
    """The format of a text file of word vectors, taken from its beginning."""

    path: Path
    width: int
    header: int | None
    """The number of words according to word2vec's first line; None if there is no such line."""
    first_line: int
    """The line of the first vector, counted from 1."""

    @property
    def line_of_width(self) -> int:
        """The line that determines the width: the header, or the first vector."""
        return self.first_line if self.header is None else 1


@dataclass(frozen=True)
class Vectors:
    """The vectors that a file has for some pieces."""

    ids: np.ndarray  # (pieces with a vector,) int64, ascending
    table: np.ndarray  # (pieces with a vector, width) float32
    promised: int | None
    """The number of words according to the file's header."""
    words: int
    """The actual number of words in the file."""


def inspect(path: Path) -> VectorFile:
    """Read the beginning of a file, and reject anything but word vectors in text format.

    Raises:
        DataError: the file is missing, packed, binary, empty, or broken in its first lines.
    """
    _refuse_foreign(path)
    lines = list(islice(_lines(path), FIRST))
    sizes = lines[0][1].split() if lines else []
    header = len(sizes) == 2 and all(size.isdigit() and len(size) < 19 for size in sizes)
    vectors = [line for line in lines[header:] if line[1]]
    if not vectors:
        raise DataError(f"{path} holds no word vectors: it ends after line {len(lines)}")
    number, line = vectors[0]
    width = int(sizes[1]) if header else line.count(b" ")
    if not width:
        raise DataError(
            f"{path}:{number}: not a word vector ('{_shown(line)}'): a line is a word and its "
            "numbers, with one space before each"
        )
    file = VectorFile(path, width, int(sizes[0]) if header else None, number)
    for number, line in vectors:
        _, fields = _split(file, number, line)
        _numbers(file, number, fields)
    return file


def read_vectors(file: VectorFile, wanted: Mapping[int, str]) -> Vectors:
    """The vectors of the given words; `wanted` maps their ids to words.

    If the file has a word twice, the first vector counts. A word that is not in the file gets the
    vector of its lower-case form.

    Raises:
        DataError: a line is broken; the message names it.
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
    ids = sorted(search.matches)
    table = np.zeros((len(ids), file.width), np.float32)
    for row, id in enumerate(ids):
        table[row] = search.matches[id].vector
    return Vectors(np.array(ids, np.int64), table, file.header, words)


class _Match(NamedTuple):
    exact: bool
    vector: np.ndarray  # (width,) float32


class _Search:
    """The words to look for, in which forms, and the vectors found so far."""

    def __init__(self, wanted: Mapping[int, str]) -> None:
        self.exact = _by_word((word, id) for id, word in wanted.items())
        self.lower = _by_word((word.lower(), id) for id, word in wanted.items())
        self.forms = self.exact.keys() | self.lower.keys()
        self.matches: dict[int, _Match] = {}

    def take(self, word: bytes, vector: np.ndarray) -> None:
        for id in self.exact.get(word, ()):
            if id not in self.matches or not self.matches[id].exact:
                self.matches[id] = _Match(True, vector)
        for id in self.lower.get(word, ()):
            self.matches.setdefault(id, _Match(False, vector))


def _by_word(pairs: Iterable[tuple[str, int]]) -> dict[bytes, list[int]]:
    ids: dict[bytes, list[int]] = {}
    for word, id in pairs:
        ids.setdefault(word.encode(), []).append(id)
    return ids


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The numbered lines of a file, without their line ends."""
    try:
        with path.open("rb") as file:
            first = file.readline(LONGEST).removeprefix(BOM)
            rest = iter(partial(file.readline, LONGEST), b"")
            for number, line in enumerate(chain([first], rest), start=1):
                if len(line) >= LONGEST - len(BOM) and not line.endswith(b"\n"):
                    raise DataError(
                        f"{path}:{number}: longer than {LONGEST:,} bytes: not a word vector"
                    )
                yield number, line.rstrip()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None


def _split(file: VectorFile, number: int, line: bytes) -> tuple[bytes, list[bytes]]:
    """The word of a line, and its numbers as text. A word may contain spaces.

    Words followed by too many numbers are an error: the last part of a word must not be a number.
    """
    fields = line.split(b" ")
    word, numbers = fields[: -file.width], fields[-file.width :]
    extra = 0
    while extra + 1 < len(word) and _is_number(word[-1 - extra]):
        extra += 1
    if not word or extra:
        count = len(numbers) + extra if word else len(numbers) - 1
        raise DataError(
            f"{file.path}:{number}: '{_shown(line)}' has {count} numbers where {file.width} are "
            f"expected (see line {file.line_of_width}): fix the line, or remove it"
        )
    return b" ".join(word), numbers


def _numbers(file: VectorFile, number: int, fields: list[bytes]) -> np.ndarray:
    """(width,) float32"""
    try:
        values = np.array(list(map(float, fields)))
        broken = not (np.abs(values) <= LARGEST).all() or b"_" in b"".join(fields)  # NaN fails, too
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
        return abs(float(field)) <= LARGEST and b"_" not in field  # Python allows it in numbers
    except ValueError:
        return False


def _refuse_foreign(path: Path) -> None:
    if path.is_dir():
        raise DataError(f"{path} is a folder; name the file of word vectors in it")
    if not path.exists():
        raise DataError(f"no file {path} (looked in {Path.cwd()}); correct its name, or fetch it")
    if not path.is_file():
        raise DataError(f"{path} is not an ordinary file, but is read twice: save it as one")
    try:
        with path.open("rb") as file:
            start = file.read(1 << 16)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    for magic, name in PACKED.items():
        if start.startswith(magic):
            raise DataError(f"{path} is compressed with {name}: unpack it, and name the text file")
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(f"{path} looks like UTF-16: save it as UTF-8")
    if len(start.translate(None, BINARY)) < len(start):
        raise DataError(
            f"{path} is binary, like the .bin files of word2vec and fastText: only text is read, a "
            "word and its numbers per line; save it in word2vec's text format"
        )


def _shown(text: bytes) -> str:
    """The beginning of a text, for a message of one line."""
    return printable(text.decode("utf-8", errors="replace"), most=40)
