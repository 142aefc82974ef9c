"""Lines that are too long, split into parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.data.tokenizers.learn import Piece
from nmt.decoding.cutting import cut


def letters(text: str) -> list[Piece]:
    """A piece for each character except spaces."""
    return [Piece(letter, n, n + 1) for n, letter in enumerate(text) if not letter.isspace()]


@pytest.mark.parametrize(
    ("text", "most", "parts"),
    [
        ("", 3, []),
        ("One. Two! Three?", 9, ["One.", "Two!", "Three?"]),
        ('He said "No." Then he left.', 30, ['He said "No."', "Then he left."]),
        ("一二三。四五六。七", 4, ["一二三。", "四五六。", "七"]),
        ("3.14 is pi", 30, ["3.14 is pi"]),
        ("aa bb cc dd ee", 4, ["aa bb", "cc dd", "ee"]),
        ("aaaaaaa b", 3, ["aaa", "aaa", "a b"]),
        ("aa bbbbbbb", 3, ["aa", "bbb", "bbb", "b"]),
    ],
)
def test_parts_are_sentences_or_runs_of_words(text, most, parts):
    assert cut(text, letters(text), most) == parts


def test_no_accent_is_separated_from_its_letter():
    text = "e\u0301" * 9
    for part in cut(text, letters(text), 5):
        assert not part.startswith("\u0301")


@given(st.text(st.sampled_from("ab .!é\u0301。"), max_size=60), st.integers(1, 7))
def test_nothing_is_lost_and_no_part_is_too_long(text, most):
    parts = cut(text, letters(text), most)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(part == part.strip() and part for part in parts)
    assert all(len(letters(part)) <= most for part in parts)
