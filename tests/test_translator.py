import logging
from collections.abc import Iterator, Sequence
from copy import deepcopy
from time import sleep
from typing import Any

import numpy as np
import pytest
import torch

from nmt.config import DecodingConfig, TokenizerConfig
from nmt.data.corpus.types import Bitext
from nmt.data.tokenizers.base import EOS, Vocabularies
from nmt.data.tokenizers.learn import Tokenizers, learn
from nmt.decoding.hypothesis import Hypothesis
from nmt.decoding.torch_engine import TorchEngine
from nmt.decoding.translator import Translator
from nmt.errors import DataError
from nmt.models import build_model
from nmt.models.devices import Compute
from support.tiny_models import Kind

TEXT = Bitext(
    [
        "i love you",
        "you love me and i love you",
        "the old garden",
        "we see the garden of the old house",
    ],
    ["je t'aime", "tu m'aimes et je t'aime", "le vieux jardin", "on voit le jardin de la maison"],
)
SENTENCES = [
    "we love the old house and the garden of the old house",
    "you",
    "",
    "i love the garden",
    "  ",
    "me and you",
    "prêt ?",
]


@pytest.fixture(scope="module")
def tokenizers() -> Tokenizers:
    logging.disable()  # the text supports only a few pieces
    try:
        return learn(TEXT, TokenizerConfig(vocabulary_size=320), seed=1)
    finally:
        logging.disable(logging.NOTSET)


def translator(tokenizers: Tokenizers, **config: Any) -> Translator:
    torch.manual_seed(2)
    vocabularies: Vocabularies = tokenizers.vocabularies
    model = build_model(Kind().config(), vocabularies)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
        model.vocabulary.bias[EOS] = 2.0
        model.vocabulary.bias[EOS + 1 : EOS + 257] = -1e4  # bytes, which seldom spell a letter
    engine = TorchEngine(model, Compute(torch.device("cpu"), bfloat16=False))
    return Translator(engine, tokenizers, DecodingConfig(**config))


@pytest.mark.parametrize("batch_tokens", [1, 4096])
def test_a_line_with_more_pieces_than_the_model_has_positions_is_named(
    tokenizers: Tokenizers, batch_tokens: int
) -> None:
    kind = Kind("bahdanau", "gru", "location", attention=(("max_positions", 6),))
    model = build_model(kind.config(), tokenizers.vocabularies)
    engine = TorchEngine(model, Compute(torch.device("cpu"), bfloat16=False))
    translator = Translator(engine, tokenizers, DecodingConfig(batch_tokens=batch_tokens))
    with pytest.raises(DataError, match=r"^line 13: score 'location' has 6 positions, but a sent"):
        translator.translate(["a", "", " a" * 20, "a b"], first_line=11)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("batch_tokens", [1, 24, 4096])
def test_sentences_come_back_in_their_order(
    tokenizers: Tokenizers, batch_tokens: int, workers: int
) -> None:
    model = translator(tokenizers, batch_tokens=batch_tokens, beam_size=2)
    model.engine.workers = workers
    found = model.translate(SENTENCES)
    assert [translated.source for translated in found] == SENTENCES
    for sentence, translated in zip(SENTENCES, found, strict=True):
        [alone] = model.translate([sentence])
        assert alone.text == translated.text


def test_work_is_split_among_workers_and_long_batches_come_first(
    tokenizers: Tokenizers, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = translator(tokenizers, max_length_factor=0.1)
    model.engine.workers = 2
    sizes = []
    search = model.search
    monkeypatch.setattr(
        model, "search", lambda rows: sizes.append((len(rows), max(map(len, rows)))) or search(rows)
    )
    model.translate(["i love you"] * 390 + ["the old garden of the old house"] * 10)
    assert len(sizes) >= 6
    assert sizes[0][1] > sizes[-1][1]
    assert sum(rows for rows, _ in sizes) == 400


def test_sentences_are_read_once_in_their_order(tokenizers: Tokenizers) -> None:
    class OnDisk(Sequence[str]):
        """Reading each sentence by its index would be a file access."""

        def __len__(self) -> int:
            return len(SENTENCES)

        def __iter__(self) -> Iterator[str]:
            return iter(SENTENCES)

        def __getitem__(self, place: object) -> str:
            raise AssertionError(place)

    found = translator(tokenizers, batch_tokens=24).translate(OnDisk())
    assert [translated.source for translated in found] == SENTENCES


def test_stopping_early_waits_for_no_batch_that_has_not_begun(
    tokenizers: Tokenizers, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = translator(tokenizers, max_length_factor=0.1)
    model.engine.workers = 2
    begun = []
    search = model.search

    def slow(rows: Sequence[Sequence[int]]) -> Any:
        begun.append(len(rows))
        if len(begun) > 1:
            sleep(0.3)
        return search(rows)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(model, "search", slow)
    monkeypatch.setattr(model, "_in_words", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.translate(["i love you"] * 400)
    assert len(begun) <= 4  # of eight


def test_padding_is_the_share_of_cells_that_hold_no_piece(tokenizers: Tokenizers) -> None:
    model = translator(tokenizers)
    sentences = ["i love you", "you"]
    lengths = [len(tokenizers.source.encode_with_offsets(one).ids) + 1 for one in sentences]
    assert model.padding_share(sentences) == pytest.approx(1 - sum(lengths) / (2 * max(lengths)))
    assert model.padding_share(["you"] * 3) == 0


def test_an_empty_sentence_has_an_empty_translation(tokenizers: Tokenizers) -> None:
    for sentence in ("", "  "):
        [translated] = translator(tokenizers).translate([sentence])
        assert translated.text == ""
        assert [piece.text for piece in translated.pieces] == ["</s>"]
        [best] = translated.best
        assert best.hypothesis.ids == [EOS]
        assert best.hypothesis.score == 0
        assert best.hypothesis.attention.tolist() == [[1.0]]


def test_nothing_is_translated_to_nothing(tokenizers: Tokenizers) -> None:
    assert translator(tokenizers).translate([]) == []


def test_the_attention_has_a_row_and_a_column_for_each_piece(tokenizers: Tokenizers) -> None:
    for translated in translator(tokenizers, n_best=3).translate(SENTENCES):
        assert translated.pieces[-1].text == "</s>"
        for translation in translated.best:
            hypothesis = translation.hypothesis
            assert len(translation.pieces) == len(hypothesis.ids) == len(hypothesis.token_scores)
            assert hypothesis.attention.shape == (len(hypothesis.ids), len(translated.pieces))
            np.testing.assert_allclose(hypothesis.attention.sum(-1), 1, rtol=1e-5)
            assert (translation.pieces[-1].text == "</s>") == (hypothesis.ids[-1] == EOS)


def test_pieces_are_at_their_stated_positions(tokenizers: Tokenizers) -> None:
    for translated in translator(tokenizers, n_best=2).translate(SENTENCES):
        for text, pieces in (
            (translated.source, translated.pieces),
            *((best.text, best.pieces) for best in translated.best),
        ):
            for piece in pieces:
                if piece.text == "</s>":
                    assert (piece.start, piece.end) == (len(text), len(text))
                elif piece.text != "▁" and not piece.text.startswith("<0x"):
                    assert text[piece.start : piece.end].strip() == piece.text.strip("▁")


def test_the_text_is_that_of_the_ids(tokenizers: Tokenizers) -> None:
    for translated in translator(tokenizers).translate(SENTENCES[:2]):
        best = translated.best[0]
        words = [i for i in best.hypothesis.ids if i != EOS]
        assert words
        assert best.text.strip() == tokenizers.target.processor.decode(words).strip()


def test_the_requested_number_of_translations_is_returned(tokenizers: Tokenizers) -> None:
    for translated in translator(tokenizers, n_best=4).translate(["i love you", "the house"]):
        ranks = [translation.hypothesis.rank_score for translation in translated.best]
        assert len(ranks) == 4
        assert ranks == sorted(ranks, reverse=True)


def test_a_translation_ends_where_the_factor_says(tokenizers: Tokenizers) -> None:
    endless = translator(tokenizers, max_length_factor=0.5)
    with torch.no_grad():
        endless.engine.model.vocabulary.bias[EOS] = -1e4
    [translated] = endless.translate(["we see the garden of the old house"])
    pieces = len(translated.pieces)
    assert len(translated.best[0].hypothesis.ids) == pieces // 2 + 10
    assert translated.best[0].pieces[-1].text != "</s>"


def test_an_endless_line_is_refused_with_its_number(tokenizers: Tokenizers) -> None:
    short = translator(tokenizers, max_source_length=20)
    with pytest.raises(DataError) as caught:
        short.translate(["i love you", "", "ï" * 11, "you"], first_line=41)
    assert str(caught.value) == (
        "line 43 has 23 pieces, more than decoding.max_source_length, 20: "
        "cut it into sentences, one a line"
    )


def test_a_line_may_just_be_as_long_as_allowed(tokenizers: Tokenizers) -> None:
    pieces = len(tokenizers.source.encode_with_offsets("i love you").ids)
    allowed = translator(tokenizers, max_source_length=pieces)
    assert len(allowed.translate(["i love you"])) == 1
    with pytest.raises(DataError, match=f"line 1 has {pieces} pieces"):
        translator(tokenizers, max_source_length=pieces - 1).translate(["i love you"])


def test_translating_uses_no_dropout_and_restores_the_model(tokenizers: Tokenizers) -> None:
    model = build_model(Kind().config(dropout=0.9), tokenizers.vocabularies).train()
    before, random = deepcopy(model.state_dict()), torch.get_rng_state()
    for bfloat16 in (False, True):
        engine = TorchEngine(model, Compute(torch.device("cpu"), bfloat16=bfloat16))
        noisy = Translator(engine, tokenizers, DecodingConfig(max_length_factor=0.1))
        found = [[one.text for one in noisy.translate(SENTENCES)] for _ in range(2)]
        assert found[0] == found[1]
    assert all(module.training for module in model.modules())
    assert torch.equal(torch.get_rng_state(), random)
    for name, value in model.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, before[name])


def hypothesis(tokenizers: Tokenizers, text: str, rank: float, *, by_letters: bool) -> Hypothesis:
    """A hypothesis that makes a text from its usual pieces, or from its letters."""
    pieces = tokenizers.target
    ids = pieces.encode([text])[0]
    if by_letters:
        ids = [pieces.names.index("▁"), *(pieces.names.index(letter) for letter in text)]
    length = len(ids) + 1
    return Hypothesis([*ids, EOS], [rank] * length, rank, np.ones((length, 5), np.float32))


def test_one_text_that_many_pieces_spell_is_one_translation(
    tokenizers: Tokenizers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def searched(_: object, source: np.ndarray, *, size: int, **__: object) -> Any:
        found = [
            hypothesis(tokenizers, "jardin", -1.0, by_letters=False),
            hypothesis(tokenizers, "jardin", -1.5, by_letters=True),
            hypothesis(tokenizers, "maison", -2.5, by_letters=False),
            *([hypothesis(tokenizers, "vieux", -2.0, by_letters=False)] if size >= 6 else []),
            *([hypothesis(tokenizers, "tu", -0.5, by_letters=False)] if size >= 6 else []),
            *([hypothesis(tokenizers, "on", -4.0, by_letters=False)] if size >= 12 else []),
        ]
        sizes.append((len(source), size))
        return [sorted(found, key=lambda each: -each.rank_score)[:size] for _ in source]

    sizes: list[tuple[int, int]] = []
    monkeypatch.setattr("nmt.decoding.translator.beam_search", searched)
    wanted = {2: "jardin maison", 3: "jardin vieux maison", 4: "jardin vieux maison on"}
    for n_best, texts in wanted.items():
        model = translator(tokenizers, beam_size=max(3, n_best), n_best=n_best)
        [translated] = model.translate(["the garden"])
        assert [best.text for best in translated.best] == texts.split()
    assert sizes == [(1, 3), (1, 3), (1, 6), (1, 4), (1, 8), (1, 16)]
    few = translator(tokenizers, beam_size=20, n_best=20)
    assert len(few.translate(["the garden"])[0].best) == 5


@pytest.mark.parametrize("n_best", [2, 5])
def test_n_best_texts_are_distinct_and_the_first_equals_a_search_for_one(
    tokenizers: Tokenizers, n_best: int
) -> None:
    several = translator(tokenizers, beam_size=5, n_best=n_best).translate(SENTENCES)
    alone = translator(tokenizers, beam_size=5).translate(SENTENCES)
    for many, one in zip(several, alone, strict=True):
        assert many.text == one.text
        assert many.best[0].hypothesis.ids == one.best[0].hypothesis.ids
        texts = [" ".join(best.text.split()) for best in many.best]
        assert len(set(texts)) == len(texts) == (n_best if one.pieces[:-1] else 1)
        ranks = [best.hypothesis.rank_score for best in many.best]
        assert ranks == sorted(ranks, reverse=True)


def test_lines_that_fit_are_translated_alike_next_to_those_that_do_not(
    tokenizers: Tokenizers,
) -> None:
    model = translator(tokenizers, max_source_length=12)
    long = "we love the old house. you love me! the garden of the house"
    found = model.translate_any([*SENTENCES, long, "x" * 500])
    for sentence, translated in zip(SENTENCES, found, strict=False):
        if len(tokenizers.source.encode_with_offsets(sentence).ids) <= 12:
            assert not translated.parts
            assert translated.text == model.translate([sentence])[0].text
    cut = found[len(SENTENCES)]
    assert [part.source for part in cut.parts][:2] == ["we love the old house.", "you love me!"]
    assert cut.text == " ".join(part.text for part in cut.parts if part.text)
    assert cut.best[0].hypothesis.score == pytest.approx(
        sum(part.best[0].hypothesis.score for part in cut.parts)
    )
    assert found[-1].skipped
    assert found[-1].text == ""


@pytest.mark.parametrize("batch_tokens", [1, 4096])
def test_lines_with_more_pieces_than_the_model_has_positions_are_split(
    tokenizers: Tokenizers, batch_tokens: int
) -> None:
    kind = Kind("bahdanau", "gru", "location", attention=(("max_positions", 6),))
    model = build_model(kind.config(), tokenizers.vocabularies)
    engine = TorchEngine(model, Compute(torch.device("cpu"), bfloat16=False))
    model = Translator(engine, tokenizers, DecodingConfig(batch_tokens=batch_tokens))
    lines = ["a", "", "a " * 20, "a b", "b " * 9]
    found = model.translate_any(lines)
    assert [bool(translated.parts) for translated in found] == [False, False, True, False, True]
    for number in (2, 4):
        assert " ".join(part.source for part in found[number].parts) == lines[number].strip()


def test_an_error_of_a_model_is_not_blamed_on_length(tokenizers: Tokenizers) -> None:
    model = translator(tokenizers)

    def refuse(*_: object) -> Any:
        raise DataError("the graph is broken")

    model.search = refuse  # type: ignore[method-assign]
    with pytest.raises(DataError, match="the graph is broken"):
        model.translate_any(SENTENCES)
