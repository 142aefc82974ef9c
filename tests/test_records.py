import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.data.tokenizers.base import EOS_PIECE
from nmt.data.words import Word, split_words
from nmt.errors import DataError
from nmt.evaluation.records import AttentionRecord, make_record, read_records, write_records
from nmt.evaluation.words import join_words, side
from nmt.plots.heatmap import _caption
from nmt.plots.page import save_page
from nmt.plots.terminal import table
from support.attention_records import GENERAL, LUONG, by_word, cut, i_love_you, odd, record_of

SENTENCES = st.text(alphabet="aé t'’l«!-  \u00a0œ5.,", max_size=24)


@st.composite
def cut_sentences(draw: st.DrawFn) -> tuple[str, list[Word]]:
    """A sentence and its pieces, some of them byte pieces with empty spans."""
    sentence = draw(SENTENCES)
    lengths, at, pieces = draw(st.lists(st.integers(0, 4), max_size=24)), 0, []
    for length in lengths:
        end = min(len(sentence), at + length)
        pieces.append(Word(sentence[at:end] or "<0xE2>", at, end))
        at = end
    if at < len(sentence):
        pieces.append(Word(sentence[at:], at, len(sentence)))
    if draw(st.booleans()):
        pieces.append(Word(EOS_PIECE, len(sentence), len(sentence)))
    return sentence, pieces


def owner(sentence: str, piece: Word) -> int | None:
    """The word of a piece, found character by character."""
    words = split_words(sentence)
    for position in range(piece.start, len(sentence)):
        if not sentence[position].isspace():
            return next(n for n, w in enumerate(words) if w.start <= position < w.end)
    return len(words) - 1 if words else None


def test_i_love_you_crosses_between_words() -> None:
    record = i_love_you()
    assert record.source_words == ["I", "love", "you", "</s>"]
    assert record.target_words == ["je", "t'", "aime", "</s>"]
    assert record.source_pieces == ["I", "▁love", "▁you", "</s>"]
    assert record.target_pieces == ["je", "▁t", "'", "aime", "</s>"]
    np.testing.assert_allclose(
        record.word_weights,
        [
            [0.91, 0.05, 0.03, 0.01],
            [0.05, 0.15, 0.77, 0.03],  # the mean of "▁t" and "'"
            [0.02, 0.93, 0.03, 0.02],
            [0.01, 0.02, 0.02, 0.95],
        ],
        atol=1e-9,
    )
    looked_at = [record.source_words[n] for n in np.argmax(record.word_weights, axis=1)]
    assert looked_at == ["I", "you", "love", "</s>"]


@given(cut_sentences(), cut_sentences(), st.integers(0, 2**32 - 1))
def test_rows_between_words_sum_to_one(source, target, seed: int) -> None:
    if not source[1] or not target[1]:
        return
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(len(source[1])), len(target[1]))
    joined = join_words(side(*source), side(*target), weights)
    np.testing.assert_allclose(joined.sum(axis=1), 1, atol=1e-12)


@given(cut_sentences(), cut_sentences())
def test_words_collect_their_pieces_as_in_a_slow_loop(source, target) -> None:
    """For words that all begin with a piece of their own; other cases are tested below."""
    owners = [
        [owner(text, p) for p in pieces if p.text != EOS_PIECE] for text, pieces in (source, target)
    ]
    for (text, _), own in zip((source, target), owners, strict=True):
        if set(own) != set(range(len(split_words(text)))):
            return
    weights = np.random.default_rng(0).random((len(target[1]), len(source[1])))
    joined = join_words(side(*source), side(*target), weights)
    for t in range(len(split_words(target[0]))):
        for s in range(len(split_words(source[0]))):
            rows = [n for n, word in enumerate(owners[1]) if word == t]
            columns = [n for n, word in enumerate(owners[0]) if word == s]
            sums = [sum(weights[row, column] for column in columns) for row in rows]
            assert joined[t, s] == pytest.approx(sum(sums) / len(sums))


def test_byte_pieces_belong_to_the_word_of_their_character() -> None:
    sentence = "a €b"
    pieces = [
        Word("▁a", 0, 1),
        Word("▁", 1, 2),
        Word("<0xE2>", 2, 2),
        Word("<0x82>", 2, 2),
        Word("<0xAC>", 2, 3),
        Word("b", 3, 4),
    ]
    words, shares = side(sentence, pieces)
    assert words == ["a", "€", "b"]
    assert shares.argmax(axis=0).tolist() == [0, 1, 1, 1, 1, 2]


def test_a_lone_space_belongs_to_the_word_after_it_or_to_the_last_one() -> None:
    words, shares = side("a b ", cut("a b ", 1, 1, 1, 1))
    assert words == ["a", "b", "</s>"]
    assert shares.argmax(axis=0).tolist() == [0, 1, 1, 1, 2]


def test_words_in_one_piece_share_it() -> None:
    record = record_of("c'est", "it is", cuts=((), (2,)), weights=[[0.8, 0.2]] * 3)
    assert record.source_words == ["c'", "est", "</s>"]
    assert record.word_weights == [[0.4, 0.4, 0.2]] * 3
    backwards = record_of("it", "c'est", weights=[[0.7, 0.3], [0.1, 0.9]])
    assert backwards.target_words == ["c'", "est", "</s>"]
    assert backwards.word_weights == [[0.7, 0.3], [0.7, 0.3], [0.1, 0.9]]


def test_words_cut_off_at_the_length_limit_are_left_out() -> None:
    words, shares = side(
        "one two three four", [*cut("one two", 3, ended=False), Word(EOS_PIECE, 18, 18)]
    )
    assert words == ["one", "two", "</s>"]
    assert shares.shape == (3, 3)


def test_a_translation_that_was_cut_off_has_no_end() -> None:
    record = make_record(
        id="7",
        source="yes",
        target="oui oui",
        source_pieces=cut("yes"),
        target_pieces=cut("oui oui", 3, ended=False),
        weights=np.array([[0.75, 0.25], [0.5, 0.5]]),
        token_scores=[-0.5, -0.25],
        attention=GENERAL,
        model=LUONG,
    )
    assert record.target_words == ["oui", "oui"]
    assert record.word_weights == [[0.75, 0.25], [0.5, 0.5]]
    assert record.matrix().target == ["oui", "oui"]
    assert record.score == -0.75


def test_a_typed_end_symbol_is_ordinary_text() -> None:
    words, _ = side("</s>", [Word("</s>", 0, 4)])
    assert words == ["<", "/", "s", ">"]


@pytest.mark.parametrize("target", ["", "rien"])
def test_an_empty_line_has_a_record(target: str, tmp_path: Path) -> None:
    record = record_of("", target)
    assert record.source_words == record.source_pieces == ["</s>"]
    matrix = record.matrix()
    assert matrix.source == ["</s>"]
    assert matrix.target == ([target] if target else ["</s>"])
    assert matrix.weights.tolist() == [[1.0]]
    write_records(tmp_path / "a.jsonl", [record])
    assert list(read_records(tmp_path / "a.jsonl")) == [record]


def test_pieces_without_a_word_make_one() -> None:
    record = record_of(" ", "x")
    assert record.source_words == ["▁", "</s>"]
    np.testing.assert_allclose(np.sum(record.word_weights, axis=1), 1, atol=1e-5)


def test_a_matrix_hides_the_end_between_words_and_shows_it_between_pieces() -> None:
    record = i_love_you()
    assert record.matrix().source == ["I", "love", "you"]
    assert record.matrix().weights.shape == (3, 3)
    assert record.matrix(eos=True).weights.shape == (4, 4)
    assert record.matrix(pieces=True).weights.shape == (5, 4)
    assert record.matrix(pieces=True, eos=False).target == ["je", "▁t", "'", "aime"]


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    records = [i_love_you(), odd(), record_of("", ""), record_of("a", "b", rank=2)]
    path = tmp_path / "attention.jsonl"
    assert write_records(path, records) == 4
    assert list(read_records(path)) == records
    assert [record.rank for record in read_records(path)] == [0, 0, 0, 2]
    assert len(path.read_text(encoding="utf-8").splitlines()) == 4, "U+2028 is no end of line"
    assert "cœur" in path.read_text(encoding="utf-8")


def test_a_file_is_small_and_its_rows_still_sum_to_one(tmp_path: Path) -> None:
    record = by_word(" ".join(["word"] * 99), " ".join(["mot"] * 3))
    path = tmp_path / "attention.jsonl"
    write_records(path, [record])
    read = json.loads(path.read_text(encoding="utf-8"))
    for weights in (read["weights"], read["word_weights"]):
        np.testing.assert_allclose(np.sum(weights, axis=1), 1, atol=1e-5)
        assert max(len(repr(weight)) for row in weights for weight in row) <= 12
        assert {type(weight) for row in weights for weight in row} == {float}


def test_a_record_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "attention.jsonl"
    write_records(path, [i_love_you()])
    before = path.read_bytes()

    def failing() -> Iterator[AttentionRecord]:
        yield odd()
        raise RuntimeError("the model fell over")

    with pytest.raises(RuntimeError, match="fell over"):
        write_records(path, failing())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_datasets_and_pandas_read_the_file(tmp_path: Path) -> None:
    import pandas
    from datasets import load_dataset

    records = [i_love_you(), record_of("", ""), odd()]
    path = tmp_path / "attention.jsonl"
    write_records(path, records)
    table = load_dataset("json", data_files=str(path), split="train", cache_dir=str(tmp_path / "c"))
    frame = pandas.read_json(path, lines=True, precise_float=True)
    for n, record in enumerate(records):
        for name, value in dataclasses.asdict(record).items():
            if name == "maps":  # written only if there are any
                continue
            assert table[n][name] == value
            if name != "id":  # pandas makes a number of it
                assert frame[name][n] == value


def changed(**values: object) -> bytes:
    return json.dumps({**dataclasses.asdict(i_love_you()), **values}).encode()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"schema": "nmt.att', "broken JSON at character"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[1, 2]", "its schema is None"),
        (
            changed(schema="nmt.attention/9"),
            "its schema is 'nmt.attention/9', not 'nmt.attention/1'",
        ),
        (b'{"schema": "nmt.attention/1", "id": "0"}', "without source, target, source_pieces"),
        (changed(weights=[[0.5, 0.5]]), "weights: 1 x 2 numbers, but .* need 5 x 4"),
        (changed(word_weights=[[1.0, 0, 0, 0]] * 3), "word_weights: 3 x 4 numbers"),
        (changed(weights=[[1.0], [0.5, 0.5]]), "weights: not a matrix of numbers"),
        (changed(token_scores=[-1.0]), "token_scores: 1 numbers, but .* need 5"),
        (
            changed(maps={"decoder layer 1 head 2 self": [[1.0] * 4] * 5}),
            "maps: 'decoder layer 1 head 2 self': 5 x 4 numbers, but .* need 5 x 5",
        ),
        (changed(source_words="I love you"), "source_words has an unexpected value"),
        (changed(source_words=[1, 2, 3, 4]), "source_words holds something that is not text"),
    ],
)
def test_a_broken_line_is_named(line: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "attention.jsonl"
    path.write_bytes(changed() + b"\n" + line + b"\n")
    records = read_records(path)
    assert next(records) == i_love_you()
    with pytest.raises(DataError, match=message) as failure:
        next(records)
    assert str(failure.value).startswith(f"{path}:2: ")
    assert "\n" not in str(failure.value)


DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (DEEP, "nested too deeply"),
        (changed().replace(b"-0.25", b"NaN", 1), "NaN is not a JSON number"),
        (changed().replace(b"-0.25", b"1e999", 1), "token_scores: a number that is not finite"),
        (changed().replace(b"-0.25", b"1" + b"0" * 5000, 1), "not an attention record: Exceeds"),
        (changed(score=10**400), "score: not a matrix of numbers"),
        (changed(score=True), "score has an unexpected value: True"),
        (
            changed(weights=[[1e300] * 4] * 5),
            "weights: a number that is not finite, or far too large",
        ),
        (changed(weights=[["0.5"] * 4] * 5), "weights: not a matrix"),
        (changed(weights=[[None] * 4] * 5), "weights: not a matrix"),
        (changed(weights=[[True] * 4] * 5), "weights: not a matrix"),
        (changed(weights=[[[0.5]] * 4] * 5), "weights: 5 x 4 x 1 numbers, but the"),
        (changed(weights=[0.5] * 5), "weights: 5 numbers, but the"),
        (changed(weights={"0": 1}), "weights has an unexpected value: a dict of 1"),
        (changed(rank=True), "rank has an unexpected value: True"),
        (changed(rank=-1), "rank has an unexpected value: -1"),
        (changed(rank=10**30), "rank has an unexpected value: 1000000"),
        (changed(id="\ud800"), "holds half a surrogate pair"),
        (changed(target_words=["je", "t'", "\udfff", "</s>"]), "target_words holds half a surr"),
        (changed(maps={"\ud800": []}), "maps holds half a surrogate pair"),
        (changed(maps={"encoder": [0.5]}), "maps: 'encoder': 1 numbers, but the"),
        (changed(maps={"\x1b]0;owned\x07": [[]]}), r"maps: '\\x1b\]0;owned\\x07': 1 x 0 numbers"),
        (changed(model={"run": ["\ud800"]}), "model holds half a surrogate pair"),
        (
            changed(attention={"a": 0.5}).replace(b"0.5}", b"1e999}"),
            "attention: a number that is not finite",
        ),
        (changed(attention={"a": json.loads("[" * 50 + "]" * 50)}), "nested more than 20 levels"),
        (changed(schema="\x1b[2J\n"), r"its schema is '\\x1b\[2J\\n'"),
        (b"\x1f\x8b\x08\x00" + changed(), "compressed by gzip: unpack it first"),
    ],
)
def test_a_malicious_line_is_one_line_of_error(line: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "attention.jsonl"
    path.write_bytes(changed() + b"\n" + line + b"\n")
    records = read_records(path)
    assert next(records) == i_love_you()
    with pytest.raises(DataError, match=message) as failure:
        next(records)
    assert str(failure.value).startswith(f"{path}:2: ")
    assert str(failure.value).isprintable()
    assert len(str(failure.value)) < len(str(path)) + 300


def test_a_line_without_an_end_is_not_read_to_its_end() -> None:
    with pytest.raises(DataError, match=r"zero:1: longer than 67,108,864 bytes"):
        list(read_records(Path("/dev/zero")))


def test_records_come_through_a_pipe() -> None:
    """As `--input <(grep ... attention.jsonl)` hands them over."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as file:
        file.write(changed() + b"\n")
    try:
        assert list(read_records(Path(f"/dev/fd/{reading}"))) == [i_love_you()]
    finally:
        os.close(reading)


def test_a_folder_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        list(read_records(tmp_path))


def test_the_file_is_free_of_what_moves_a_terminal(tmp_path: Path) -> None:
    hidden = "a\x1b[2J\x7f\x9b2J\x85\u061c\u200e\u200f\u2028\u202e\u2067b"
    write_records(tmp_path / "a.jsonl", [record_of(hidden, hidden)])
    text = (tmp_path / "a.jsonl").read_text(encoding="utf-8")
    assert text.endswith("\n")
    assert text[:-1].isprintable()
    assert [record.source for record in read_records(tmp_path / "a.jsonl")] == [hidden]


ODD = (
    None, True, 0, -1, 10**400, 1e300, "", "\ud800", "\x1b]0;o\x07", "$\\frac{$", "\n\x00",
    "a" * 5000, [], [[]], [[[]]], {}, [None], ["</s>"], "encoder", [[0.5] * 4] * 5, [[1e9] * 4] * 5,
)  # fmt: skip
PARTS = [field.name for field in dataclasses.fields(AttentionRecord)]


@settings(max_examples=200)
@given(st.data())
def test_every_valid_record_can_be_drawn_and_written(data: st.DataObject) -> None:
    """A record with some unusual parts, on the page, in a picture, in the terminal."""
    content = dataclasses.asdict(
        data.draw(st.sampled_from([i_love_you(), odd(), record_of("", "")]))
    )
    for name in data.draw(st.lists(st.sampled_from([*PARTS, "else"]), max_size=2)):
        inside = content.get(name)
        if isinstance(inside, dict | list) and inside and data.draw(st.booleans()):
            keys = [*inside, "step", "run"] if isinstance(inside, dict) else range(len(inside))
            inside[data.draw(st.sampled_from(keys))] = data.draw(st.sampled_from(ODD))
        else:
            content[name] = data.draw(st.sampled_from(ODD))
    with TemporaryDirectory() as place:
        path = Path(place) / "a.jsonl"
        path.write_text(json.dumps(content), encoding="utf-8")
        try:
            found = list(read_records(path))
        except DataError as error:
            told = str(error)
            assert told.isprintable()  # noqa: PT017  # most are refused, some are not
            return
        write_records(path, found)
        assert list(read_records(path)) == found
        save_page(found, Path(place) / "a.html")
        for record in found:
            shown = table(record, color=False, width=80)
            assert all(line.isprintable() for line in shown.split("\n"))
            assert len(_caption(record)) < 150


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere.jsonl: cannot be read: No such file"):
        list(read_records(tmp_path / "nowhere.jsonl"))


def test_an_older_file_without_ranks_is_read(tmp_path: Path) -> None:
    content = dataclasses.asdict(i_love_you())
    del content["rank"]
    path = tmp_path / "attention.jsonl"
    path.write_text(json.dumps(content) + "\n\n", encoding="utf-8")
    assert list(read_records(path)) == [i_love_you()]


def test_maps_come_back_with_the_names_of_their_sides(tmp_path: Path) -> None:
    plain = i_love_you()
    found = {
        "encoder layer 1 head 1": np.eye(4),
        "decoder layer 2 head 3 self": np.tril(np.ones((5, 5))) / 5,
        "decoder layer 2 head 3": np.array(plain.weights),
    }
    given = make_record(
        id="0",
        source=plain.source,
        target=plain.target,
        source_pieces=cut(plain.source, 1, 5),
        target_pieces=cut(plain.target, 2, 2, 1),
        weights=np.array(plain.weights),
        token_scores=plain.token_scores,
        attention={},
        model={},
        maps=found,
    )
    path = tmp_path / "attention.jsonl"
    write_records(path, [given])
    (record,) = read_records(path)
    assert list(record.maps) == list(found)
    source, target = ["I", "▁love", "▁you", "</s>"], ["je", "▁t", "'", "aime", "</s>"]
    sides = {
        "encoder layer 1 head 1": (source, source),
        "decoder layer 2 head 3 self": (target, ["<s>", "je", "▁t", "'", "aime"]),
        "decoder layer 2 head 3": (target, source),
    }
    for name, weights in found.items():
        matrix = record.map(name)
        assert (matrix.target, matrix.source) == sides[name]
        np.testing.assert_allclose(matrix.weights, weights)


@settings(max_examples=50)
@given(st.floats(1e-12, 1.0))
def test_weights_keep_six_digits(weight: float) -> None:
    record = record_of("", "x", weights=[[weight], [1.0]])
    kept = record.weights[0][0]
    assert kept == (float(f"{weight:.6g}") if weight >= 1e-9 else 0.0)


def test_the_example_in_the_documentation_is_a_record(tmp_path: Path) -> None:
    page = Path(__file__).parent.parent / "docs" / "attention-record.md"
    example = json.loads(page.read_text(encoding="utf-8").split("```json")[1].split("```")[0])
    path = tmp_path / "attention.jsonl"
    path.write_text(json.dumps(example), encoding="utf-8")
    (record,) = read_records(path)
    assert dataclasses.asdict(record) == {**example, "maps": {}}
    assert record.score == pytest.approx(sum(record.token_scores))
    assert record.word_weights == i_love_you().word_weights
