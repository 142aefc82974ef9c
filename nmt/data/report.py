"""Statistics of a corpus to check before training: sizes, lengths, repetitions, odd pairs."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random

from nmt.config import CleaningConfig, DataConfig
from nmt.config.sections import MOST
from nmt.data.corpus.cleaning import clean, exceeds_ratio
from nmt.data.corpus.dedup import Repeats
from nmt.data.corpus.types import SPLITS, Bitext, Cleaning, Origin, RawCorpus, SplitName
from nmt.data.read import copies, prepare
from nmt.data.words import count_words

ANYTHING = CleaningConfig(
    max_words=MOST, max_characters=MOST, max_ratio=MOST,
    drop_duplicates=False, drop_held_out=False,
)  # fmt: skip
CHUNK = 20_000  # pairs processed together
SAMPLES = 5
EXAMPLES = 3  # pairs shown for each kind of oddity
ODD_RATIO = 2.0  # the longer side is suspicious above this many times the shorter's words plus five


@dataclass(frozen=True)
class Lengths:
    """Sentence lengths of one side, in words."""

    mean: float
    p95: int
    max: int

    @classmethod
    def of(cls, sentences: Sequence[str]) -> "Lengths":
        """Measure sentences.

        >>> Lengths.of(["a", "a b c"])
        Lengths(mean=2.0, p95=3, max=3)
        """
        counts = Counter(map(count_words, sentences)) or Counter([0])
        total = counts.total()
        place = min(total - 1, round(0.95 * total))
        values = sorted(counts)
        passed = list(accumulate(counts[value] for value in values))
        words = sum(value * count for value, count in counts.items())
        return cls(round(words / total, 2), values[bisect_right(passed, place)], values[-1])


@dataclass
class SuspiciousPairs:
    """Pairs that look wrong; they are only reported, not left out."""

    pairs: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)

    def add(self, pair: tuple[str, str]) -> None:
        self.pairs += 1
        if self.pairs <= EXAMPLES:
            self.examples.append(pair)


@dataclass(frozen=True)
class SplitReport:
    """One split after cleaning, unless a field says otherwise."""

    pairs: int
    source_words: Lengths
    target_words: Lengths
    repeated_pairs: int
    """Pairs that repeat an earlier pair of the split, before cleaning."""
    sources_in_train: int
    """Pairs of validation or test whose source is in train too, before cleaning."""
    suspicious: dict[str, SuspiciousPairs]
    cleaning: Cleaning
    samples: list[tuple[str, str]]


@dataclass(frozen=True)
class CorpusReport:
    """The report on a whole corpus."""

    origin: Origin
    source: str
    target: str
    splits: dict[SplitName, SplitReport]
    refused: list[str]
    """Why `nmt train` would reject it."""


def corpus_report(raw: RawCorpus, config: DataConfig, *, seed: int) -> CorpusReport:
    """Measure a corpus as training would see it.

    Raises:
        DataError: nothing is left of it after cleaning.
    """
    corpus = prepare(raw, config, seed=seed)
    before = {name: clean(raw_split, ANYTHING)[0] for name, raw_split in raw.splits.items()}
    held_out = {source for name in before if name != "train" for source in before[name].sources}
    leaked = held_out.intersection(before["train"].sources)
    splits = {}
    for name in SPLITS:
        bitext, uncleaned = corpus.split(name), before.get(name, corpus.split(name))
        carved = name not in before  # taken out of train, so train has none of its sources
        splits[name] = SplitReport(
            pairs=len(bitext),
            source_words=Lengths.of(bitext.sources),
            target_words=Lengths.of(bitext.targets),
            repeated_pairs=_repeated(uncleaned),
            sources_in_train=0 if carved or name == "train" else _among(leaked, uncleaned),
            suspicious=_oddities(bitext),
            cleaning=corpus.cleaning[name],
            samples=_samples(bitext, seed),
        )
    refused = copies(corpus, config.max_equal)
    return CorpusReport(corpus.origin, config.source, config.target, splits, refused)


def _repeated(bitext: Bitext) -> int:
    with Repeats() as repeats:
        for sources, targets in bitext.chunks(CHUNK):
            repeats.add(Bitext(sources, targets))
        return int((~repeats.first()).sum())


def _among(leaked: set[str], split: Bitext) -> int:
    return sum(source in leaked for source in split.sources)


def _samples(bitext: Bitext, seed: int) -> list[tuple[str, str]]:
    places = Random(seed).sample(range(len(bitext)), min(SAMPLES, len(bitext)))
    return [(bitext.sources[place], bitext.targets[place]) for place in sorted(places)]


def _oddities(bitext: Bitext) -> dict[str, SuspiciousPairs]:
    oddities = {name: SuspiciousPairs() for name in ODD}
    for pair in bitext:
        for name, is_odd in ODD.items():
            if is_odd(*pair):
                oddities[name].add(pair)
    return {name: oddity for name, oddity in oddities.items() if oddity.pairs}


def _lopsided(source: str, target: str) -> bool:
    few, many = sorted((count_words(source), count_words(target)))
    return exceeds_ratio(few, many, ODD_RATIO)


def _wordless(source: str, target: str) -> bool:
    return not (_has_letter(source) and _has_letter(target))


def _has_letter(text: str) -> bool:
    return any(map(str.isalpha, text))


ODD: dict[str, Callable[[str, str], bool]] = {
    "both sides the same": str.__eq__,
    "one side much longer": _lopsided,
    "a side without letters": _wordless,
}
