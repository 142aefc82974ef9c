"""Cutting text into words: one rule for every language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.data.words import split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I love you.", ["I", "love", "you", "."]),
        ("je t'aime", ["je", "t'", "aime"]),
        ("Je t’aime\u00a0!", ["Je", "t’", "aime", "!"]),
        ("J'habite\u202f?", ["J'", "habite", "?"]),
        ("l'homme qu'il n'a pas vu", ["l'", "homme", "qu'", "il", "n'", "a", "pas", "vu"]),
        ("S'il arrive jusqu'ici", ["S'", "il", "arrive", "jusqu'", "ici"]),
        ("lorsqu'elle, puisqu'on", ["lorsqu'", "elle", ",", "puisqu'", "on"]),
        ("QU'EST-CE QUE C'EST ?", ["QU'", "EST-CE", "QUE", "C'", "EST", "?"]),
        ("aujourd'hui quelqu'un", ["aujourd'hui", "quelqu'un"]),
        ("I don't, I'm; it's O'Brien's", ["I", "don't", ",", "I'm", ";", "it's", "O'Brien's"]),
        ("the dogs' bones", ["the", "dogs", "'", "bones"]),
        ("'hi' she said", ["'", "hi", "'", "she", "said"]),
        ("peut-être un week-end", ["peut-être", "un", "week-end"]),
        ("a well-known rendez-vous", ["a", "well-known", "rendez-vous"]),
        ("a carry-on bag", ["a", "carry-on", "bag"]),
        ("donne-moi le livre", ["donne", "-moi", "le", "livre"]),
        ("donne-le-moi, allons-y", ["donne", "-le", "-moi", ",", "allons", "-y"]),
        ("a-t-il parlé, vas-tu", ["a", "-t-il", "parlé", ",", "vas", "-tu"]),
        ("va-t'en, donne-m'en", ["va", "-t'", "en", ",", "donne", "-m'", "en"]),
        ("est-ce grand-mère", ["est-ce", "grand-mère"]),
        ("3.5 1,000, 10:30.", ["3.5", "1,000", ",", "10:30", "."]),
        ("Wait... (really?!)", ["Wait", "...", "(", "really", "?", "!", ")"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
        ("", []),
        (" \u00a0\n", []),
    ],
)
def test_a_text_is_cut_into_these_words(text: str, words: list[str]) -> None:
    assert [word.text for word in split_words(text)] == words


@given(st.text(alphabet="abét'’-.,!?1 \u00a0lequmoit\n"))
def test_words_are_the_text_without_its_spaces(text: str) -> None:
    words = split_words(text)
    assert all(text[word.start : word.end] == word.text for word in words)
    assert "".join(word.text for word in words) == "".join(text.split())
    assert all(left.end <= right.start for left, right in zip(words, words[1:], strict=False))
