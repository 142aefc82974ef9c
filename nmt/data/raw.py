"""A corpus as it was found: before cleaning, with as many splits as it has."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nmt.data.corpus import Origin, SplitName

LARGE = 200_000  # pairs; more of them are read anew for each pass, not kept in memory
Column = list[str | None]
Chunk = Sequence[Column]  # sources, and as many targets


@dataclass(frozen=True)
class RawBitext:
    """Two columns of equal length; None is a sentence that the corpus lacks."""

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
    """The same, too long for the memory: each pass reads it from where it lies."""

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
