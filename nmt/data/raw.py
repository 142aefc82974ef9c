"""A corpus as it was found: before cleaning, with as many splits as it has."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from nmt.data.corpus import Origin, SplitName

Column = list[str | None]


@dataclass(frozen=True)
class RawBitext:
    """Two columns of equal length; None is a sentence that the corpus lacks."""

    sources: Column = field(default_factory=list)
    targets: Column = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.sources)

    def extend(self, sources: Sequence[str | None], targets: Sequence[str | None]) -> None:
        """Append more pairs."""
        self.sources.extend(sources)
        self.targets.extend(targets)

    @classmethod
    def of(cls, batches: Iterable[Sequence[Column]]) -> "RawBitext":
        """From (sources, targets) batches."""
        bitext = cls()
        for sources, targets in batches:
            bitext.extend(sources, targets)
        return bitext


@dataclass(frozen=True)
class RawCorpus:
    """The splits that a corpus has, train always among them, and its origin."""

    splits: dict[SplitName, RawBitext]
    origin: Origin
