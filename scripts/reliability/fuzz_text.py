"""Sentences of every kind through all code that handles them, with checks on the results."""

import json
import random
import unicodedata
from collections import Counter
from typing import Any

import numpy as np

from reliability.fuzz_world import World, refuse_unprintable
from reliability.sentences import sentence

TOLERANCE = 1e-4  # for a sum of weights rounded to six digits


def words(world: World, rng: random.Random) -> None:
    """Normalising is idempotent and leaves one line; words are at the positions that they claim."""
    from nmt.data.corpus.cleaning import normalized
    from nmt.data.words import is_blank, split_words

    raw = sentence(rng)
    text = normalized(raw, Counter())
    assert normalized(text, Counter()) == text, "normalising twice differs from once"
    text.encode()  # no half surrogate pair is left
    bad = {unicodedata.category(letter) for letter in text} & {"Cc", "Zl", "Zp", "Cs"}
    assert not bad, f"normalised text holds {bad}"
    assert text == text.strip(), "normalised text has outer spaces"
    for given in (text, raw):
        end = 0
        for word in split_words(given):
            assert word.text, "a word without letters"
            assert given[word.start : word.end] == word.text, "a word is not where it says"
            assert word.start >= end, "words overlap"
            left = given[end : word.start]
            letters = [letter for letter in left if letter.isalnum() and not is_blank(letter)]
            assert not letters, f"letters between words: {left!r}"
            end = word.end
        assert not any(letter.isalnum() for letter in given[end:]), "letters after the last word"


def pieces(world: World, rng: random.Random) -> None:
    """Pieces are at the positions that they claim, in order, and decode to one line."""
    from nmt.data.corpus.cleaning import normalized

    tokenizer = world.seeds.tokenizers[rng.choice(["subwords", "words"])]
    text = normalized(sentence(rng), Counter())
    encoded = tokenizer.encode_with_offsets(text)
    assert len(encoded.ids) == len(encoded.pieces), "ids and pieces differ in number"
    assert tokenizer.encode([text]) == [encoded.ids], "two ways of encoding differ"
    before = 0
    for piece in encoded.pieces:
        assert 0 <= piece.start <= piece.end <= len(text), "a piece lies outside of its text"
        assert piece.start >= before, "pieces are out of order"
        before = piece.start
    ids = encoded.ids if rng.random() < 0.5 else _ids(tokenizer, rng)
    spelled, placed = tokenizer.decode_with_offsets(ids)
    assert len(placed) == len(ids), "a piece for each id"
    assert len(spelled.splitlines()) <= 1, f"more than one line: {spelled!r}"
    spelled.encode()
    before = 0
    for piece in placed:
        assert 0 <= piece.start <= piece.end <= len(spelled), "a piece lies outside of its text"
        assert piece.start >= before or piece.start == piece.end, "pieces are out of order"
        before = piece.start


def _ids(tokenizer: Any, rng: random.Random) -> list[int]:
    return [rng.randrange(len(tokenizer)) for _ in range(rng.randint(0, 40))]


def records(world: World, rng: random.Random) -> None:
    """A record survives writing and reading; rows of word weights sum to 1."""
    from nmt.evaluation.records import make_record, read_records, write_records
    from nmt.plots.terminal import table

    texts = [_normal(rng) for _ in range(2)]
    sides = [
        _with_end(world.seeds.tokenizers["subwords"].encode_with_offsets(text).pieces, text)
        for text in texts
    ]
    if max(map(len, sides)) > 2000:
        return
    weights = np.random.default_rng(rng.randrange(1 << 30)).random((len(sides[1]), len(sides[0])))
    weights /= weights.sum(axis=1, keepdims=True)
    record = make_record(
        id=sentence(rng)[:20].encode("utf-8", "replace").decode(), source=texts[0],
        target=texts[1], source_pieces=sides[0], target_pieces=sides[1], weights=weights,
        token_scores=[-1.0] * len(sides[1]), attention={"score": "dot"}, model={"run": "r"},
    )  # fmt: skip
    sums = np.asarray(record.word_weights).sum(axis=1)
    assert np.abs(sums - 1).max(initial=0) < TOLERANCE, f"rows of word_weights sum to {sums}"
    path = world.scratch / "records.jsonl"
    write_records(path, [record])
    assert list(read_records(path)) == [record], "a record differs from the one that was written"
    assert len(path.read_bytes().decode().splitlines()) == 1, "a record is not one line"
    if len(sides[0]) < 200:
        shown = table(record, width=rng.choice([10, 80, 200]), color=False)
        for line in shown.split("\n"):
            refuse_unprintable(line, "a line of the table")


def _normal(rng: random.Random) -> str:
    from nmt.data.corpus.cleaning import normalized

    return normalized(sentence(rng), Counter())


def _with_end(pieces: Any, text: str) -> Any:
    from nmt.data.tokenizers.base import Piece

    return [*pieces, Piece("</s>", len(text), len(text))]


def pages(world: World, rng: random.Random) -> None:
    """No text can break out of its place in an HTML page."""
    from nmt.evaluation.records import read_records
    from nmt.plots.page import save_page

    records(world, rng)
    made = list(read_records(world.scratch / "records.jsonl"))
    page = world.scratch / "page.html"
    save_page(made, page)
    text = page.read_text(encoding="utf-8")
    assert text.count("</script>") == world.seeds.scripts_of_a_page, "a text closed the script"


def translated(world: World, rng: random.Random) -> None:
    """In every format each input line gives the right number of lines."""
    from nmt.workflows.translate import forms

    texts = [_normal(rng) for _ in range(rng.choice([1, 2, 5]))]
    decoding = world.decoding(rng.choice([1, 1, 2]))
    results = world.seeds.trained.translator(decoding).translate(texts)
    assert len(results) == len(texts), f"{len(results)} translations of {len(texts)} sentences"
    for each in results:
        for name in ("text", "tsv", "jsonl"):
            text = forms[name](each, decoding.n_best)
            lines = text.splitlines() if name == "jsonl" else text.split("\n")
            wanted = 1 if name == "jsonl" else decoding.n_best
            assert len(lines) == wanted, f"{len(lines)} lines for a line as {name}"
            for line in lines:
                assert not any(c in line for c in "\r\v\f\x1b\x07\x85\u2028\u2029"), f"{line!r}"
                line.encode()
            if name == "jsonl":
                json.loads(text)


def argument(world: World, rng: random.Random) -> bool:
    """A sentence as an argument, where half surrogate pairs stand for bytes that are not UTF-8."""
    data = sentence(rng).encode("utf-8", "surrogatepass")[:3000]
    text = data.replace(b"\0", b"").decode("utf-8", "surrogateescape")
    out = world.command("translate", "--run", str(world.run), "--", text)
    assert out is None or out.count("\n") == 1, f"{out!r} for one argument"
    return out is not None
