"""Sentences longer than the positions of a model are refused before anything is written."""

from pathlib import Path

import pytest

from support.commands import Commands, lay_out

SOURCE, TARGET = 8, 6
"""Words in the longest sentences, which a word tokenizer keeps whole, and the end."""
LONGEST = f"{' '.join(SOURCE * ['dogs'])}\t{' '.join(TARGET * ['chiens'])}\n"
FILES = "data.files={train: train.tsv, validation: validation.tsv, test: test.tsv}"
WORDS = ("tokenizer={kind: word, joint: false}", "training.epochs=1", "data.cleaning.max_ratio=9")
TRANSFORMER = "model.decoder={kind: transformer, size: 16, self_attention: {heads: 2"
WEIGHTS = "normalizer: weighted_softmax, position_weights: true"
SELF = "model.encoder={kind: self_attention, size: 16, self_attention: {heads: 2"

LIMITED = {
    "location": ("model.attention", "model.attention={score: location}", SOURCE + 1),
    "weights": ("model.attention", f"model.attention={{{WEIGHTS}}}", SOURCE + 1),
    "encoder": ("model.encoder.self_attention", f"{SELF}, positions: learned}}}}", SOURCE + 1),
    "encoder weights": ("model.encoder.self_attention", f"{SELF}, {WEIGHTS}}}}}", SOURCE + 1),
    "decoder": ("model.decoder.self_attention", f"{TRANSFORMER}, positions: learned}}}}",
                TARGET + 1),
}  # fmt: skip


@pytest.fixture
def nmt(tmp_path, monkeypatch, capsys) -> Commands:
    """The command, where one training pair is longer than the others."""
    lay_out(tmp_path)
    with (tmp_path / "train.tsv").open("a", encoding="utf-8") as file:
        file.write(LONGEST)
    held_out("validation", tmp_path)
    held_out("test", tmp_path)
    return Commands(tmp_path, monkeypatch, capsys)


def held_out(split: str, folder: Path, *, more: str = "") -> None:
    (folder / f"{split}.tsv").write_text(f"I see\tje vois\n{more}", encoding="utf-8")


def trained(nmt: Commands, *overrides: str) -> str:
    """The output of a successful training, or the error message."""
    found = nmt("train", "tiny.yaml", "--dry-run", FILES, *WORDS, *overrides)
    if found.status == 0:
        return ""
    assert found.status == 2, found.err
    (refusal,) = [line for line in found.err.split("\n") if line.startswith("nmt: ")]
    assert "Traceback" not in found.err
    return refusal.removeprefix("nmt: ")


@pytest.mark.parametrize("name", LIMITED)
def test_a_longer_training_pair_is_refused_with_both_numbers_and_the_fix(name, nmt) -> None:
    section, model, length = LIMITED[name]
    key = f"{section}.max_positions"
    side = "target" if length == TARGET + 1 else "source"
    assert trained(nmt, model, f"{key}={length - 1}") == (
        f"{key} is {length - 1}, but a {side} in train has up to {length} pieces, including "
        f"its end: set {key}={length}, or lower data.cleaning.max_words"
    )
    assert trained(nmt, model, f"{key}={length}") == ""


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_longer_sentence_to_measure_on_is_refused_too(split, nmt) -> None:
    held_out(split, nmt.folder, more=f"dogs {LONGEST}")
    asked = ("model.attention={score: location}", f"model.attention.max_positions={SOURCE + 1}")
    assert trained(nmt, *asked) == (
        f"model.attention.max_positions is 9, but a source in {split} has up to 10 pieces, "
        "including its end: set model.attention.max_positions=10"
    )
    unmeasured = trained(nmt, *asked, "evaluation.splits=[]")
    assert bool(unmeasured) == (split == "validation")


def test_the_longest_translation_must_fit_too_where_positions_have_weights(nmt) -> None:
    """Of `I see` with its end, three pieces: three times as many, and ten."""
    key = "model.decoder.self_attention.max_positions"
    asked = (f"{TRANSFORMER}, {WEIGHTS}}}}}", "decoding.max_length_factor=3")
    assert trained(nmt, *asked, f"{key}=18") == (
        f"{key} is 18, but a translation tried in validation has up to 19 pieces, including "
        f"its end: set {key}=19"
    )


def test_a_refused_training_writes_nothing(nmt) -> None:
    found = nmt("train", "tiny.yaml", FILES, *WORDS, "model.attention={score: location}",
                "model.attention.max_positions=5")  # fmt: skip
    assert found.status == 2
    assert not (nmt.folder / "runs").exists()


def test_a_model_without_such_parameters_takes_any_length(nmt) -> None:
    assert trained(nmt, "model.attention={score: general, max_positions: 2}") == ""
    assert trained(nmt, "model.attention={score: none, max_positions: 2}") == ""
    assert trained(nmt, *(f"{model}, max_positions: 2}}}}" for model in (SELF, TRANSFORMER))) == ""
