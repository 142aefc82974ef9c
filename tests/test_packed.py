"""Weights that are laid out once compute what plain ones do."""

import pytest
import torch
from torch import nn

from nmt.config import AttentionConfig, DecoderConfig, ModelConfig
from nmt.data.tokenizers.base import Vocabularies
from nmt.decoding.torch_engine import TorchEngine
from nmt.models import build_model, packed
from nmt.models.cells import LSTM, CellState
from nmt.models.devices import choose
from nmt.models.packed import PackedLinear, PackedWeight
from nmt.workflows.bench.machine import counted

TYPES = [torch.float32, torch.bfloat16, torch.float64]
CLOSE = {torch.float32: 1e-5, torch.bfloat16: 2e-2, torch.float64: 1e-12}


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("rows", [0, 1, 5, 64])
@pytest.mark.parametrize("transposed", [False, True])
def test_a_packed_weight_multiplies_like_a_plain_one(
    dtype: torch.dtype, rows: int, transposed: bool
) -> None:
    weight = torch.randn(7, 11, dtype=dtype)
    if transposed:
        weight = weight.t().contiguous().t()
    inputs = torch.randn(rows, 11, dtype=dtype)
    product = PackedWeight(weight)
    close = {"rtol": CLOSE[dtype], "atol": CLOSE[dtype]}
    wanted = inputs.double() @ weight.double().t()
    torch.testing.assert_close(product(inputs).double(), wanted, **close)
    for added in (torch.randn(rows, 7, dtype=dtype), torch.randn(7, dtype=dtype)):
        before = added.clone()
        found = product(inputs, added)
        assert found.dtype == dtype
        torch.testing.assert_close(found.double(), wanted + added.double(), **close)
        assert torch.equal(added, before)


def test_without_the_library_a_packed_weight_is_a_plain_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weight, inputs = torch.randn(7, 11), torch.randn(3, 11)
    with_it = PackedWeight(weight)(inputs)
    monkeypatch.setattr(packed, "_LAYOUT", None)
    without = PackedWeight(weight)
    assert without.packed is None
    torch.testing.assert_close(without(inputs), with_it)


def test_a_packed_layer_reads_any_type_and_any_number_of_axes() -> None:
    learned = nn.Linear(11, 7)
    layer = PackedLinear(learned.requires_grad_(False))
    inputs = torch.randn(2, 3, 11, dtype=torch.bfloat16)
    torch.testing.assert_close(layer(inputs), learned(inputs.float()))
    assert layer.weight is learned.weight


@torch.no_grad()
def test_a_packed_stack_takes_the_same_steps() -> None:
    stack = LSTM(6, 4, 10, layers=3, dropout=0.0).eval()
    words, feed = torch.randn(5, 6), torch.randn(5, 4)
    state = CellState(*(tuple(torch.randn(5, 10) for _ in range(3)) for _ in range(2)))
    wanted = stack.step(stack.project(words), feed, state)
    stack.pack()
    for _ in range(2):
        found = stack.step(stack.project(words), feed, state)
        for side, other in zip(found.hidden + found.cell, wanted.hidden + wanted.cell, strict=True):
            torch.testing.assert_close(side, other)


def test_an_engine_lays_out_every_layer_and_leaves_the_model_alone() -> None:
    config = ModelConfig(
        decoder=DecoderConfig(kind="conditional"), attention=AttentionConfig(score="general")
    )
    model = build_model(config, Vocabularies(23, 29))
    engine = TorchEngine(model, choose("cpu", "float32"))
    kinds = {type(each) for each in engine.model.modules() if isinstance(each, nn.Linear)}
    assert kinds == {PackedLinear}
    assert not any(isinstance(each, PackedLinear) for each in model.modules())


@pytest.mark.parametrize("added", [None, (5, 7), (7,)])
def test_the_flop_of_a_packed_product_are_counted(added: tuple[int, ...] | None) -> None:
    product, inputs = PackedWeight(torch.randn(7, 7)), torch.randn(5, 7)
    given = () if added is None else (torch.randn(*added),)
    flop, _ = counted(nn.Identity(), lambda: product(inputs, *given))
    assert flop == 2 * 5 * 7 * 7
