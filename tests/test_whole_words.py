import json
from pathlib import Path

import numpy as np
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.config import TokenizerConfig
from nmt.data.corpus.types import Bitext
from nmt.data.tokenizers.base import BOS, EOS, PAD, UNK
from nmt.data.tokenizers.learn import Tokenizer, Tokenizers, learn
from nmt.data.tokenizers.word_level import FORMAT, RECIPE, WordTokenizer, bare, learn_words
from nmt.errors import CheckpointError

TEXT = Bitext(
    ["I love you.", "do you love me?", "our well-known dogs don't bark"],
    ["je t'aime.", "m'aimes-tu\u00a0?", "l'été, les chiens n'aboient pas"],
)
KINDS = TokenizerConfig(kind="word", vocabulary_size=200)


def tokenizer_of(*sentences: str, size: int = 10_000) -> WordTokenizer:
    return WordTokenizer(learn_words(sentences, size))


def names(tokenizer: Tokenizer, sentence: str) -> list[str]:
    return [tokenizer.names[id] for id in tokenizer.encode_with_offsets(sentence).ids]


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NMT_CACHE", str(tmp_path / "cache"))


# Text to ids and back


def test_a_piece_is_a_word_that_carries_the_space_before_it() -> None:
    tokenizer = learn(TEXT, KINDS, seed=1).source
    assert names(tokenizer, "je t'aime.") == ["▁je", "▁t'", "aime", "."]
    assert names(tokenizer, "l'été, les chiens") == ["▁l'", "été", ",", "▁les", "▁chiens"]
    assert names(tokenizer, "well-known dogs don't") == ["▁well-known", "▁dogs", "▁don't"]
    assert names(tokenizer, "m'aimes-tu\u00a0?") == ["▁m'", "aimes", "-tu", "\u00a0?"]


def test_the_place_of_a_piece_is_that_of_its_word_with_the_space_before() -> None:
    tokenizer = learn(TEXT, KINDS, seed=1).source
    sentence = "do I love you."
    places = [(piece.start, piece.end) for piece in tokenizer.encode_with_offsets(sentence).pieces]
    assert [sentence[a:b] for a, b in places] == ["do", " I", " love", " you", "."]


WORDS = st.text(alphabet="aeglétND'’-!?.,3▁😀\u0301", min_size=1, max_size=7)
GAPS = st.sampled_from([" ", " ", " ", "\u00a0", "\u202f", " \u00a0", "\u00a0 "])
TEXTS = st.builds(
    lambda first, rest: first + "".join(gap + word for gap, word in rest),
    st.one_of(WORDS, WORDS.map(lambda word: "\u00a0" + word)),
    st.lists(st.tuples(GAPS, WORDS), max_size=6),
)


@given(TEXTS)
@settings(max_examples=150)
def test_any_text_of_known_words_is_spelled_back_with_the_place_of_every_piece(text: str) -> None:
    tokenizer = tokenizer_of(text, "another one")
    encoded = tokenizer.encode_with_offsets(text)
    assert UNK not in encoded.ids
    found, placed = tokenizer.decode_with_offsets(encoded.ids)
    assert found == text
    assert placed == encoded.pieces
    ends = [piece.end for piece in placed]
    assert [piece.start for piece in placed] == [0, *ends[:-1]]
    assert ends[-1] == len(text)


def test_runs_of_spaces_and_other_line_ends_become_one_space() -> None:
    text = "  do   you\u2028love\t me? "
    tokenizer = tokenizer_of(text)
    assert (
        tokenizer.decode_with_offsets(tokenizer.encode_with_offsets(text).ids)[0]
        == "do you love me?"
    )


def test_a_word_never_seen_is_unknown_and_keeps_its_place() -> None:
    tokenizer = tokenizer_of("do you love me?")
    encoded = tokenizer.encode_with_offsets("do cats love me?")
    assert [id == UNK for id in encoded.ids] == [False, True, False, False, False]
    assert encoded.pieces[1] == ("▁cats", 2, 7)
    assert tokenizer.decode_with_offsets(encoded.ids)[0] == "do <unk> love me?"


def test_a_word_known_only_after_another_space_is_mapped_to_it() -> None:
    tokenizer = tokenizer_of("do you (love) me?")
    assert names(tokenizer, "love\u00a0? (you)") == ["love", "?", "▁(", "▁you", ")"]


def test_the_names_of_special_ids_are_no_words() -> None:
    tokenizer = tokenizer_of("<pad> <s> </s> <unk>")
    ids = tokenizer.encode_with_offsets("<pad> <s> </s> <unk>").ids
    assert not {PAD, UNK, BOS, EOS} & set(ids)
    assert tokenizer.decode_with_offsets(ids)[0] == "<pad> <s> </s> <unk>"


def test_no_words_are_no_ids() -> None:
    tokenizer = tokenizer_of("do you love me?")
    assert tokenizer.decode_with_offsets([]) == ("", [])
    for nothing in ("", "   ", "\u00a0"):
        assert tokenizer.encode_with_offsets(nothing).ids == []


def test_sentences_end_to_end_are_the_same_ids() -> None:
    tokenizer = tokenizer_of(*TEXT.sources)
    sentences = [*TEXT.sources, "", "dogs"]
    rows = tokenizer.encode(sentences)
    assert rows == [tokenizer.encode_with_offsets(sentence).ids for sentence in sentences]
    ids, lengths = tokenizer.encode_flat(sentences)
    assert ids.dtype == np.int32
    assert ids.tolist() == [i for row in rows for i in row]
    assert lengths.tolist() == [len(row) for row in rows]
    assert tokenizer.encode_flat([])[0].tolist() == []


def test_a_bare_word_has_no_space_of_any_kind() -> None:
    pieces = ("▁dogs", "dogs", "\u00a0?", "▁\u00a0?", "▁", "▁▁")
    assert [bare(name) for name in pieces] == ["dogs", "dogs", "?", "?", "▁", "▁"]


def test_words_of_other_scripts_are_pieces_with_their_marks() -> None:
    tokenizer = tokenizer_of("हिन्दी भाषा है।", "日本語 👨‍👩‍👧")
    assert names(tokenizer, "भाषा हिन्दी।") == ["▁भाषा", "▁हिन्दी", "।"]
    assert names(tokenizer, "日本") == ["▁日", "本"]
    assert (
        tokenizer.decode_with_offsets(tokenizer.encode_with_offsets("日本語 👨‍👩‍👧").ids)[0]
        == "日本語 👨‍👩‍👧"
    )


def test_a_list_of_the_first_format_still_splits_texts_as_it_was_learned() -> None:
    words = ["<pad>", "<unk>", "<s>", "</s>", "▁हि", "▁ह", "ि", "न", "▁日本語", "▁t'", "aime"]
    old = WordTokenizer(json.dumps({"format": "nmt.words/1", "words": words}).encode())
    assert names(old, "हिन t'aime 日本語") == ["▁ह", "ि", "न", "▁t'", "aime", "▁日本語"]
    new = WordTokenizer(json.dumps({"format": FORMAT, "words": words}).encode())
    assert names(new, "हि t'aime 日本語") == ["▁हि", "▁t'", "aime", *["<unk>"] * 3]


def test_a_word_is_known_whatever_invisible_letters_stand_in_it() -> None:
    tokenizer = tokenizer_of("we cooperate (now)")
    wanted = ["▁we", "▁cooperate", "▁(", "now", ")"]
    assert names(tokenizer, "we co\u00adoperate\u200b \u2067(now\u2069)") == wanted
    assert [bare("▁\u200bco\u00adop"), bare("\u3164x"), bare("▁\u200d")] == ["coop", "x", "\u200d"]


# Learning


def test_the_most_frequent_words_are_kept_and_ties_go_by_the_alphabet() -> None:
    tokenizer = tokenizer_of("b a a c", "c d a e", size=8)
    assert tokenizer.names == ["<pad>", "<unk>", "<s>", "</s>", "▁a", "▁c", "▁b", "▁d"]


def test_both_sides_share_their_words_or_have_their_own(
    own_cache: None, caplog: pytest.LogCaptureFixture
) -> None:
    joint = learn(TEXT, KINDS, seed=1)
    assert joint.joint
    assert {"▁love", "aime"} <= set(joint.source.names)
    [record] = caplog.records
    assert record.getMessage() == (
        f"the joint vocabulary has {len(joint.source)} pieces, not 200: "
        "the text does not support more"
    )
    apart = learn(TEXT, TokenizerConfig(kind="word", vocabulary_size=16, joint=False), seed=1)
    assert "▁love" in apart.source.names
    assert "aime" not in apart.source.names
    assert len(apart.source) == len(apart.target) == 16


def test_words_cut_by_another_rule_or_another_unicode_are_learned_again(
    own_cache: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(TEXT, KINDS, seed=1)
    assert FORMAT in RECIPE
    assert regex.__version__ in RECIPE
    monkeypatch.setattr("nmt.data.tokenizers.learn.RECIPE", "another rule")
    monkeypatch.setattr("nmt.data.tokenizers.learn.learn_words", lambda *_: learn_words(["new"], 9))
    assert "▁new" in learn(TEXT, KINDS, seed=1).source.names


def test_words_learned_before_are_not_learned_again(
    own_cache: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = learn(TEXT, KINDS, seed=1)

    def never(*_: object) -> bytes:
        raise AssertionError("it counts again")

    monkeypatch.setattr("nmt.data.tokenizers.learn.learn_words", never)
    assert learn(TEXT, KINDS, seed=1).fingerprint == first.fingerprint
    with pytest.raises(AssertionError, match="it counts again"):
        learn(TEXT, TokenizerConfig(kind="word", vocabulary_size=201), seed=1)


# Files


@pytest.mark.parametrize("joint", [True, False])
def test_saved_words_come_back_each_on_its_side(
    tmp_path: Path, own_cache: None, joint: bool
) -> None:
    config = TokenizerConfig(kind="word", vocabulary_size=20, joint=joint)
    learned = learn(TEXT, config, seed=1)
    learned.save(tmp_path / "tokenizer")
    found = Tokenizers.load(tmp_path / "tokenizer")
    assert found.joint == joint
    assert found.source.names == learned.source.names
    assert found.target.names == learned.target.names
    name = "joint" if joint else "target"
    lines = (tmp_path / "tokenizer" / f"{name}.vocab").read_text("utf-8").split("\n")
    assert lines[:5] == ["0\t<pad>", "1\t<unk>", "2\t<s>", "3\t</s>", f"4\t{found.target.names[4]}"]


def test_a_missing_side_is_named(tmp_path: Path, own_cache: None) -> None:
    learn(TEXT, TokenizerConfig(kind="word", joint=False), seed=1).save(tmp_path)
    (tmp_path / "target.json").unlink()
    with pytest.raises(
        CheckpointError, match=r"target\.json is missing: the run folder is incomplete"
    ):
        Tokenizers.load(tmp_path)


def cut(text: str) -> str:
    return text[: len(text) // 2]


def of_another_format(text: str) -> str:
    return text.replace(FORMAT, "nmt.words/9")


def without_special_words(text: str) -> str:
    return json.dumps({**json.loads(text), "words": ["a", "b"]})


@pytest.mark.parametrize("broken", [cut, of_another_format, without_special_words])
def test_what_is_no_list_of_words_is_refused(tmp_path: Path, own_cache: None, broken) -> None:
    learn(TEXT, KINDS, seed=1).save(tmp_path)
    path = tmp_path / "joint.json"
    path.write_text(broken(path.read_text("utf-8")), encoding="utf-8")
    with pytest.raises(CheckpointError) as caught:
        Tokenizers.load(tmp_path)
    assert str(caught.value) == f"{path} is not a list of words, or was cut short"
