"""Every layer and head of a translation, from the model to the record and the picture."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from nmt.evaluation.records import read_records
from nmt.workflows.inference.teacher_forcing import maps_of
from support.commands import Commands, lay_out

HEADS = ("model.attention.heads=2", "model.attention.size=8", "training.epochs=1")
NONE = ("model.attention.score=none", "training.epochs=1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("maps")


@pytest.fixture
def nmt(folder, monkeypatch, capsys):
    """A run of two heads, and one without attention, trained once."""
    commands = Commands(folder, monkeypatch, capsys)
    if not (folder / "runs").exists():
        lay_out(folder)
        for name, overrides in (("none", NONE), ("heads", HEADS)):
            assert commands("train", "tiny.yaml", f"name={name}", *overrides).status == 0
    return commands


def records(nmt, *options):
    assert nmt("translate", "I see dogs", "--attention", "found.jsonl", *options).status == 0
    return list(read_records(nmt.folder / "found.jsonl"))


@pytest.mark.slow
def test_maps_are_kept_when_asked_for_and_their_mean_is_the_attention(nmt):
    (plain,) = records(nmt)
    assert plain.maps == {}
    (found,) = records(nmt, "--maps")
    assert list(found.maps) == ["decoder layer 1 head 1", "decoder layer 1 head 2"]
    mean = np.mean([found.map(name).weights for name in found.maps], axis=0)
    np.testing.assert_allclose(mean, found.weights, atol=1e-4)
    first, second = (found.map(name).weights for name in found.maps)
    assert np.abs(first - second).max() > 1e-3


@pytest.mark.slow
def test_maps_of_the_last_translation_are_drawn_though_they_were_not_kept(nmt):
    records(nmt)
    assert nmt("plot-attention", "--maps", "--output", "maps.svg").status == 0
    drawn = (nmt.folder / "maps.svg").read_text(encoding="utf-8")
    assert "decoder layer 1 head 2" in drawn
    assert nmt("plot-attention", "We hear cats", "--maps", "--output", "two.png").status == 0


@pytest.mark.slow
def test_a_model_without_attention_does_not_appear_to_attend_to_the_first_word(nmt):
    found = nmt("translate", "I see dogs", "--run", "runs/none", "--show-attention")
    assert found.status == 0
    assert found.err.strip().endswith("(this model has no attention)")
    refused = nmt("plot-attention", "I see dogs", "--run", "runs/none")
    assert refused.status == 2
    assert "the model has no attention (model.attention.score is none)" in refused.err
    assert refused.err.strip().count("\n") <= 1  # a line of log may stand before it
    assert not (nmt.folder / "attention.png").exists()
    nothing = nmt("plot-attention", "I see dogs", "--run", "runs/none", "--maps")
    assert nothing.status == 2
    assert "no record holds the maps" in nothing.err


class OnApple:
    """A tensor on a device without float64."""

    def __init__(self, values: torch.Tensor) -> None:
        self.values = values

    def __getitem__(self, index: int) -> "OnApple":
        return OnApple(self.values[index])

    def cpu(self) -> torch.Tensor:
        return self.values

    def double(self) -> torch.Tensor:
        raise TypeError("Cannot convert a MPS Tensor to float64")


def test_no_float64_is_used_on_a_device_without_it() -> None:
    weights = torch.rand(1, 2, 3)
    model: Any = SimpleNamespace(
        parameters=lambda: iter([torch.zeros(1)]), maps=lambda *_: {"one": OnApple(weights)}
    )
    pieces = SimpleNamespace(encode_with_offsets=lambda text: SimpleNamespace(ids=[5, 6]))
    trained: Any = SimpleNamespace(model=model, tokenizers=SimpleNamespace(source=pieces))
    translated: Any = SimpleNamespace(source="a b")
    found: Any = SimpleNamespace(hypothesis=SimpleNamespace(ids=[7, 3]))
    maps = maps_of(trained, translated, found)
    assert maps["one"].dtype == np.float64
    np.testing.assert_array_equal(maps["one"], weights[0].double().numpy())
