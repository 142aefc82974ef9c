"""Splitting text into words: one rule for every language."""

import re
from itertools import pairwise
from unicodedata import category

import pytest
import regex
from hypothesis import assume, example, given
from hypothesis import strategies as st

from nmt.data import words as rule
from nmt.data.words import (
    clusters,
    count_words,
    is_blank,
    split_words,
    split_words_as_before,
    without_invisible,
)

BLANK = " \u00a0\u202f\u3000\t\n\u2028\u2800\u3164\uffa0"
INVISIBLE = (
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a\u202e\u202c\u2060\u2066\u2069\ufeff\x00\x1b\x7f"
)
JOINING = "\u200c\u200d\ufe0f\ufe0e"


def cut(text: str) -> list[str]:
    return [word.text for word in split_words(text)]


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
def test_a_text_is_split_into_these_words(text: str, words: list[str]) -> None:
    assert cut(text) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("हिन्दी भाषा है।", ["हिन्दी", "भाषा", "है", "।"]),
        ("বাংলা ভাষা", ["বাংলা", "ভাষা"]),
        ("தமிழ் மொழி", ["தமிழ்", "மொழி"]),
        ("العَرَبِيَّةُ لُغَةٌ،", ["العَرَبِيَّةُ", "لُغَةٌ", "،"]),
        ("שָׁלוֹם עוֹלָם", ["שָׁלוֹם", "עוֹלָם"]),
        ('צה"ל "שלום"', ['צה"ל', '"', "שלום", '"']),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("क्\u200dष र्\u200dय", ["क्\u200dष", "र्\u200dय"]),
        ("भाषा-विज्ञान १,०००.५", ["भाषा-विज्ञान", "१,०००.५"]),
        ("Ελληνικά, это русский", ["Ελληνικά", ",", "это", "русский"]),
        ("한국어 한글", ["한국어", "한글"]),
        ("日本語テスト コンピューター。", ["日", "本", "語", "テスト", "コンピューター", "。"]),
        ("iPhone手机", ["iPhone", "手", "机"]),
        ("กำลัง น้ำ", ["กำ", "ลั", "ง", "น้ำ"]),
        ("ខ្មែរ မြန်မာ", ["ខ្មែ", "រ", "မြ", "န်", "မာ"]),
        ("col·lecció · m² 1½", ["col·lecció", "·", "m²", "1½"]),
        ("Hi👋🏽!👨‍👩‍👧🇫🇷🇩🇪", ["Hi", "👋🏽", "!", "👨‍👩‍👧", "🇫🇷", "🇩🇪"]),
        ("❤️ 1️⃣2️⃣ #️⃣ ℹ️Info", ["❤️", "1️⃣", "2️⃣", "#️⃣", "ℹ️", "Info"]),
        ("🏴\U000e0067\U000e0062\U000e007f.", ["🏴\U000e0067\U000e0062\U000e007f", "."]),
        ("!\u0301a \u0301", ["!\u0301", "a", "\u0301"]),
        ("a_b __ ア_イ", ["a_b", "__", "ア_イ"]),
        ("x\u3164y\u2800z", ["x", "y", "z"]),
        ("co\u00adop\u2060era\u200btive", ["co\u00adop\u2060era\u200btive"]),
        ("\u2067שלום\u2069, \ufeffhi\u202c", ["שלום", ",", "hi"]),
        ("t\u200b'aime, donne\u200e-moi", ["t\u200b'", "aime", ",", "donne", "-moi"]),
        ("a \u200d b \u200b\ufe0f", ["a", "b"]),
    ],
)
def test_other_scripts_and_invisible_characters_are_split_as_a_reader_would(
    text: str, words: list[str]
) -> None:
    assert cut(text) == words


ANY_TEXT = st.text(
    st.one_of(
        st.characters(codec=None),
        st.sampled_from(BLANK + INVISIBLE + JOINING),
        st.sampled_from("abét1_'’-.,:\"·\u0301\u093f\u094d\u102c\u17d2\u0b82"),
        st.sampled_from("कষعשגทាမ日あアー한🇫👋🏽👨❤1\u20e3"),
    ),
    max_size=25,
)


@given(ANY_TEXT)
@example("\u200d👨")
@example("ab\u102c\u0301\u200bc")
def test_words_of_any_text_are_in_order_and_cover_all_visible_characters(text: str) -> None:
    words = split_words(text)
    assert all(text[word.start : word.end] == word.text for word in words)
    assert all(left.end <= right.start for left, right in pairwise(words))
    assert not any(is_blank(word.text) for word in words)
    ends = [0, *(place for word in words for place in word[1:]), len(text)]
    assert all(is_blank(text[start:end]) for start, end in zip(ends[::2], ends[1::2], strict=True))
    assert is_blank(text) == (not words)


@given(ANY_TEXT)
def test_no_word_begins_with_a_combining_mark(text: str) -> None:
    for word in split_words(text):
        if category(word.text[0]) in ("Mn", "Mc", "Me") and word.text[0] not in JOINING:
            before = without_invisible(text[: word.start]).rstrip(JOINING)
            assert not before or before[-1] in rule.GAP or is_blank(before[-1])


@given(ANY_TEXT, st.lists(st.tuples(st.integers(0, 25), st.sampled_from(INVISIBLE)), max_size=4))
def test_invisible_letters_make_no_difference(text: str, added: list[tuple[int, str]]) -> None:
    more = text
    for place, letter in added:
        more = more[:place] + letter + more[place:]
    plain = without_invisible(text)
    assert [without_invisible(word) for word in cut(more)] == cut(plain)
    assert is_blank(more) == is_blank(text)


@given(st.text(st.characters(max_codepoint=0x2300), max_size=40))
def test_the_quick_rule_for_european_letters_is_the_rule_for_all(text: str) -> None:
    assume(rule._PLAIN.search(text) is None)
    assert split_words(text) == rule._cut(text, rule._ANY) == split_words_as_before(text)


def test_both_rules_sort_every_single_european_letter_alike() -> None:
    for letter in map(chr, range(0x2300)):
        if rule._PLAIN.search(letter) is None:
            for text in (f"a{letter}b", f"1{letter}1", f"a {letter} b", f"{letter}{letter}"):
                assert rule._cut(text, rule._ANY) == split_words_as_before(text), ascii(text)


PARTS = [
    "क", "कि", "क्", "ष", "ا", "عَّ", "שָׁ", "ע", "р", "α", "ß", "é", "한", "日", "あ", "ア", "ー", "カ",
    "1", "_", " ", "。", "ก", "မာ", "🇫🇷", "👋🏽", "👨\u200d👩", "❤\ufe0f",
]  # fmt: skip


@given(st.lists(st.sampled_from(PARTS), max_size=15).map("".join))
def test_without_rules_of_our_own_words_are_those_of_unicode(text: str) -> None:
    parts = regex.split(r"(?w)\b", text, flags=regex.V1)
    assert cut(text) == [part for part in parts if part and part.strip()]


CLITICS = ["-t-il", "-t-elles", "-le", "-les", "-leur", "-moi", "-en", "-y", "-t'", "-l’", "en",
           "y", "-on", "-t", "-", "'", "donne", "va", "x", "-là", "-ILS"]  # fmt: skip


def longest_tail(word: str) -> list[str]:
    """By trying every position where clitics may begin, from the first."""
    hanging = "je|tu|ils?|elles?|on|nous|vous|moi|toi|les?|la|lui|leur|y|en"
    one = rf"-t-(?:ils?|elles?|on)|-(?:{hanging})|-[mtl]['’](?=(?:en|y)$)|(?<=['’])(?:en|y)"
    for start in range(1, len(word)):
        if re.compile(rf"(?:{one})+$", re.IGNORECASE).match(word, start):
            cuts = [match.start() for match in re.compile(one, re.IGNORECASE).finditer(word, start)]
            return [word[a:b] for a, b in pairwise([0, *cuts, len(word)])]
    return [word]


@given(st.lists(st.sampled_from(CLITICS), max_size=7).map("".join))
@example("-t-il-en-y")
@example("-l'en-y")
def test_clitics_are_those_of_the_longest_tail(tail: str) -> None:
    word = "b" + tail
    whole = rule._EUROPEAN.match(word)
    assert whole is not None
    found = [text for text, _, _ in rule._without_clitics(whole.group(), 0)]
    expected = longest_tail(whole.group()) if "-" in whole.group()[1:] else [whole.group()]
    assert found == expected


class Counted:
    """A pattern that counts how many characters it has to search."""

    def __init__(self, pattern: "re.Pattern[str]") -> None:
        self.pattern, self.letters = pattern, 0

    def search(self, text: str) -> "re.Match[str] | None":
        self.letters += len(text)
        return self.pattern.search(text)


@pytest.mark.parametrize("end", ["", "x"])
def test_clitics_are_found_in_linear_time(end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(rule._HANGING)
    monkeypatch.setattr(rule, "_HANGING", counted)
    length = 30_000
    words = split_words("a" + "-en" * (length // 3) + end)
    assert len(words) == (1 if end else 1 + length // 3)
    assert counted.letters < 4 * length


def test_a_long_line_of_any_one_kind_is_cut_and_counted() -> None:
    """Each of these took, or would take, minutes in quadratic time."""
    kinds = [
        "-en", "a-'", "_", "_ア", "1.", "é\u0301", "🇫", "👨\u200d", "\u200b", "a\u200b", "-t-m'",
        " ", "1\ufe0f\u20e3", "क्", "ក្", "日", 'א"', "a·", "c'é", "\u115f", "\ud800", ".",
    ]  # fmt: skip
    for kind in kinds:
        text = kind * (8_000 // len(kind)) + "x"
        words = split_words(text)
        assert words[-1].end == len(text)
        assert count_words(text) >= 1
        assert "".join(clusters(text)) == text


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("Je t'aime\u00a0!", 3),
        ("a well-known — dash", 4),
        ("हिन्दी भाषा है।", 3),
        ("我爱你。", 3),
        ("我的 iPhone 很好", 5),
        ("日本語テスト", 4),
        ("ฉันรัก", 4),
        ("…。 !", 2),
    ],
)
def test_the_length_of_a_text_in_words_needs_no_spaces(text: str, count: int) -> None:
    assert count_words(text) == count


@given(st.text(st.characters(max_codepoint=0xDFF)))
def test_words_of_scripts_with_spaces_are_counted_by_them(text: str) -> None:
    assert count_words(text) == len(text.split())


@pytest.mark.parametrize(
    "text",
    ["", " ", *BLANK, *INVISIBLE, "\u200d", "\ufe0f", "\u115f\u1160", "\u034f", "\U000e0041"],
)
def test_invisible_text_is_blank(text: str) -> None:
    assert is_blank(text)
    assert is_blank(f" {text}\u200b")
    assert split_words(text) == []
    assert not is_blank(text + ".")


@given(ANY_TEXT)
def test_clusters_are_the_text_and_never_begin_with_a_mark(text: str) -> None:
    found = clusters(text)
    assert "".join(found) == text
    for before, after in pairwise(found):
        if category(before[-1])[0] not in "CZ":
            assert category(after[0]) not in ("Mn", "Me")
