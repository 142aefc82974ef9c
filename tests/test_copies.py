"""A corpus whose two sides are the same text is refused before training."""

from collections.abc import Sequence

import pytest

from nmt.config import DataConfig
from nmt.data import read
from nmt.data.corpus.types import Bitext, Corpus, Origin, RawBitext, RawCorpus
from nmt.data.read import copies
from nmt.data.report import corpus_report
from nmt.errors import DataError

Pairs = Sequence[tuple[str, str]]


def pairs(equal: int, other: int) -> list[tuple[str, str]]:
    return [(f"same {n}", f"same {n}") for n in range(equal)] + [
        (f"word {n}", f"mot {n}") for n in range(other)
    ]


GOOD = pairs(0, 9)


def told(train: Pairs, validation: Pairs = GOOD, test: Pairs = GOOD) -> list[str]:
    sides = [Bitext.of(iter(split)) for split in (train, validation, test)]
    return copies(Corpus(*sides, Origin("files")), 0.5)


@pytest.mark.parametrize(("equal", "other"), [(11, 10), (6, 5), (3, 0), (2000, 1), (600, 500)])
def test_a_corpus_with_mostly_equal_sides_is_reported(equal: int, other: int) -> None:
    (message,) = told(pairs(equal, other))
    assert f"the same in {equal:,} of {equal + other:,} pairs of train" in message
    assert "data.max_equal: 1" in message


@pytest.mark.parametrize(("equal", "other"), [(10, 10), (2, 0), (5, 4), (400, 500), (0, 30)])
def test_a_few_names_or_half_of_the_pairs_are_not_reported(equal: int, other: int) -> None:
    assert told(pairs(equal, other)) == []


def test_numbers_are_the_same_in_every_language() -> None:
    numbers = [(f"{n} + 1", f"{n} + 1") for n in range(500)]
    assert told(numbers + pairs(0, 20)) == []
    assert told(numbers) == []


@pytest.mark.parametrize("place", [1, 2])
def test_equal_sides_of_validation_or_test_alone_are_reported(place: int) -> None:
    splits = [pairs(0, 30), pairs(0, 30), pairs(0, 30)]
    splits[place] = pairs(20, 3)
    (message,) = told(*splits)
    assert f"20 of 23 pairs of {('train', 'validation', 'test')[place]}" in message


def test_a_long_corpus_is_sampled_throughout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "LOOKED_AT", 10)
    monkeypatch.setattr(read, "MOST_LOOKED_AT", 100)
    assert told([*pairs(0, 400), *pairs(900, 0)])
    assert not told([*pairs(500, 0), *pairs(0, 900)])


def test_training_refuses_what_data_check_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    sources: list[str | None] = [f"one text {n}" for n in range(80)]
    raw = RawCorpus({"train": RawBitext(sources, sources)}, Origin("my/corpus"))
    monkeypatch.setattr(read, "read_raw", lambda config: raw)
    config = DataConfig(corpus="my/corpus")
    with pytest.raises(DataError, match="my/corpus: both sides are the same in 65 of 65 pairs"):
        read.read_corpus(config, seed=1)
    allowed = config.model_copy(update={"max_equal": 1.0})
    assert len(read.read_corpus(allowed, seed=1).train) == 65
    found = corpus_report(raw, config, seed=1)
    assert "both sides are the same in 65 of 65" in found.refused[0]
    assert corpus_report(raw, allowed, seed=1).refused == []
