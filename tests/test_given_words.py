"""The words of pretokenised text: tokens between spaces, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.data.tokenizers.base import EOS_PIECE
from nmt.data.words import Word, is_blank
from nmt.evaluation.words import side
from nmt.workflows.inference.teacher_forcing import plain, tokenised


def cut(line: str) -> list[str]:
    return [word.text for word in tokenised(line).words]


@pytest.mark.parametrize(
    ("line", "tokens"),
    [
        ("Il vend 10\u202f000 voitures .", ["Il", "vend", "10\u202f000", "voitures", "."]),
        ("\u00a0a\u00a0 b\u2009c", ["\u00a0a\u00a0", "b\u2009c"]),
        ("a \u00a0 b", ["a", "\u00a0", "b"]),
        ("a \u200b b", ["a", "\u200b", "b"]),
        ("a \ufeff b\x00", ["a", "", "b"]),
        ("日本\u3000語 \u2028x", ["日本\u3000語", " x"]),
        ("  tab\tand  spaces \r\n", ["tab", "and", "spaces"]),
        ("cafe\u0301 !", ["café", "!"]),
        ("\u200b \u00a0", []),
        ("\u3164\n", []),
        ("", []),
    ],
)
def test_spaces_and_tabs_alone_separate_tokens(line: str, tokens: list[str]) -> None:
    assert cut(line) == tokens


@given(st.lists(st.text(st.characters(exclude_characters=" \t\r\n"), min_size=1), max_size=8))
def test_every_token_keeps_its_number_and_its_place(tokens: list[str]) -> None:
    marked = tokenised(" ".join(tokens) + "\n")
    assert len(marked.words) == (0 if is_blank("".join(tokens)) else len(tokens))
    assert all(marked.text[word.start : word.end] == word.text for word in marked.words)
    assert all(a.end < b.start for a, b in zip(marked.words, marked.words[1:], strict=False))


@given(st.text(st.sampled_from(" \t\u00a0\u200b\u200e\ufeff\u3164\u00ad\u2028\x1fa.é"), max_size=6))
def test_a_line_is_blank_to_all_or_to_none(line: str) -> None:
    empties = {not tokenised(line).words, not plain(line).words, not plain(line).text}
    assert empties == {is_blank(line)}


def test_a_token_of_a_no_break_space_has_its_own_pieces() -> None:
    pieces = [
        Word("▁a", 0, 1),
        Word("▁", 1, 2),
        Word("\u00a0", 2, 3),
        Word("▁b", 3, 5),
        Word(EOS_PIECE, 5, 5),
    ]
    given = side("a \u00a0 b", pieces, words=tokenised("a \u00a0 b").words)
    assert given.words == ["a", "\u00a0", "b", EOS_PIECE]
    assert given.shares.argmax(axis=0).tolist() == [0, 1, 1, 2, 3]


def test_pieces_of_invisible_characters_belong_to_the_next_word() -> None:
    sentence = "a \u200b\u2067b\u2069 c\u200b"
    pieces = [Word(letter, place, place + 1) for place, letter in enumerate(sentence)]
    seen = side(sentence, pieces)
    assert seen.words == ["a", "b", "c"]
    assert seen.shares.argmax(axis=0).tolist() == [0, 1, 1, 1, 1, 2, 2, 2, 2]
    assert side("\u200b", pieces[2:3]).words == ["\u200b"]


def test_no_piece_belongs_to_an_empty_word() -> None:
    marked = tokenised("a \ufeff b \ufeff")
    pieces = [Word("▁a", 0, 1), Word("▁▁b", 1, 4), Word(EOS_PIECE, 5, 5)]
    assert side(marked.text, pieces, words=marked.words).shares.argmax(axis=0).tolist() == [0, 2, 4]
    whole = side(marked.text, [Word("▁a▁▁b", 0, 4)], words=marked.words)
    assert whole.shares[:, 0].tolist() == [0.5, 0, 0.5, 0]
    assert side(" ", [Word("▁", 0, 1)], words=[Word("", 0, 0), Word("", 1, 1)]).shares[0, 0] == 1
