"""Read text tables: cells separated by tabs, commas, semicolons or bars, with or without a header.

The format is guessed from the beginning of the file. The separator is the one with which the header
names two columns, or with which the rows have the same width. Blank lines are skipped; any other
row of a different width is an error that names its line.
"""

import csv
import io
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from nmt.config import DataConfig
from nmt.data.corpus.types import Chunk, Column
from nmt.data.formats.columns import find_pair, is_heading, named_columns
from nmt.data.formats.lines import blocks, lines
from nmt.data.words import is_blank
from nmt.errors import DataError

log = logging.getLogger(__name__)

TAB, BARS = "\t", " ||| "
SEPARATORS = (",", ";", TAB, "|")
HEAD = 100_000  # characters from which the format is guessed
SAMPLE = 200  # rows of these that are used
SWALLOWED = 4  # a cell of this many lines is an error if most of them look like rows
MOST_WORDS = 4  # in the name of a column
MOSTLY = 0.8
Row = tuple[int, list[str]]  # the line where it begins, and its cells


@dataclass(frozen=True)
class Layout:
    """The format of a table, and which two columns are read."""

    separator: str
    quoted: bool
    """Cells may be in double quotes, as in CSV."""
    spaced: bool
    """A space between a separator and a quote is ignored."""
    width: int
    places: tuple[int, int]
    first: int
    """The line of the first pair."""
    header: bool


def read_table(
    path: Path, config: DataConfig, *, separators: Sequence[str], rows: int
) -> Iterator[Chunk]:
    """The pairs of a table, `rows` rows at a time.

    separators: the possible separators, most likely first. A table without a header is assumed to
        be separated by a tab or three bars, and its first two columns are the pair, unless the
        config numbers two columns.

    Raises:
        DataError: the columns are not found, or a row is broken; the message names its line.
    """
    layout = find_layout(path, config, separators)
    if layout is None:
        return
    table_rows = _quoted_rows(path, layout) if layout.quoted else _plain_rows(path, layout)
    sources: Column = []
    targets: Column = []
    for _, cells in table_rows:
        sources.append(cells[layout.places[0]])
        targets.append(cells[layout.places[1]])
        if len(sources) == rows:
            yield sources, targets
            sources, targets = [], []
    yield sources, targets


def find_layout(path: Path, config: DataConfig, separators: Sequence[str]) -> Layout | None:
    """The format of a table, guessed from its beginning; None if the table is empty.

    Raises:
        DataError: the two columns cannot be found.
    """
    text, skipped, separators = _after_hint(_head(path), separators)
    if is_blank(text):
        return None
    by_tabs = separators[0] == TAB
    if by_tabs:  # the first line may be a sentence, with commas in it
        separators = [TAB] if TAB in text.lstrip("\r\n").partition("\n")[0] else [BARS, *SEPARATORS]
    samples = {separator: _sample(text, separator) for separator in separators}
    samples = {separator: sample for separator, sample in samples.items() if sample.rows}
    look = _Look(path, config, by_tabs, samples, skipped)
    return look.with_header() or look.without_header()


@dataclass(frozen=True)
class _Sample:
    """The first rows of a table, as split by one separator."""

    rows: list[Row]
    quoted: bool
    spaced: bool = False

    def share(self, width: int) -> float:
        """The share of rows that have this width."""
        return sum(len(cells) == width for _, cells in self.rows) / len(self.rows)

    @property
    def width(self) -> int:
        widths = [len(cells) for _, cells in self.rows]
        return max(widths, key=widths.count)


class _Look:
    """Guesses the layout of a table from its first rows, as split by each separator."""

    def __init__(
        self,
        path: Path,
        config: DataConfig,
        by_tabs: bool,
        samples: dict[str, _Sample],
        skipped: int,
    ) -> None:
        self._path, self._config, self._by_tabs = path, config, by_tabs
        self._samples, self._skipped = samples, skipped
        self._named = named_columns(config)
        self._numbers = _numbers(self._named)
        self._refusal: DataError | None = None

    def with_header(self) -> Layout | None:
        """The layout if the first row is a header that names two columns; otherwise None."""
        fitting = []
        for separator, sample in self._samples.items():
            line, cells = sample.rows[0]
            places = self._named_places([cell.strip() for cell in cells])
            if places is not None:
                first = sample.rows[1][0] if len(sample.rows) > 1 else line + 1
                layout = Layout(
                    separator,
                    sample.quoted,
                    sample.spaced,
                    len(cells),
                    places,
                    first + self._skipped,
                    True,
                )
                fitting.append((sample.share(len(cells)), layout))
        if fitting:
            best = max(fitting, key=lambda candidate: candidate[0])  # of equals, the first
            return self._checked(best[1])
        if any(self._named) and self._numbers is None:
            raise DataError(f"{self._path}: {self._refusal}")
        return None

    def _named_places(self, names: list[str]) -> tuple[int, int] | None:
        numbers, named = self._numbers, self._named
        if numbers is not None and not {*named} <= {*names}:
            named = (None, None)
        languages = (self._config.source, self._config.target)
        try:
            try:
                source, target = find_pair(
                    names, languages, named=named, headers_only=not any(named)
                )
            except DataError:
                if self._by_tabs or numbers is not None or not all(map(_is_name, names)):
                    raise
                source, target = find_pair(names, languages, named=named)
        except DataError as error:
            self._refusal = self._refusal or error
            return None
        if numbers is not None and not any(named):
            return numbers
        return names.index(source), names.index(target)

    def without_header(self) -> Layout:
        """The layout if the first row is already a pair."""
        numbers = self._numbers
        width = 2 if numbers is None else max(numbers) + 1
        separators = [s for s in self._samples if numbers or s in {TAB, BARS}]
        wide = [s for s in separators if self._samples[s].width >= width]
        if not wide:
            raise self._nothing()
        separator = max(wide, key=lambda s: self._samples[s].share(self._samples[s].width))
        sample = self._samples[separator]
        line, cells = sample.rows[0]
        layout = Layout(
            separator,
            sample.quoted,
            sample.spaced,
            len(cells) if numbers is None else sample.width,
            numbers or (0, 1),
            line + self._skipped,
            False,
        )
        if numbers is None:
            self._check_guess(sample, layout)
        return self._checked(layout)

    def _nothing(self) -> DataError:
        if self._by_tabs and not any(self._named):
            line = next(iter(self._samples.values())).rows[0][0] + self._skipped
            return DataError(
                f"{self._path}:{line}: 1 columns where 2 are expected; a pair is a sentence, one "
                "tab, and its translation; name two aligned texts as a list of two files"
            )
        if self._numbers is not None:
            return DataError(
                f"{self._path}: it has no columns {self._named[0]} and {self._named[1]}; correct "
                "data.source_column and data.target_column"
            )
        return DataError(
            f"{self._path}: {self._refusal}; if its first line is a pair and not a header, give "
            "column numbers, such as data.source_column: 1 and data.target_column: 2"
        )

    def _check_guess(self, sample: _Sample, layout: Layout) -> None:
        """Reject a table without a header whose first two columns cannot be a pair."""
        cells = sample.rows[0][1]
        if all(map(is_heading, cells)):
            raise DataError(
                f"{self._path}:{layout.first}: this looks like a header, but: {self._refusal}; if "
                "it is a pair, set data.source_column: 1 and data.target_column: 2"
            )
        if len(cells) <= len(layout.places):
            return
        for place in layout.places:
            column = [row[place] for _, row in sample.rows if len(row) > place]
            if sum(not any(map(str.isalpha, cell)) for cell in column) > MOSTLY * len(column):
                raise DataError(
                    f"{self._path}: there is no header, and column {place + 1} of {len(cells)} "
                    "holds no text; give the numbers of the right columns, such as "
                    "data.source_column: 2 and data.target_column: 3"
                )
        log.info(
            "%s: no header; the first two of %d columns are read as %s and %s, unless "
            "data.source_column and data.target_column give other numbers",
            self._path, len(cells), self._config.source, self._config.target,
        )  # fmt: skip

    def _checked(self, layout: Layout) -> Layout:
        if not all(0 <= place < layout.width for place in layout.places):
            raise DataError(
                f"{self._path}: it has {layout.width} columns, so there are no columns "
                f"{layout.places[0] + 1} and {layout.places[1] + 1}; correct data.source_column "
                "and data.target_column"
            )
        return layout


def _is_name(cell: str) -> bool:
    """Whether a cell looks like a column name rather than a sentence."""
    return len(cell.split()) <= MOST_WORDS and not cell.endswith((".", "!", "?", "…"))


def _numbers(named: tuple[str | None, str | None]) -> tuple[int, int] | None:
    """The indices, from 0, of columns that are named by number."""
    source, target = named
    if source is None or target is None:
        return None
    if not all(name.isascii() and name.isdigit() for name in (source, target)):
        return None
    if int(source) == int(target):
        raise DataError(
            f"data.source_column and data.target_column are both {source}: the two sides of a pair "
            "are two columns"
        )
    return int(source) - 1, int(target) - 1


def _head(path: Path) -> str:
    """The first lines of a file."""
    parts: list[str] = []
    for block in blocks(path):
        parts.append(block)
        if sum(map(len, parts)) > HEAD:
            break
    return "".join(parts)


def _after_hint(text: str, separators: Sequence[str]) -> tuple[str, int, Sequence[str]]:
    """The text after a line such as `sep=;`, with which spreadsheets declare the separator."""
    first, _, rest = text.partition("\n")
    hint = first.strip('\r"').casefold()
    if hint.startswith("sep=") and len(hint) == len("sep=;"):
        return rest, 1, [hint[-1]]
    return text, 0, separators


def _sample(text: str, separator: str) -> _Sample:
    """The first rows of a table, as split by one separator."""
    if separator != BARS:
        spaced = f'{separator} "' in text
        rows = list(islice(_parsed(text, separator, spaced=spaced), SAMPLE))
        if separator != TAB or _is_quoted(text, rows):
            return _Sample(rows, quoted=True, spaced=spaced)
    plain = enumerate(text.split("\n"), start=1)
    rows = [
        (number, line.removesuffix("\r").split(separator))
        for number, line in islice(plain, SAMPLE * 2)
        if not is_blank(line)
    ]
    return _Sample(rows[:SAMPLE], quoted=False)


def _parsed(text: str, separator: str, *, spaced: bool) -> Iterator[Row]:
    """The rows of a quoted table, up to the first broken one."""
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=spaced, strict=True
    )
    line = 1
    try:
        for cells in reader:
            if not is_blank("".join(cells)):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error:
        return


def _is_quoted(text: str, rows: list[Row]) -> bool:
    """Whether the quotes in a tab-separated table come from a spreadsheet, not from its sentences.

    They do if every cell that begins with a quote is quoted as a whole, and either some cell has
    doubled quotes inside, or every cell with a letter after the first line is quoted.
    """
    table = [line.removesuffix("\r").split(TAB) for line in text.split("\n") if line.strip()]
    begun = [cell for cells in table for cell in cells if cell.startswith('"')]
    if not begun or not rows or not all(map(_is_whole, begun)):
        return False
    lettered = [cell for cells in table[1:] for cell in cells if any(map(str.isalpha, cell))]
    everywhere = bool(lettered) and all(cell.startswith('"') for cell in lettered)
    return everywhere or any('""' in cell[1:-1] for cell in begun)


def _is_whole(cell: str) -> bool:
    return len(cell) > 1 and cell.endswith('"') and '"' not in cell[1:-1].replace('""', "")


def _plain_rows(path: Path, layout: Layout) -> Iterator[Row]:
    for number, line in enumerate(chain.from_iterable(lines(path)), start=1):
        if number < layout.first or not line.strip(" "):
            continue
        cells = line.split(layout.separator)
        if len(cells) != layout.width:
            if is_blank("".join(cells)):
                continue
            raise DataError(
                f"{path}:{number}: {len(cells)} columns where {layout.width} are expected; "
                "a pair is a sentence, one tab, and its translation"
            )
        yield number, cells


def _quoted_rows(path: Path, layout: Layout) -> Iterator[Row]:
    lines: list[str] = []  # the lines that the next row is made of

    def watched() -> Iterator[str]:
        text = chain.from_iterable(io.StringIO(block, newline="") for block in blocks(path))
        for line in text:
            lines.append(line)
            yield line

    reader = csv.reader(
        watched(), delimiter=layout.separator, skipinitialspace=layout.spaced, strict=True
    )
    first = 1
    try:
        for cells in reader:
            if len(lines) > 1 and first >= layout.first:
                _refuse_swallowed(path, layout, first, lines)
            lines.clear()
            number, first = first, reader.line_num + 1
            if number < layout.first or (len(cells) != layout.width and is_blank("".join(cells))):
                continue
            if len(cells) != layout.width:
                raise DataError(
                    f"{path}:{number}: {len(cells)} columns where "
                    f"{'the header has' if layout.header else 'the first row has'} {layout.width}; "
                    f"put text that contains {_called(layout.separator)} in double quotes"
                )
            yield number, cells
    except csv.Error as error:
        raise DataError(
            f"{path}:{first}: not CSV ({error}); double a quote inside quoted text"
        ) from None


def _called(separator: str) -> str:
    return {",": "a comma", ";": "a semicolon", TAB: "a tab", "|": "a bar"}.get(
        separator, f"'{separator}'"
    )


def _refuse_swallowed(path: Path, layout: Layout, number: int, lines: list[str]) -> None:
    """Reject a cell that swallowed whole rows, because a stray quote opened it."""
    row_like = sum(line.count(layout.separator) + 1 == layout.width for line in lines)
    if row_like == len(lines) or (len(lines) >= SWALLOWED and row_like > len(lines) / 2):
        raise DataError(
            f"{path}:{number}: a double quote opens a text of {len(lines)} lines that look like "
            "rows themselves; double the quote inside double quotes, or put the text on one line"
        )
