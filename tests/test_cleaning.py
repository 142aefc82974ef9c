"""What cleaning changes and removes, and that it counts both."""

import re
from collections import Counter
from unicodedata import is_normalized, normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.config import CleaningConfig, DataConfig
from nmt.data.corpus.cleaning import filter_pairs, normalized, tidy
from nmt.data.corpus.types import Bitext, Origin, RawBitext, RawCorpus
from nmt.data.read import prepare
from nmt.data.report import Lengths
from nmt.data.words import is_blank
from nmt.errors import DataError


def pairs(*wanted: tuple[str, str]) -> Bitext:
    return Bitext.of(iter(wanted))


@pytest.mark.parametrize(
    ("raw", "clean", "counted"),
    [
        ("as it is", "as it is", {}),
        ("  edges\t", "edges", {"tab to space": 1, "outer space removed": 1}),
        ("one \r\n two", "one two", {"line separator to space": 1}),
        ("a\u2028b\u2029c\x85d\x0be", "a b c d e", {"line separator to space": 1}),
        ("a\tb", "a b", {"tab to space": 1}),
        ("nu\x00l\x1b\ufeff\x9f", "nul", {"control character removed": 1}),
        ("cafe\u0301", "café", {"composed to Unicode NFC": 1}),
        ("half \ud83d pair", "half \ufffd pair", {"half a surrogate pair to U+FFFD": 1}),
        ("l’été «\u00a0à\u202f»", "l’été «\u00a0à\u202f»", {}),
        ("two  spaces inside", "two  spaces inside", {}),
        ("\U0001f600 \u200dé", "\U0001f600 \u200dé", {}),
        ("a \n \n  b", "a  b", {"line separator to space": 1}),
        ("\u200bmot\u00a0\u2060", "mot", {"outer space removed": 1}),
        ("می\u200cخواهم co\u00adop", "می\u200cخواهم co\u00adop", {}),
        ("\u2067שלום\u2069", "\u2067שלום\u2069", {}),
        ("ക\u0d4d\u200d", "ക\u0d4d\u200d", {}),
        (" \u00a0\u3000", "", {"outer space removed": 1}),
        ("\u200b\u200e\u00ad", "", {"outer space removed": 1}),
        ("\u3164\u2800", "", {"outer space removed": 1}),
        ("\ufeff\x00", "", {"control character removed": 1}),
    ],
)
def test_normalising_is_exact_and_counted(raw: str, clean: str, counted: dict[str, int]) -> None:
    counts: Counter[str] = Counter()
    assert normalized(raw, counts) == clean
    assert {name: count for name, count in counts.items() if count} == counted


@given(st.text(st.characters(codec=None)))
def test_normalised_text_is_one_line_and_stays_as_it_is(text: str) -> None:
    once = normalized(text, Counter())
    counts: Counter[str] = Counter()
    assert normalized(once, counts) == once
    assert not any(counts.values())
    assert is_normalized("NFC", once)
    assert len(once.splitlines()) <= 1
    assert once == once.strip()
    assert bool(once) != is_blank(text)
    assert "\x00" not in once
    once.encode()  # no half surrogates


MARKS = "\u0301\u0316\u0327\u05b0\u0344\u0f73\u0f71\u3099\u1acf"


@given(st.text(MARKS + "aeé日か\u1100\u1161 ", min_size=900, max_size=1300))
@settings(max_examples=10)
def test_long_sequences_of_marks_are_composed_as_unicode_says(text: str) -> None:
    row = "a" + text + text[::-1] + "é"
    assert normalized(row, Counter()) == normalize("NFC", row).strip()


def test_long_sequences_of_marks_and_spaces_are_normalised_in_linear_time() -> None:
    """At this length, an insertion sort of marks and a search for each space would take an hour."""
    row = normalized("a" + "\u0301\u0316" * 400_000, Counter())
    assert row == "á" + "\u0316" * 400_000 + "\u0301" * 399_999
    spaces = "a" + " " * 1_000_000 + "b"
    assert normalized(f"\n{spaces}\t", Counter()) == spaces


@pytest.mark.parametrize(
    "blank", ["\u200b", "\ufeff", "\u00a0", "\u3164", "\u00ad", "\u200f\u2066"]
)
def test_a_side_that_looks_empty_is_empty(blank: str) -> None:
    kept, report = tidy(RawBitext(["a", blank, "b"], [f"{blank} ", "x", f"{blank}y"]))
    assert len(kept) == 1
    assert report.dropped == {"empty side": 2}


def test_sentences_without_spaces_are_as_long_as_their_letters_say() -> None:
    thai, chinese = "ฉันไม่รู้ว่าเขาจะมาที่นี่วันนี้หรือไม่", "我不知道他今天会不会来这里看我们。"
    english = "I do not know whether he will come here to see us today."
    config = CleaningConfig()
    kept, dropped = filter_pairs(pairs((english, chinese), (english, thai)), config)
    assert (len(kept), dropped) == (2, {})
    short = config.model_copy(update={"max_words": 14})
    assert filter_pairs(pairs((english, chinese), ("one", thai)), short)[1] == {"too many words": 2}
    assert filter_pairs(pairs(("Yes.", chinese)), config)[1] == {"length ratio": 1}
    assert Lengths.of([chinese, "hello"]).max == 16


def test_empty_sides_are_left_out_of_every_split_and_counted() -> None:
    raw = RawBitext(["a", "", None, " \n", "b"], ["x", "y", "z", "w", "\u2028"])
    kept, report = tidy(raw)
    assert list(kept) == [("a", "x")]
    assert (report.read, report.kept, report.dropped) == (5, 1, {"empty side": 4})


def test_each_reason_removes_the_pairs_it_describes() -> None:
    train = pairs(
        ("good morning", "bonjour"),
        ("a b c d e f", "x"),  # six words: over five
        ("w" * 41, "x"),
        ("one", "1 2 3 4 5 6 7 8 9"),
        ("good morning", "bonjour"),
        ("held", "out"),
        ("good morning", "salut"),
    )
    config = CleaningConfig(max_words=9, max_characters=40, max_ratio=1.1)
    kept, dropped = filter_pairs(train, config, held_out={"held"})
    assert list(kept) == [
        ("good morning", "bonjour"), ("a b c d e f", "x"), ("good morning", "salut"),
    ]  # fmt: skip
    assert dropped == {
        "too many characters": 1, "length ratio": 1, "duplicate": 1,
        "source in validation or test": 1,
    }  # fmt: skip
    _, dropped = filter_pairs(train, config.model_copy(update={"max_words": 5}))
    assert dropped["too many words"] == 2


def test_what_is_switched_off_is_kept() -> None:
    train = pairs(("a", "b"), ("a", "b"), ("held", "out"))
    config = CleaningConfig(drop_duplicates=False, drop_held_out=False)
    assert list(filter_pairs(train, config, held_out={"held"})[0]) == list(train)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("xyz")), max_size=30))
def test_the_report_adds_up_and_duplicates_keep_their_first(train: list[tuple[str, str]]) -> None:
    kept, dropped = filter_pairs(pairs(*train), CleaningConfig(), held_out={"f"})
    assert len(kept) + sum(dropped.values()) == len(train)
    assert list(kept) == list(dict.fromkeys(pair for pair in train if pair[0] != "f"))


def test_an_emptied_corpus_reports_the_counts_and_the_key() -> None:
    raw = RawCorpus({"train": RawBitext(["a b c", ""], ["d e f", "x"])}, Origin("my/corpus"))
    config = DataConfig(corpus="my/corpus", cleaning={"max_words": 2})
    expected = (
        "my/corpus: no training pair is left of 2 (empty side: 1, too many words: 1); "
        "change data.cleaning.max_words"
    )
    with pytest.raises(DataError, match=f"^{re.escape(expected)}$"):
        prepare(raw, config, seed=1)


def test_an_empty_corpus_and_an_empty_split_are_reported() -> None:
    nothing = RawCorpus({"train": RawBitext()}, Origin("my/corpus"))
    with pytest.raises(DataError, match="no training pair is left of 0; is it the right file"):
        prepare(nothing, DataConfig(corpus="my/corpus"), seed=1)
    some = RawBitext(["a"], ["b"])
    no_test = RawCorpus({"train": some, "validation": some, "test": RawBitext()}, Origin("my/c"))
    config = DataConfig(corpus="my/corpus", cleaning={"drop_held_out": False})
    with pytest.raises(DataError, match="its test split is empty"):
        prepare(no_test, config, seed=1)


def test_validation_and_test_are_normalised_but_not_filtered() -> None:
    long = "word " * 300
    split = RawBitext([long, "twice", "twice", ""], ["mot\t", "deux", "deux", "x"])
    train = RawBitext(["a", "twice"], ["b", "double"])
    raw = RawCorpus({"train": train, "validation": split, "test": split}, Origin("my/corpus"))
    corpus = prepare(raw, DataConfig(corpus="my/corpus"), seed=1)
    assert list(corpus.test) == [(long.strip(), "mot"), ("twice", "deux"), ("twice", "deux")]
    assert list(corpus.train) == [("a", "b")]
    assert corpus.cleaning["test"].dropped == {"empty side": 1}
    assert corpus.cleaning["test"].normalized == {"tab to space": 1, "outer space removed": 2}
    assert corpus.cleaning["train"].dropped == {"source in validation or test": 1}
