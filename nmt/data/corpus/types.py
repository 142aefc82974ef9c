"""The types of a corpus: aligned sentences in splits, raw and clean, and their origin."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Literal, get_args

SplitName = Literal["train", "validation", "test"]
FINGERPRINTED = 10_000  # pairs hashed at once
SPLITS: tuple[SplitName, ...] = get_args(SplitName)


@dataclass(frozen=True)
class Bitext:
    """Sentences and their translations, line for line."""

    sources: Sequence[str]
    targets: Sequence[str]

    def __post_init__(self) -> None:
        assert len(self.sources) == len(self.targets), "the sides of a bitext have equal lengths"

    def __len__(self) -> int:
        return len(self.sources)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return zip(self.sources, self.targets, strict=True)

    def chunks(self, size: int) -> Iterator[tuple[list[str], list[str]]]:
        """Sources and targets, `size` pairs at a time."""
        for start in range(0, len(self), size):
            part = slice(start, start + size)
            yield list(self.sources[part]), list(self.targets[part])

    @classmethod
    def of(cls, pairs: Iterator[tuple[str, str]]) -> "Bitext":
        """From (source, target) pairs."""
        sources, targets = [], []
        for source, target in pairs:
            sources.append(source)
            targets.append(target)
        return cls(sources, targets)

    def fingerprint(self) -> str:
        """A digest of the text: equal texts in equal order, equal fingerprints."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        digest = sha256()
        for sources, targets in self.chunks(FINGERPRINTED):
            pairs = zip(sources, targets, strict=True)
            digest.update("".join(f"{source}\t{target}\n" for source, target in pairs).encode())
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Origin:
    """Where a corpus came from; stored in the manifest of the run."""

    corpus: str
    config: str | None = None
    revision: str | None = None
    """The commit that was actually read."""
    columns: tuple[str, str] | None = None
    splits: dict[str, str] = field(default_factory=dict)
    """Where each split came from: `validation`, or `1,000 pairs set aside from train`."""
    instead_of: str | None = None
    """The corpus that the config asked for, if its fallback was used."""
    because: str | None = None
    """Why the fallback was used."""


@dataclass(frozen=True)
class Cleaning:
    """How many pairs of a split cleaning dropped, and how many sentences it rewrote."""

    read: int
    kept: int
    dropped: dict[str, int] = field(default_factory=dict)
    """Reason, such as `empty side` -> number of pairs."""
    normalized: dict[str, int] = field(default_factory=dict)
    """Change, such as `line separator to space` -> number of sentences."""


@dataclass(frozen=True)
class Corpus:
    """A corpus, cleaned and split."""

    train: Bitext
    validation: Bitext
    test: Bitext
    origin: Origin
    cleaning: dict[SplitName, Cleaning] = field(default_factory=dict)

    def split(self, name: SplitName) -> Bitext:
        return {"train": self.train, "validation": self.validation, "test": self.test}[name]


LARGE = 200_000  # pairs; a longer corpus is read again in each pass, not kept in memory
Column = list[str | None]
Chunk = Sequence[Column]  # sources, and as many targets


@dataclass(frozen=True)
class RawBitext:
    """Two columns of equal length; None stands for a missing sentence."""

    sources: Column = field(default_factory=list)
    targets: Column = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.sources)

    def chunks(self) -> Iterator[Chunk]:
        yield self.sources, self.targets

    def whole(self) -> "RawBitext":
        return self

    @classmethod
    def of(cls, chunks: Iterable[Chunk]) -> "RawBitext":
        """From (sources, targets) chunks."""
        bitext = cls()
        for sources, targets in chunks:
            bitext.sources.extend(sources)
            bitext.targets.extend(targets)
        return bitext


@dataclass(frozen=True)
class RawStream:
    """The same for a bitext larger than memory: each pass reads its source again."""

    read: Callable[[], Iterator[Chunk]]

    def __len__(self) -> int:
        return sum(len(sources) for sources, _ in self.read())

    def chunks(self) -> Iterator[Chunk]:
        return self.read()

    def whole(self) -> RawBitext:
        """All of it in memory."""
        return RawBitext.of(self.read())


Raw = RawBitext | RawStream


@dataclass(frozen=True)
class RawCorpus:
    """The splits that a corpus has, train always among them, and its origin."""

    splits: Mapping[SplitName, Raw]
    origin: Origin
