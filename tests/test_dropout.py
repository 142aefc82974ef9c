from typing import Any

import pytest
import torch
from torch import Tensor

from nmt.data.tokenizers.base import PAD
from nmt.models.attention.positions import sinusoids
from nmt.models.dropout import Dropout
from support.tiny_models import SOURCES, TARGETS, Kind, ids

COUNT = 400_003  # not a multiple of four: four values share a word of random bits


@pytest.mark.parametrize("p", [0.1, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_values_are_zero_with_probability_p_and_scaled_else(p: float, dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    found = Dropout(p)(torch.ones(COUNT, dtype=dtype))
    assert found.dtype == dtype
    dropped = (found == 0).double().mean().item()
    deviation = (p * (1 - p) / COUNT) ** 0.5
    assert dropped == pytest.approx(p, abs=5 * deviation)
    scaled = torch.tensor(1 / (1 - p), dtype=dtype).item()
    assert set(found.unique().tolist()) == {0.0, scaled}


def test_neighbours_are_dropped_independently() -> None:
    torch.manual_seed(1)
    dropped = (Dropout(0.3)(torch.ones(COUNT)) == 0).double()
    for distance in (1, 2, 3, 4, 5):  # four neighbours share a word of random bits
        together = (dropped[distance:] * dropped[:-distance]).mean().item()
        assert together == pytest.approx(0.09, abs=0.003)


def test_the_gradient_is_dropped_and_scaled_like_the_value() -> None:
    values = torch.randn(7, 5, 3, requires_grad=True)
    found = Dropout(0.4)(values)
    found.sum().backward()
    torch.testing.assert_close(values.grad * values, found)


def test_the_random_generator_of_torch_decides() -> None:
    draws = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        draws.append(Dropout(0.5)(torch.ones(6, 11)))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_probability_zero_drops_and_draws_nothing() -> None:
    values = torch.randn(4, 9)
    before = torch.get_rng_state()
    assert torch.equal(Dropout(0.0)(values), values)
    assert torch.equal(Dropout(0.5).eval()(values), values)
    assert torch.equal(torch.get_rng_state(), before)


def test_hardly_anything_is_left_of_a_probability_next_to_one() -> None:
    torch.manual_seed(1)
    assert (Dropout(0.999999)(torch.ones(1000)) == 0).double().mean() > 0.99


# Where it is applied


@pytest.mark.parametrize("positions", ["sinusoidal", "learned"])
@pytest.mark.parametrize("side", ["encoder", "decoder"])
def test_it_is_applied_to_the_sums_of_words_and_positions(side: str, positions: str) -> None:
    """drop(x sqrt(d) + p_t): Vaswani et al. (2017), section 5.4."""
    layer = (("heads", 3), ("positions", positions), ("norm", "none"))
    kind = Kind("transformer", score="scaled_dot", encoder="self_attention", layer=layer)
    model: Any = kind.build(dropout=0.25).train()
    part = getattr(model, side)
    look = part.layers[0].self_attention
    read: list[Tensor] = []
    look.register_forward_pre_hook(lambda _, given: read.append(given[0]))
    source, target = ids(SOURCES), ids(TARGETS)
    model(source, source != PAD, target)
    rows = source if side == "encoder" else target
    words = getattr(model, "source_embedding" if side == "encoder" else "target_embedding")(rows)
    places = torch.arange(rows.size(1))
    width = words.size(-1)
    told = (
        sinusoids(places, width, torch.float64)
        if positions == "sinusoidal"
        else part.positions.learned.table.weight[: rows.size(1)]
    )
    whole = words * width**0.5 + told
    [found] = read
    kept = found != 0
    torch.testing.assert_close(found, torch.where(kept, whole / 0.75, 0.0))
    assert 0.55 < kept.double().mean() < 0.95


@pytest.mark.parametrize("positions", ["rotary", "none"])
def test_words_whose_positions_are_not_added_are_dropped_once(positions: str) -> None:
    layer = (("heads", 3), ("positions", positions), ("norm", "none"))
    kind = Kind("transformer", score="scaled_dot", encoder="self_attention", layer=layer)
    model: Any = kind.build(dropout=0.25).train()
    read: list[Tensor] = []
    model.encoder.layers[0].self_attention.register_forward_pre_hook(
        lambda _, given: read.append(given[0])
    )
    source = ids(SOURCES)
    model.encode(source, source != PAD)
    words = model.source_embedding(source)
    torch.testing.assert_close(read[0], torch.where(read[0] != 0, words / 0.75, 0.0))
