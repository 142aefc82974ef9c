"""`nmt data`: list known corpora, fetch one, and inspect one."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from nmt.config import DataConfig, load, section, shipped
from nmt.data.corpus.types import SPLITS, Origin
from nmt.data.hub.known_corpora import KNOWN_CORPORA, KnownCorpus
from nmt.data.read import builtins, read_raw
from nmt.data.report import CorpusReport, corpus_report
from nmt.errors import UsageError

WIDE = 160  # columns of a table that is not printed on a terminal


@dataclass(frozen=True)
class ChosenCorpus:
    """The corpus that a command was called with."""

    data: DataConfig
    seed: int = 1


@dataclass(frozen=True)
class Fetched:
    """A corpus that is now on this machine."""

    origin: Origin
    pairs: dict[str, int]

    def __str__(self) -> str:
        """One line per split: its name in the corpus, its role, its number of pairs."""
        return "\n".join(
            f"{self.origin.splits[split]}\t{split}\t{count}" for split, count in self.pairs.items()
        )


def choose(
    name: str,
    *,
    config: str | None = None,
    revision: str | None = None,
    source: str | None = None,
    target: str | None = None,
) -> ChosenCorpus:
    """The corpus that `name` means: that of a YAML file or a shipped config, or a corpus itself.

    Raises:
        UsageError: `files` needs a YAML file that names them.
        ConfigError: the YAML file is not valid.
    """
    given = {"config": config, "revision": revision, "source": source, "target": target}
    changes = {key: value for key, value in given.items() if value is not None}
    if Path(name).suffix in {".yaml", ".yml"} or (name in shipped() and name not in builtins):
        loaded = load(Path(name)).config
        return ChosenCorpus(loaded.data.model_copy(update=changes), loaded.seed)
    if name == "files":
        raise UsageError(
            "'files' are named in a config: nmt data check my.yaml, with data.files in it"
        )
    return ChosenCorpus(section(DataConfig, {"corpus": name, **changes}))


def get(choice: ChosenCorpus) -> Fetched:
    """Fetch a corpus, so that training on it later needs no network; its fallback is not used.

    Raises:
        DataError: the corpus is not available.
    """
    raw = read_raw(choice.data.model_copy(update={"fallback": None}))
    return Fetched(raw.origin, {name: len(bitext) for name, bitext in raw.splits.items()})


def check(choice: ChosenCorpus) -> CorpusReport:
    """Inspect a corpus as training would see it.

    Raises:
        DataError: the corpus is not available, or nothing is left after cleaning.
    """
    return corpus_report(read_raw(choice.data), choice.data, seed=choice.seed)


def console() -> Console:
    """Standard output: as wide as the terminal, or wide enough for a file."""
    plain = Console(highlight=False)
    return plain if plain.is_terminal else Console(highlight=False, width=WIDE, soft_wrap=True)


def known() -> list[KnownCorpus]:
    """The corpora in the catalogue."""
    return list(KNOWN_CORPORA)


def catalogue_table(entries: Iterable[KnownCorpus]) -> Table:
    """The catalogue as a table."""
    table = _table("corpus", "config", "pairs", "travels", "remark", "ready config")
    for entry in entries:
        table.add_row(
            entry.corpus, entry.config or "-", f"{entry.pairs:,}", entry.size, entry.remark,
            entry.ready or "-",
        )  # fmt: skip
    table.columns[0].no_wrap = True
    table.columns[2].justify = "right"
    return table


def report_page(report: CorpusReport) -> RenderableType:
    """The report of a corpus as text and tables."""
    origin = report.origin
    parts = [origin.corpus, origin.config or "", origin.revision and origin.revision[:12] or ""]
    head = f"{' '.join(filter(None, parts))}, {report.source} to {report.target}"
    if origin.columns:
        head += f", columns {origin.columns[0]} and {origin.columns[1]}"
    notes = [Text(head)]
    if origin.instead_of:
        notes.append(Text(f"INSTEAD OF {origin.instead_of}: {origin.because}"))
    notes += [Text(f"NOT FIT FOR TRAINING: {reason}") for reason in report.refused]
    return Group(*notes, _sizes(report), "", _remarks(report), "", _samples(report))


def _sizes(report: CorpusReport) -> Table:
    table = _table("", *(f"{name} ({report.origin.splits.get(name, name)})" for name in SPLITS))
    splits = [report.splits[name] for name in SPLITS]
    table.add_row("pairs read", *(f"{split.cleaning.read:,}" for split in splits))
    table.add_row("pairs kept", *(f"{split.pairs:,}" for split in splits))
    for side, lengths in (
        (report.source, [split.source_words for split in splits]),
        (report.target, [split.target_words for split in splits]),
    ):
        table.add_row(
            f"words, {side}", *(f"{n.mean:.1f} mean, {n.p95} p95, {n.max} most" for n in lengths)
        )
    table.add_row("repeated pairs", *(f"{split.repeated_pairs:,}" for split in splits))
    table.add_row("source in train", "-", *(f"{split.sources_in_train:,}" for split in splits[1:]))
    return table


def _remarks(report: CorpusReport) -> Table:
    """What cleaning changed and which pairs are suspicious, split by split."""
    table = _table("split", "what", "count", "such as")
    table.columns[2].justify = "right"
    for name in SPLITS:
        split = report.splits[name]
        for reason, count in split.cleaning.dropped.items():
            table.add_row(name, f"left out: {reason}", f"{count:,}")
        for what, count in split.cleaning.normalized.items():
            table.add_row(name, f"rewritten: {what}", f"{count:,}")
        for what, oddity in split.suspicious.items():
            source, target = oddity.examples[0]
            example = Text(f"{source:.40} | {target:.40}")
            table.add_row(name, f"suspicious: {what}", f"{oddity.pairs:,}", example)
    return table


def _samples(report: CorpusReport) -> Table:
    table = _table(f"sample of train, {report.source}", report.target)
    for source, target in report.splits["train"].samples:
        table.add_row(Text(source[:200]), Text(target[:200]))
    return table


def _table(*headers: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for header in headers:
        table.add_column(header)
    return table
