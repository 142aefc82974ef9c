import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Literal

import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.config import TokenizerConfig
from nmt.data.corpus.types import Bitext
from nmt.data.tokenizers.base import BOS, EOS, PAD, UNK
from nmt.data.tokenizers.learn import Tokenizer, Tokenizers, learn
from nmt.data.tokenizers.subwords import learn_subwords
from nmt.data.tokenizers.word_level import SPECIAL, WordTokenizer, learn_words
from nmt.errors import CheckpointError, ConfigError

Kind = Literal["bpe", "unigram"]
TEXT = Bitext(
    [
        "i love you",
        "you love me and i love you",
        "the old garden of the house",
        "we see the garden of the old house",
        "in summer, are you ready?",
    ],
    [
        "je t'aime",
        "tu m'aimes et je t'aime",
        "le vieux jardin de la maison",
        "on voit le jardin de la vieille maison",
        "l'été, es-tu prêt ?",
    ],
)
SMALL = TokenizerConfig(vocabulary_size=320)
SENTENCES = [
    "i love you",
    "l'été, es-tu prêt\u00a0?",
    "ça alors\u202f! « où »",
    "😀 you 👩‍🌾",
    "日本語 love",
    "e\u0301te\u0301",
    "<pad> <s> </s> <unk> <0x41>",
]


@pytest.fixture(scope="module")
def tokenizers() -> Tokenizers:
    return learn(TEXT, SMALL, seed=1)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NMT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def spelled_back(tokenizer: Tokenizer, sentence: str) -> str:
    return tokenizer.decode_with_offsets(tokenizer.encode_with_offsets(sentence).ids)[0]


# Text to ids and back


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_sentence_is_spelled_back(tokenizers: Tokenizers, sentence: str) -> None:
    [ids] = tokenizers.source.encode([sentence])
    assert tokenizers.source.encode_with_offsets(sentence).ids == ids
    assert not {PAD, UNK, BOS, EOS} & set(ids)
    assert tokenizers.source.decode_with_offsets(ids)[0] == sentence
    assert tokenizers.source.processor.decode(ids) == sentence


WORDS = st.text(alphabet="aeglovyétê'’œ!?😀日\u00a0", min_size=1, max_size=7)
TEXTS = st.lists(WORDS, max_size=6).map(" ".join)


@given(TEXTS)
@settings(max_examples=60)
def test_any_text_is_spelled_back_with_the_place_of_every_piece(
    tokenizers: Tokenizers, sentence: str
) -> None:
    tokenizer = tokenizers.source
    encoded = tokenizer.encode_with_offsets(sentence)
    text, pieces = tokenizer.decode_with_offsets(encoded.ids)
    assert text == sentence
    for found in (encoded.pieces, pieces):
        assert [p.text for p in found] == tokenizer.processor.id_to_piece(encoded.ids)
        end = 0
        for piece in found:
            assert piece.start <= end <= piece.end  # nothing missing; letters may be shared
            end = piece.end
            if piece.text != "▁" and not piece.text.startswith("<0x"):
                assert sentence[piece.start : piece.end].strip(" ") == piece.text.strip("▁")
        assert end == len(sentence)


def test_all_bytes_of_a_letter_stand_for_it(tokenizers: Tokenizers) -> None:
    sentence = "you 😀 you"
    encoded = tokenizers.source.encode_with_offsets(sentence)
    for pieces in (encoded.pieces, tokenizers.source.decode_with_offsets(encoded.ids)[1]):
        spelled = [(p.start, p.end) for p in pieces if p.text.startswith("<0x")]
        assert spelled == [(4, 5)] * 4


def test_neighbouring_letters_in_bytes_have_places_of_their_own(tokenizers: Tokenizers) -> None:
    sentence = "日本 a"
    encoded = tokenizers.source.encode_with_offsets(sentence)
    for pieces in (encoded.pieces, tokenizers.source.decode_with_offsets(encoded.ids)[1]):
        spelled = [(p.start, p.end) for p in pieces if p.text.startswith("<0x")]
        assert spelled == [(0, 1)] * 3 + [(1, 2)] * 3


def test_bytes_that_spell_no_letter_are_no_text(tokenizers: Tokenizers) -> None:
    tokenizer = tokenizers.source
    you = tokenizer.encode(["you"])[0]
    half = tokenizer.processor.piece_to_id(["<0xF0>", "<0x9F>"])
    text, pieces = tokenizer.decode_with_offsets([*you, *half, *you])
    assert text == "you you"
    assert len(pieces) == len(you) + 2 + len(you)
    assert [(p.start, p.end) for p in pieces[len(you) : len(you) + 2]] == [(3, 3), (3, 3)]


def test_a_stray_byte_does_not_swallow_the_letters_after_it(tokenizers: Tokenizers) -> None:
    tokenizer = tokenizers.source
    stray = tokenizer.processor.piece_to_id(["<0x80>", "<0xE6>", "<0x97>", "<0xA5>"])
    assert "日" in tokenizer.decode_with_offsets(stray)[0]


def test_no_ids_are_no_text(tokenizers: Tokenizers) -> None:
    assert tokenizers.source.decode_with_offsets([]) == ("", [])
    assert tokenizers.source.encode_with_offsets("").ids == []
    assert tokenizers.source.encode_with_offsets("   ").ids == []


def test_the_special_ids_are_where_the_models_expect_them(tokenizers: Tokenizers) -> None:
    processor = tokenizers.source.processor
    assert [processor.pad_id(), processor.unk_id(), processor.bos_id(), processor.eos_id()] == [
        PAD,
        UNK,
        BOS,
        EOS,
    ]


def test_without_bytes_an_unseen_letter_is_unknown(own_cache: Path) -> None:
    config = TokenizerConfig(vocabulary_size=60, byte_fallback=False)
    tokenizer = learn(TEXT, config, seed=1).source
    assert UNK in tokenizer.encode(["日"])[0]
    assert UNK not in tokenizer.encode(["l'été, es-tu prêt ?"])[0]


def test_sentences_end_to_end_are_the_same_ids(tokenizers: Tokenizers) -> None:
    sentences = [*SENTENCES, "", "last"]
    rows = tokenizers.source.encode(sentences)
    ids, lengths = tokenizers.source.encode_flat(sentences)
    assert ids.tolist() == [i for row in rows for i in row]
    assert lengths.tolist() == [len(row) for row in rows]
    assert tokenizers.source.encode_flat([])[0].tolist() == []


# Learning


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_a_vocabulary_has_the_requested_size(kind: Kind, own_cache: Path) -> None:
    config = TokenizerConfig(kind=kind, vocabulary_size=300)
    found = learn(TEXT, config, seed=1)
    assert len(found.source) == 300
    assert found.vocabularies[:2] == (300, 300)
    assert spelled_back(found.source, "you love the garden") == "you love the garden"


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_a_text_that_supports_fewer_pieces_gets_fewer_with_a_note(
    kind: Kind, own_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = learn(TEXT, TokenizerConfig(kind=kind, vocabulary_size=8000), seed=1)
    assert 260 < len(found.source) < 1000
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        f"the joint vocabulary has {len(found.source)} pieces, not 8,000: "
        "the text does not support more"
    )


def test_a_vocabulary_too_small_for_the_letters_is_refused(own_cache: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        learn(TEXT, TokenizerConfig(vocabulary_size=100), seed=1)
    message = str(caught.value)
    assert message.startswith("tokenizer.vocabulary_size is 100, but the letters alone need ")
    needed = int(message.removesuffix(" pieces: raise it above that").rpartition(" ")[2])
    assert (
        len(learn(TEXT, TokenizerConfig(vocabulary_size=needed + 1), seed=1).source) == needed + 1
    )
    assert list((own_cache / "tokenizers").iterdir())


def test_both_sides_share_a_tokenizer_or_have_their_own(own_cache: Path) -> None:
    joint = learn(TEXT, SMALL, seed=1)
    assert joint.joint
    assert joint.source is joint.target
    apart = learn(TEXT, TokenizerConfig(vocabulary_size=310, joint=False), seed=1)
    assert not apart.joint
    assert apart.source.fingerprint != apart.target.fingerprint
    assert spelled_back(apart.target, "le vieux jardin") == "le vieux jardin"


def test_what_was_learned_before_is_not_learned_again(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = learn(TEXT, SMALL, seed=1)

    def never(**_: object) -> None:
        raise AssertionError("it trains again")

    monkeypatch.setattr(sentencepiece.SentencePieceTrainer, "train", never)
    assert learn(TEXT, SMALL, seed=1).fingerprint == first.fingerprint
    changed = Bitext(["i love me", *TEXT.sources[1:]], TEXT.targets)
    for text, config in (
        (changed, SMALL),
        (TEXT, TokenizerConfig(vocabulary_size=321)),
        (TEXT, TokenizerConfig(vocabulary_size=320, kind="unigram")),
    ):
        with pytest.raises(AssertionError, match="it trains again"):
            learn(text, config, seed=1)


def test_learning_again_gives_the_same_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for cache in ("one", "other"):
        monkeypatch.setenv("NMT_CACHE", str(tmp_path / cache))
        config = TokenizerConfig(vocabulary_size=300, max_sentences=4)
        found.append(learn(TEXT, config, seed=1).fingerprint)
    assert found[0] == found[1]


def test_no_more_sentences_are_read_than_requested(own_cache: Path) -> None:
    longer = Bitext([*TEXT.sources, "日"], [*TEXT.targets, "本"])
    config = TokenizerConfig(vocabulary_size=300, max_sentences=5)
    prints = {learn(longer, config, seed=seed).fingerprint for seed in range(4)}
    assert len(prints) > 1  # another seed draws other sentences


# Files


def test_saved_tokenizers_come_back(tmp_path: Path, tokenizers: Tokenizers) -> None:
    tokenizers.save(tmp_path)
    found = Tokenizers.load(tmp_path)
    assert found.joint
    assert found.fingerprint == tokenizers.fingerprint
    for sentence in SENTENCES:
        assert found.target.encode_with_offsets(sentence) == tokenizers.target.encode_with_offsets(
            sentence
        )


def test_two_tokenizers_come_back_each_on_its_side(tmp_path: Path, own_cache: Path) -> None:
    apart = learn(TEXT, TokenizerConfig(vocabulary_size=310, joint=False), seed=1)
    apart.save(tmp_path / "tokenizer")
    found = Tokenizers.load(tmp_path / "tokenizer")
    assert not found.joint
    assert found.source.fingerprint == apart.source.fingerprint
    assert found.target.fingerprint == apart.target.fingerprint


def test_the_vocabulary_is_written_for_people(tmp_path: Path, tokenizers: Tokenizers) -> None:
    tokenizers.save(tmp_path)
    lines = (tmp_path / "joint.vocab").read_text(encoding="utf-8").split("\n")
    assert len(lines) == 321
    assert lines[:4] == ["0\t<pad>", "1\t<unk>", "2\t<s>", "3\t</s>"]


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        CheckpointError, match=r"source\.model is missing: the run folder is incomplete"
    ):
        Tokenizers.load(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.5, 0.9, 0.999])
def test_a_truncated_model_is_refused(tmp_path: Path, tokenizers: Tokenizers, share: float) -> None:
    tokenizers.save(tmp_path)
    path = tmp_path / "joint.model"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(CheckpointError) as caught:
        Tokenizers.load(tmp_path)
    assert str(caught.value) == f"{path} is not a sentencepiece model, or was cut short"


def test_another_programs_file_is_not_a_model(tmp_path: Path) -> None:
    (tmp_path / "joint.model").write_bytes(b"GIF89a, and so on" * 40)
    with pytest.raises(CheckpointError, match="is not a sentencepiece model"):
        Tokenizers.load(tmp_path)


def test_the_training_sample_is_drawn_like_that_of_a_list(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Heard(Exception):
        pass

    def listen(*, sentence_iterator: Iterator[str], **_: object) -> None:
        raise Heard(*sentence_iterator)

    monkeypatch.setattr(sentencepiece.SentencePieceTrainer, "train", listen)
    text = Bitext([f"s{n}" for n in range(60)], [f"t{n}" for n in range(60)])
    with pytest.raises(Heard) as heard:
        learn(text, TokenizerConfig(max_sentences=17), seed=5)
    sampled = [Random(5).sample(side, 17) for side in (text.sources, text.targets)]
    assert list(heard.value.args) == sampled[0] + sampled[1]


@pytest.mark.parametrize("kind", ["bpe", "word"])
@pytest.mark.parametrize("harm", ["cut", "empty", "foreign", "larger", "of another text"])
def test_a_damaged_tokenizer_of_the_cache_is_learned_again_with_one_line(
    own_cache: Path, kind: Kind, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    config = SMALL.model_copy(update={"kind": kind, "vocabulary_size": 290})
    before = learn(TEXT, config, seed=1).fingerprint
    (path,) = (own_cache / "tokenizers").iterdir()
    whole = path.read_bytes()
    if harm == "larger":
        learn(TEXT, config.model_copy(update={"vocabulary_size": 320}), seed=1)
        (other,) = set((own_cache / "tokenizers").iterdir()) - {path}
        other.replace(path)
        if kind == "word":  # the text has fewer words than either
            path.write_text(json.dumps({"format": "nmt.words/2", "words": [*SPECIAL, *MANY]}))
    else:
        odd = {"cut": whole[:-9], "empty": b"", "foreign": b"[1]"}
        path.write_bytes(odd[harm] if harm in odd else of_another_text(config))
    caplog.clear()
    assert learn(TEXT, config, seed=1).fingerprint == before
    assert path.read_bytes() == whole
    assert sum("is learned again" in message for message in caplog.messages) == 1


def of_another_text(config: TokenizerConfig) -> bytes:
    """A valid model, but not the expected one."""
    text = [["a foreign text of foreign words"] * 3]
    return learn_words(text[0], 99) if config.kind == "word" else learn_subwords(text, config)


def test_another_version_of_the_library_learns_again(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(TEXT, SMALL, seed=1)
    monkeypatch.setattr(sentencepiece, "__version__", "99.0")
    learn(TEXT, SMALL, seed=1)
    assert len(list((own_cache / "tokenizers").iterdir())) == 2


@settings(max_examples=150)
@given(st.data())
def test_a_damaged_model_is_refused_or_writes_single_lines(
    tokenizers: Tokenizers, data: st.DataObject
) -> None:
    model = bytearray(tokenizers.source.model)
    for _ in range(data.draw(st.integers(1, 4))):
        model[data.draw(st.integers(0, len(model) - 1))] = data.draw(st.integers(0, 255))
    with TemporaryDirectory() as place:
        (Path(place) / "joint.model").write_bytes(model)
        try:
            tokenizer = Tokenizers.load(Path(place)).source
        except CheckpointError as error:
            told = str(error)
            assert told.isprintable()  # noqa: PT017  # some are refused, others are not
            return
    ids = data.draw(st.lists(st.integers(0, len(tokenizer) - 1), max_size=20))
    text, pieces = tokenizer.decode_with_offsets(ids)
    assert len(pieces) == len(ids)
    assert not set(text) & {*map(chr, range(32)), "\x7f", *map(chr, range(0x80, 0xA0))}
    for sentence in SENTENCES:
        encoded = tokenizer.encode_with_offsets(sentence)
        assert all(0 <= piece.start <= piece.end <= len(sentence) for piece in encoded.pieces)


MANY = [f"word{number}" for number in range(300)]


def test_a_model_whose_special_pieces_stand_elsewhere_is_refused(tmp_path: Path) -> None:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT.sources * 4), model_writer=model, vocab_size=40,
        model_type="bpe", minloglevel=3, pad_id=3, unk_id=0, bos_id=1, eos_id=2,
    )  # fmt: skip
    (tmp_path / "joint.model").write_bytes(model.getvalue())
    with pytest.raises(CheckpointError, match="is not a sentencepiece model"):
        Tokenizers.load(tmp_path)


@pytest.mark.parametrize(
    ("piece", "written"),
    [
        ("\u2581\x1b]0;owned\x07", "]0;owned"), ("a\nb", "a b"), ("\x9b2J", "2J"),
        ("a\x00\x7f", "a"), ("\u202ea\u202db\ufeff", "ab"),
        ("a\u2028", "a "), ("\u2581caf\u00e9", "caf\u00e9"),
    ],
)  # fmt: skip
def test_pieces_of_a_foreign_model_cannot_control_the_terminal(piece: str, written: str) -> None:
    model = json.dumps({"format": "nmt.words/2", "words": [*SPECIAL, piece, "\u2581end"]})
    tokenizer = WordTokenizer(model.encode())
    text, pieces = tokenizer.decode_with_offsets([4, 5])
    assert text == f"{written} end"
    assert [text[piece.start : piece.end] for piece in pieces] == [written, " end"]


@pytest.mark.parametrize(
    "words",
    [
        [*SPECIAL, 3], [*SPECIAL, ""], [*SPECIAL, "a", "a"], [*SPECIAL, "<pad>"], SPECIAL[:3],
        [*SPECIAL, ["a"]], {"a": 1}, "word", [*SPECIAL, "\ud800"], None, [*SPECIAL, None],
    ],
)  # fmt: skip
def test_an_invalid_word_list_is_refused(tmp_path: Path, words: object) -> None:
    content = {"format": "nmt.words/2", "words": words}
    (tmp_path / "joint.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(CheckpointError, match="is not a list of words"):
        Tokenizers.load(tmp_path)


def test_a_deeply_nested_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "joint.json").write_text('{"words": ' + "[" * 100_000)
    with pytest.raises(CheckpointError, match="is not a list of words"):
        Tokenizers.load(tmp_path)
