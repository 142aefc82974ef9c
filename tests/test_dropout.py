import pytest
import torch

from nmt.models.dropout import Dropout

COUNT = 400_003  # no multiple of the four values that share a word of random bits


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
    for distance in (1, 2, 3, 4, 5):  # four neighbours share their random bits' word
        together = (dropped[distance:] * dropped[:-distance]).mean().item()
        assert together == pytest.approx(0.09, abs=0.003)


def test_the_slope_is_dropped_and_scaled_like_the_value() -> None:
    values = torch.randn(7, 5, 3, requires_grad=True)
    found = Dropout(0.4)(values)
    found.sum().backward()
    torch.testing.assert_close(values.grad * values, found)


def test_the_generator_of_torch_decides() -> None:
    draws = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        draws.append(Dropout(0.5)(torch.ones(6, 11)))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_nothing_is_dropped_or_drawn_where_nothing_is_to_be_dropped() -> None:
    values = torch.randn(4, 9)
    before = torch.get_rng_state()
    assert torch.equal(Dropout(0.0)(values), values)
    assert torch.equal(Dropout(0.5).eval()(values), values)
    assert torch.equal(torch.get_rng_state(), before)


def test_hardly_anything_is_left_of_a_probability_next_to_one() -> None:
    torch.manual_seed(1)
    assert (Dropout(0.999999)(torch.ones(1000)) == 0).double().mean() > 0.99
