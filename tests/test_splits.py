"""Splits made from train: by source sentence, and always the same."""

from hashlib import blake2b
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.config import DataConfig
from nmt.data.corpus.splits import carve, draw
from nmt.data.corpus.types import Bitext, Origin, RawBitext, RawCorpus
from nmt.data.read import prepare
from nmt.errors import DataError


def corpus_of(size: int, translations: int = 3) -> list[tuple[str, str]]:
    """Sources with one to `translations` translations each."""
    return [(f"s{n}", f"t{n}.{m}") for n in range(size) for m in range(1 + n % translations)]


def bitext(pairs: list[tuple[str, str]]) -> Bitext:
    return Bitext.of(iter(pairs))


def test_no_source_is_on_both_sides_and_only_translations_of_the_split_are_lost() -> None:
    train = corpus_of(500)
    carved = carve(bitext(train), 30, salt="test")
    chosen = set(carved.split.sources)
    assert len(carved.split) == len(chosen) == 30
    assert set(carved.split) <= set(train)
    assert list(carved.rest) == [pair for pair in train if pair[0] not in chosen]
    assert carved.removed == len(train) - len(carved.rest)


def test_the_lowest_digests_are_set_aside_of_sources_and_of_their_translations() -> None:
    def rank(text: str) -> bytes:
        return blake2b(text.encode(), digest_size=8, person=b"validation").digest()

    train = corpus_of(700, 5)
    sources = sorted({source for source, _ in train} - {"s3", "s4"}, key=rank)[:25]
    expected = [
        (source, min((target for other, target in train if other == source), key=rank))
        for source in sources
    ]
    carved = carve(bitext(train), 25, salt="validation", taken={"s3", "s4"})
    assert list(carved.split) == expected


@given(st.randoms(use_true_random=False))
def test_the_order_of_the_corpus_does_not_matter(random: Random) -> None:
    train = corpus_of(60)
    shuffled = train.copy()
    random.shuffle(shuffled)
    assert (
        carve(bitext(train), 6, salt="test").split == carve(bitext(shuffled), 6, salt="test").split
    )


def test_other_sentences_do_not_change_which_ones_are_set_aside() -> None:
    train = corpus_of(400)
    before = set(carve(bitext(train), 20, salt="test").split.sources)
    fewer = [pair for pair in train if pair[0] in before or int(pair[0][1:]) % 2]
    assert set(carve(bitext(fewer), 20, salt="test").split.sources) == before


def test_validation_and_test_draw_differently() -> None:
    train = bitext(corpus_of(400))
    both = [set(carve(train, 40, salt=salt).split.sources) for salt in ("validation", "test")]
    assert len(both[0] & both[1]) < 20


def test_a_small_corpus_gives_a_tenth() -> None:
    assert len(carve(bitext(corpus_of(73, 1)), 1000, salt="test").split) == 7
    assert len(carve(bitext(corpus_of(9, 1)), 1000, salt="test").split) == 0


def test_a_sample_is_random_but_seeded_and_in_order() -> None:
    train = bitext(corpus_of(300, 1))
    drawn = draw(train, 50, seed=5)
    assert drawn == draw(train, 50, seed=5)
    assert drawn != draw(train, 50, seed=6)
    places = [train.sources.index(source) for source in drawn.sources]
    assert places == sorted(set(places))
    assert max(places) > 200
    assert draw(train, 300, seed=5) == train


def whole(pairs: list[tuple[str, str]]) -> RawBitext:
    return RawBitext([source for source, _ in pairs], [target for _, target in pairs])


def test_a_missing_split_is_made_and_reported(caplog: pytest.LogCaptureFixture) -> None:
    raw = RawCorpus({"train": whole(corpus_of(200))}, Origin("my/corpus", splits={"train": "all"}))
    config = DataConfig(corpus="my/corpus", validation_size=12, test_size=99, max_pairs=70)
    made = prepare(raw, config, seed=4)
    sources = [set(made.split(name).sources) for name in ("train", "validation", "test")]
    assert [len(made.split(name)) for name in ("train", "validation", "test")] == [70, 12, 18]
    assert not sources[0] & sources[1]
    assert not sources[0] & sources[2]
    assert not sources[1] & sources[2]
    assert made.origin.splits["test"] == "18 pairs set aside from train"
    assert "18 pairs, a tenth of train, are set aside for test; data.test_size is 99" in caplog.text
    report = made.cleaning["train"]
    assert report.kept == 70 == report.read - sum(report.dropped.values())


def test_the_seed_of_a_run_changes_the_draw_and_never_the_test() -> None:
    raw = RawCorpus({"train": whole(corpus_of(200))}, Origin("my/corpus"))
    config = DataConfig(corpus="my/corpus", max_pairs=70)
    one, other = (prepare(raw, config, seed=seed) for seed in (1, 2))
    assert one.test == other.test
    assert one.validation == other.validation
    assert one.train != other.train


def test_a_made_split_never_shares_a_source_with_a_given_one() -> None:
    given_split = whole([(f"s{n}", "autre") for n in range(0, 200, 2)])
    raw = RawCorpus({"train": whole(corpus_of(200)), "test": given_split}, Origin("my/corpus"))
    config = DataConfig(corpus="my/corpus", cleaning={"drop_held_out": False})
    made = prepare(raw, config, seed=1)
    assert not set(made.validation.sources) & set(made.test.sources)


def test_too_few_pairs_to_split_are_refused() -> None:
    raw = RawCorpus({"train": whole(corpus_of(5))}, Origin("my/corpus"))
    with pytest.raises(DataError, match="9 training pairs are too few to set a validation split"):
        prepare(raw, DataConfig(corpus="my/corpus"), seed=1)
