"""Word vectors from files written by hand, alone and in a training."""

import gzip
import os
import re
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from nmt.data.tokenizers import word_vectors
from nmt.data.tokenizers.word_vectors import inspect, read_vectors
from nmt.errors import DataError
from support.commands import Commands, lay_out

THREE = """the 0.1 -0.2 3e-1
dogs 1 2 3
Dogs 4 5 6
. 7 8 9
"""
TABLE = {
    "the": [0.1, -0.2, 0.3],
    "dogs": [1, 2, 3],
    "Dogs": [4, 5, 6],
    ".": [7, 8, 9],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "glove.txt"
    path.write_text(THREE, encoding="utf-8")
    return path


def found(path: Path, *words: str) -> dict[str, list[float]]:
    """The vectors of words, requested with ids from 4 on."""
    result = read_vectors(inspect(path), dict(enumerate(words, start=4)))
    assert result.ids.tolist() == sorted(result.ids.tolist())
    assert result.table.dtype == np.float32
    return {
        words[id - 4]: row.tolist()
        for id, row in zip(result.ids.tolist(), result.table, strict=True)
    }


def single(values: list[float]) -> list[float]:
    return np.array(values, np.float32).tolist()


def refused(path: Path, *words: str) -> str:
    with pytest.raises(DataError) as caught:
        found(path, *words)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(path), "FILE")


# Reading


def test_every_requested_word_has_the_numbers_of_its_line(file: Path) -> None:
    assert found(file, ".", "dogs", "cats", "the") == {
        word: single(TABLE[word]) for word in (".", "dogs", "the")
    }


@pytest.mark.parametrize("header", ["", "4 3\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", " \n", "\r\n"])
def test_a_header_a_mark_and_line_ends_change_nothing(
    file: Path, header: str, mark: str, end: str
) -> None:
    text = mark + (header + THREE).replace("\n", end)
    file.write_text(text.rstrip("\n"), encoding="utf-8", newline="")
    assert found(file, *TABLE) == {word: single(row) for word, row in TABLE.items()}
    described = inspect(file)
    assert described.width == 3
    assert described.header == (4 if header else None)


def test_a_word_not_in_the_file_takes_the_vector_of_its_lower_case(file: Path) -> None:
    file.write_text("étés 1 2\nParis 3 4\nparis 5 6\n", encoding="utf-8")
    assert found(file, "Étés", "PARIS", "Paris", "paris") == {
        "Étés": [1, 2],
        "PARIS": [5, 6],
        "Paris": [3, 4],
        "paris": [5, 6],
    }
    file.write_text("paris 5 6\nParis 3 4\n", encoding="utf-8")
    assert found(file, "Paris") == {"Paris": [3, 4]}


def test_a_lower_case_word_does_not_match_capitals(file: Path) -> None:
    file.write_text("Paris 3 4\n", encoding="utf-8")
    assert found(file, "paris") == {}


def test_the_first_line_of_a_repeated_word_counts(file: Path) -> None:
    file.write_text("a 1 2\nb 3 4\na 5 6\nb 7 8\n", encoding="utf-8")
    assert found(file, "a", "B") == {"a": [1, 2], "B": [3, 4]}


def test_several_ids_of_one_word_have_the_same_vector(file: Path) -> None:
    result = read_vectors(inspect(file), {9: "dogs", 5: "dogs"})
    assert result.ids.tolist() == [5, 9]
    assert result.table.tolist() == [[1, 2, 3], [1, 2, 3]]


def test_a_word_may_hold_spaces(file: Path) -> None:
    file.write_text("the 1 2\n. . . 3 4\nat me@x.org 5 6\nat 7 8\n", encoding="utf-8")
    assert found(file, ".", "at") == {"at": [7, 8]}


def test_words_that_read_as_numbers_are_words(file: Path) -> None:
    file.write_text("7 1 2\nnan 3 4\ninf 5 6\n", encoding="utf-8")
    assert found(file, "7", "nan", "inf") == {"7": [1, 2], "nan": [3, 4], "inf": [5, 6]}


def test_words_that_are_not_utf8_affect_no_other(file: Path) -> None:
    file.write_bytes(b"caf\xe9 1 2\nthe 3 4\n\xc2\x85 5 6\n")
    assert found(file, "the", "\x85") == {"the": [3, 4], "\x85": [5, 6]}


def test_empty_lines_count_as_lines_but_are_not_words(file: Path) -> None:
    file.write_text("\nthe 1 2\n\ndogs 3 4\n\n", encoding="utf-8")
    result = read_vectors(inspect(file), {4: "dogs"})
    assert result.table.tolist() == [[3, 4]]
    assert result.words == 2
    file.write_text("\nthe 1 2\n\ndogs 3\n", encoding="utf-8")
    assert refused(file, "dogs").startswith("FILE:4: ")


def test_a_header_states_how_many_words_follow(file: Path) -> None:
    file.write_text("7 3\n" + THREE, encoding="utf-8")
    result = read_vectors(inspect(file), {4: "dogs"})
    assert (result.promised, result.words) == (7, 4)


def test_the_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak(lines: int) -> int:
        path = tmp_path / f"{lines}.txt"
        row = " 0.125" * 20
        path.write_text("".join(f"w{n}{row}\n" for n in range(lines)), encoding="utf-8")
        file = inspect(path)
        tracemalloc.start()
        read_vectors(file, {4: "w3", 5: "w7"})
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(20_000) < 1.2 * peak(200) + 10_000


def test_only_the_lines_of_needed_words_are_parsed(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = inspect(file)
    asked = []
    real = word_vectors._numbers
    monkeypatch.setattr(
        word_vectors, "_numbers", lambda file, number, fields: asked.append(number) or real(
            file, number, fields
        ),
    )  # fmt: skip
    read_vectors(described, {4: "dogs", 5: "cats", 6: "."})
    assert asked == [2, 4]


# Broken files


def broken_line(text: str, number: int) -> str:
    """A file of 300 good lines, one of them replaced."""
    lines = [f"w{n} {n} 0.5 -1" for n in range(1, 301)]
    lines[number - 1] = text
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("number", [2, 250, 300])
@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("w 1 2", "'w 1 2' has 2 numbers where 3 are expected (see line 1)"),
        ("w", "'w' has 0 numbers where 3 are expected (see line 1)"),
        ("w 1 2 3 4", "'w 1 2 3 4' has 4 numbers where 3 are expected (see line 1)"),
        ("w 1 2 3 4 5", "'w 1 2 3 4 5' has 5 numbers where 3 are expected (see line 1)"),
    ],
)
def test_a_line_of_another_width_is_refused_even_if_not_needed(
    file: Path, line: str, what: str, number: int
) -> None:
    file.write_text(broken_line(line, number), encoding="utf-8")
    assert refused(file, "other") == f"FILE:{number}: {what}: fix the line, or remove it"


@pytest.mark.parametrize("number", [2, 250])
@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("w 1 nan 2", "number 2 of 3 is 'nan'"),
        ("w inf 1 2", "number 1 of 3 is 'inf'"),
        ("w 1 2 1e39", "number 3 of 3 is '1e39'"),
        ("w 1 2 x", "number 3 of 3 is 'x'"),
        ("w 1  2", "number 2 of 3 is ''"),
    ],
)
def test_a_number_that_is_not_finite_is_refused_with_its_place(
    file: Path, line: str, what: str, number: int
) -> None:
    file.write_text(broken_line(line, number), encoding="utf-8")
    assert refused(file, "w") == (
        f"FILE:{number}: {what}, which is not a finite number: fix the line, or remove it"
    )


def test_lines_that_are_not_as_the_header_says_are_refused(file: Path) -> None:
    file.write_text("4 2\n" + THREE, encoding="utf-8")
    assert refused(file) == (
        "FILE:2: 'the 0.1 -0.2 3e-1' has 3 numbers where 2 are expected (see line 1): fix the "
        "line, or remove it"
    )


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (
            gzip.compress(THREE.encode(), mtime=0),
            "FILE is compressed with gzip: unpack it, and name the text",
        ),
        (b"PK\x03\x04 and so on", "FILE is compressed with zip: unpack it, and name the text file"),
        (
            b"2 3\nthe \xcd\xcc\xcc\x3d\x00\x00\x80\x3f",
            "FILE is binary, like the .bin files of word2vec",
        ),
        (THREE.encode("utf-16"), "FILE looks like UTF-16: save it as UTF-8"),
        (b"", "FILE holds no word vectors: it ends after line "),
        (b"\n\n", "FILE holds no word vectors: it ends after line 2"),
        (b"400000 300\n", "FILE holds no word vectors: it ends after line 1"),
        (
            b"the\t1\t2\n",
            r"FILE:1: not a word vector ('the\x091\x092'): a line is a word and its numbers",
        ),
        (b'{"the": [1, 2]}\n', "FILE:1: number 1 of 2 is '[1,', which is not a finite number"),
    ],
)
def test_a_file_that_is_not_word_vectors_is_reported_in_one_line(
    file: Path, content: bytes, what: str
) -> None:
    file.write_bytes(content)
    assert refused(file).startswith(what)


def test_a_pipe_is_refused_without_blocking(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(DataError, match="is not an ordinary file, but is read twice"):
        inspect(tmp_path / "pipe.txt")


@pytest.mark.parametrize(
    "text",
    [
        "9" * 5000 + " 3\na 1 2 3\n",
        f"3 {10**9}\na 1 2 3\n",
        f"{10**18} {10**18}\na 1 2 3\n",
        "a 1 2 1_0\n",
        "\x1b]0;owned\x07\n",
        "a 1 2 \x1b[2J\n",
        "a 1 2 \u0663\n",
    ],
)
def test_a_malicious_file_is_one_line_of_error(text: str, tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        inspect(path)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < len(str(path)) + 300


def test_a_folder_or_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path) == "FILE is a folder; name the file of word vectors in it"
    assert refused(tmp_path / "none.txt").startswith("no file FILE (looked in ")


def test_an_endless_line_is_not_read_into_memory(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(word_vectors, "LONGEST", 50)
    file.write_text("the 1 2\nx" + " 1" * 1000, encoding="utf-8")
    assert refused(file) == "FILE:2: longer than 50 bytes: not a word vector"


# In a training

WORDS = {"I": [1, 2, 3, 4], "dogs": [5, 6, 7, 8], "love": [0.25, -0.5, 9, 1e-3]}
GLOVE = "".join(f"{word} {' '.join(map(str, row))}\n" for word, row in WORDS.items())
WANTED = [
    "tokenizer={kind: word, joint: false, vocabulary_size: 16}",
    "model.embedding_size=4",
    "model.source_vectors.file=glove.txt",
]


@pytest.fixture
def nmt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Commands:
    lay_out(tmp_path)
    (tmp_path / "glove.txt").write_text(GLOVE, encoding="utf-8")
    return Commands(tmp_path, monkeypatch, capsys)


def source_table(folder: Path, checkpoint: str = "last") -> tuple[list[str], torch.Tensor]:
    """The words of the source and their embeddings, in a run's checkpoint."""
    run = folder / "runs/tiny"
    lines = (run / "tokenizer/source.vocab").read_text("utf-8").split("\n")[:-1]
    parameters = load_file(run / "checkpoints" / checkpoint / "model.safetensors")
    return [line.split("\t")[1] for line in lines], parameters["source_embedding.weight"]


def has_the_vectors(names: list[str], table: torch.Tensor) -> bool:
    return all(
        table[names.index(f"▁{word}")].tolist() == single(row) for word, row in WORDS.items()
    )


@pytest.mark.slow
def test_frozen_vectors_stay_and_the_run_outlives_their_file(nmt: Commands) -> None:
    frozen = [*WANTED, "model.source_vectors.tune=false"]
    trained = nmt("train", "tiny.yaml", *frozen)
    assert trained.status == 0, trained.err
    assert "the source embeddings are frozen" in trained.err
    names, table = source_table(nmt.folder)
    assert has_the_vectors(names, table)
    assert table[0].tolist() == [0, 0, 0, 0]  # padding

    (nmt.folder / "glove.txt").unlink()
    resumed = nmt("train", "tiny.yaml", "--resume", *frozen, "training.epochs=3")
    assert resumed.status == 0, resumed.err
    assert "resumed at step" in resumed.err
    again = source_table(nmt.folder)[1]
    assert torch.equal(again, table)
    first, *_, last = (
        load_file(nmt.folder / f"runs/tiny/checkpoints/step-{step}/model.safetensors")
        for step in sorted(
            int(path.name[5:]) for path in (nmt.folder / "runs/tiny/checkpoints").glob("step-*")
        )
    )
    assert not torch.equal(first["target_embedding.weight"], last["target_embedding.weight"])

    translated = nmt("translate", "I love wolves")
    assert translated.status == 0, translated.err
    assert "<unk>" not in translated.out


@pytest.mark.slow
def test_tuned_vectors_are_trained_further_from_the_file(nmt: Commands) -> None:
    trained = nmt("train", "tiny.yaml", *WANTED, "training.learning_rate=0.000001")
    assert trained.status == 0, trained.err
    assert "are frozen" not in trained.err
    names, table = source_table(nmt.folder)
    for word, row in WORDS.items():
        learned = table[names.index(f"▁{word}")]
        assert torch.allclose(learned, torch.tensor(single(row)), atol=1e-3)
        assert learned.tolist() != single(row)


@pytest.mark.slow
def test_a_frozen_target_freezes_the_vocabulary_that_shares_it(nmt: Commands) -> None:
    (nmt.folder / "fr.txt").write_text("3 4\nje 1 2 3 4\nles 5 6 7 8\n", encoding="utf-8")
    wanted = [*WANTED[:2], "model.target_vectors={file: fr.txt, tune: false}"]
    trained = nmt("train", "tiny.yaml", *wanted)
    assert trained.status == 0, trained.err
    assert "the target embeddings and the output layer are frozen" in trained.err
    assert "fr.txt announces 3 words in its first line but has 2: was it cut short?" in trained.err
    lines = (nmt.folder / "runs/tiny/tokenizer/target.vocab").read_text("utf-8").split("\n")
    parameters = load_file(nmt.folder / "runs/tiny/checkpoints/last/model.safetensors")
    assert parameters["target_embedding.weight"][
        next(int(line.split("\t")[0]) for line in lines if line.endswith("\t▁les"))
    ].tolist() == [5, 6, 7, 8]
    assert nmt("train", "tiny.yaml", "--resume", *wanted, "training.epochs=3").status == 0


def test_the_coverage_is_reported_for_words_and_running_words(nmt: Commands) -> None:
    # 150 pairs of 3 words; a vocabulary of 12: 5 objects, 5 verbs and 2 of the 6 subjects
    rows = "".join(f"{word} 1 2 3 4\n" for word in ("dogs", "cats", "men", "love", "wolves"))
    (nmt.folder / "glove.txt").write_text(rows, encoding="utf-8")
    everything = ["data.validation_size=2", "data.test_size=2"]
    found = nmt("train", "tiny.yaml", "--dry-run", *WANTED, *everything)
    assert found.status == 0, found.err
    told = re.search(
        r"word vectors: 4 of 12 source words found in glove.txt \((.*) % of running", found.err
    )
    assert told, found.err
    assert float(told[1]) == pytest.approx(100 * (4 / 5 * 1 / 3), abs=1.5)  # 4 were drawn out


def test_a_file_of_another_language_is_reported(nmt: Commands) -> None:
    (nmt.folder / "glove.txt").write_text("chien 1 2 3 4\n", encoding="utf-8")
    found = nmt("train", "tiny.yaml", "--dry-run", *WANTED)
    assert found.status == 0, found.err
    assert "word vectors: 0 of 12 source words found in glove.txt (0.0 %" in found.err
    assert "glove.txt has no word of the source text: is it of that language?" in found.err


def complaint(nmt: Commands, *overrides: str, config: str = "tiny.yaml") -> str:
    found = nmt("config", "validate", config, *overrides)
    assert found.status == 2, found
    [line] = [line for line in found.err.split("\n") if line.startswith("nmt: ")]
    return line.removeprefix("nmt: ")


def test_vectors_of_another_width_than_the_embeddings_are_refused(nmt: Commands) -> None:
    text = (nmt.folder / "tiny.yaml").read_text("utf-8")
    lines = text.replace("model:", "model:\n  source_vectors:\n    file: glove.txt").split("\n")
    lines[lines.index("tokenizer: {vocabulary_size: 400}")] = "tokenizer: {kind: word}"
    (nmt.folder / "mine.yaml").write_text("\n".join(lines), encoding="utf-8")
    place = lines.index("    file: glove.txt") + 1
    wrong = "glove.txt:1: its vectors have 4 numbers, but model.embedding_size is 16: "
    fix = "set model.embedding_size to 4, or name a file of vectors of 16"
    assert complaint(nmt, config="mine.yaml") == (
        f"mine.yaml:{place}: model.source_vectors.file: {wrong}{fix}"
    )
    assert nmt("config", "validate", "mine.yaml", "model.embedding_size=4").status == 0
    for dry in ((), ("--dry-run",)):
        found = nmt("train", "mine.yaml", *dry)
        assert found.status == 2
        assert f"mine.yaml:{place}: model.source_vectors.file: {wrong}" in found.err
    assert not (nmt.folder / "runs").exists()


def test_a_missing_or_broken_file_is_refused_before_the_training(nmt: Commands) -> None:
    (nmt.folder / "glove.txt").write_text("dogs 1 2 3 4\ncats 1 2 x 4\n", encoding="utf-8")
    assert complaint(nmt, *WANTED).startswith(
        "command line: model.source_vectors.file: glove.txt:2: number 3 of 4 is 'x', which is no"
    )
    (nmt.folder / "glove.txt").unlink()
    assert complaint(nmt, *WANTED).startswith(
        "command line: model.source_vectors.file: no file glove.txt (looked in "
    )


def test_a_broken_line_far_into_the_file_leaves_no_run(nmt: Commands) -> None:
    lines = [f"w{n} 1 2 3 4" for n in range(500)]
    (nmt.folder / "glove.txt").write_text("\n".join([*lines, "dogs 1 2"]), encoding="utf-8")
    assert nmt("config", "validate", "tiny.yaml", *WANTED).status == 0
    found = nmt("train", "tiny.yaml", *WANTED)
    assert found.status == 3
    assert "nmt: glove.txt:501: 'dogs 1 2' has 2 numbers where 4 are expected" in found.err
    assert not (nmt.folder / "runs").exists()


def test_word_vectors_need_a_word_tokenizer(nmt: Commands) -> None:
    assert complaint(nmt, "model.source_vectors.file=glove.txt") == (
        "tiny.yaml: model.source_vectors is 'glove.txt', but tokenizer.kind is 'bpe': word "
        "vectors need tokenizer.kind word"
    )


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("null", "null"),
        ("{file: fr.txt}", "'fr.txt', tuned"),
        ("{file: glove.txt, tune: false}", "'glove.txt', frozen"),
    ],
)
def test_shared_embeddings_need_one_file(nmt: Commands, target: str, told: str) -> None:
    shared = [
        "tokenizer={kind: word}",
        "model.tie_embeddings=all",
        "model.embedding_size=4",
        "model.source_vectors={file: glove.txt}",
    ]
    assert complaint(nmt, *shared, f"model.target_vectors={target}") == (
        "tiny.yaml: model.tie_embeddings is 'all', which shares one table between both sides, but "
        f"model.source_vectors is 'glove.txt', tuned and model.target_vectors {told}: set both "
        "to the same, or tie less"
    )
    same = "model.target_vectors={file: glove.txt}"
    assert nmt("config", "validate", "tiny.yaml", *shared, same).status == 0
