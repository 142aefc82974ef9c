from typing import Any

import entmax
import pytest
import torch
from torch import Tensor

from nmt.errors import ConfigError, DataError
from nmt.models.attention import Normalizer, normalizers
from support.attention_pieces import (
    BATCH,
    POSITIONS,
    SOURCE,
    TARGET,
    config_of,
    formula_of,
    mask_of,
    normalizer_of,
    numbers,
)

CASES: list[dict[str, Any]] = [{"name": name} for name in normalizers]
CASES += [{"name": name, "temperature": 0.4} for name in normalizers]
CASES += [{"name": "weighted_softmax", "position_weights": True, "temperature": 3.0}]
SPARSE = {"sparsemax": entmax.sparsemax, "entmax15": entmax.entmax15}


@pytest.fixture(params=CASES, ids=lambda case: " ".join(map(str, case.values())))
def case(request: pytest.FixtureRequest) -> dict[str, Any]:
    return request.param


@pytest.fixture
def normalizer(case: dict[str, Any]) -> Normalizer:
    return normalizer_of(**case)


def some_scores(*, scale: float = 1.0, source: int = SOURCE) -> Tensor:
    return scale * torch.randn(BATCH, TARGET, source, dtype=torch.double)


def test_a_normalizer_is_the_formula_of_its_paper(
    case: dict[str, Any], normalizer: Normalizer
) -> None:
    formula, weights = formula_of("normalizer", case["name"]), numbers(normalizer)
    lengths = [SOURCE, 2]
    found_of = some_scores(scale=2)
    found = normalizer(found_of, mask_of(lengths))
    for b, length in enumerate(lengths):
        for t in range(TARGET):
            real = [x / case.get("temperature", 1) for x in found_of[b, t, :length].tolist()]
            wanted = [*formula(weights, real), *[0.0] * (SOURCE - length)]
            assert found[b, t].tolist() == pytest.approx(wanted, abs=1e-12)


def test_padding_gets_exactly_zero_wherever_it_stands(normalizer: Normalizer) -> None:
    mask = torch.rand(BATCH, TARGET, SOURCE) < 0.5  # another for each query
    mask[..., 3] = True
    given = some_scores(scale=3)
    found = normalizer(given, mask)
    assert (found[~mask] == 0).all()
    assert (found >= 0).all()
    if normalizer.sums_to_one:
        torch.testing.assert_close(found.sum(-1), torch.ones(BATCH, TARGET).double())
    torch.testing.assert_close(normalizer(given.masked_fill(~mask, 99.0), mask), found)


def test_a_row_of_padding_alone_gets_zeros_and_finite_gradients(normalizer: Normalizer) -> None:
    given = some_scores().requires_grad_()
    found = normalizer(given, mask_of([SOURCE, 0]))
    assert (found[1] == 0).all()
    (found**2).sum().backward()
    assert given.grad is not None
    assert (given.grad[1] == 0).all()
    assert torch.isfinite(given.grad).all()
    assert all(torch.isfinite(p.grad).all() for p in normalizer.parameters() if p.grad is not None)


def test_gradients_are_those_of_finite_differences(normalizer: Normalizer) -> None:
    mask = mask_of([SOURCE, 2])
    parameters = list(normalizer.parameters())
    assert torch.autograd.gradcheck(
        lambda given, *_: normalizer(given, mask), (some_scores().requires_grad_(), *parameters)
    )


@pytest.mark.parametrize("name", list(SPARSE))
@pytest.mark.parametrize("scale", [0.01, 1, 30])
def test_sparse_weights_and_gradients_are_those_of_the_entmax_package(
    name: str, scale: float
) -> None:
    given = some_scores(scale=scale, source=40).requires_grad_()
    found = normalizer_of(name)(given, torch.ones(1, 1, 40, dtype=torch.bool))
    wanted = SPARSE[name](given, dim=-1)
    torch.testing.assert_close(found, wanted)
    assert ((found > 0) == (wanted > 0)).all()
    upstream = torch.randn_like(found)
    (of_found,) = torch.autograd.grad(found, given, upstream)
    (of_wanted,) = torch.autograd.grad(wanted, given, upstream)
    torch.testing.assert_close(of_found, of_wanted)


@pytest.mark.parametrize("name", list(SPARSE))
def test_sparse_weights_are_shared_between_equal_scores(name: str) -> None:
    given = torch.tensor([[[2.0, 7.0, 7.0, -1.0, 7.0, 7.0]]])
    found = normalizer_of(name)(given, torch.ones(1, 1, 6, dtype=torch.bool))
    torch.testing.assert_close(found, torch.tensor([[[0, 0.25, 0.25, 0, 0.25, 0.25]]]))


def test_entmax_is_between_softmax_and_sparsemax() -> None:
    given = torch.tensor([[[1.0, 0.6, 0.2, -0.9]]])
    mask = torch.ones(1, 1, 4, dtype=torch.bool)
    counts = [
        (normalizer_of(name)(given, mask) > 0).sum().item()
        for name in ("softmax", "entmax15", "sparsemax")
    ]
    assert counts == [4, 3, 2]


def test_temperature_one_is_softmax_and_others_flatten_or_sharpen() -> None:
    given, mask = some_scores(), mask_of([SOURCE, 2])
    plain = normalizer_of("softmax", temperature=1.0)(given, mask)
    assert torch.equal(plain[0], given[0].softmax(dim=-1))
    warm, cold = (normalizer_of("softmax", temperature=T)(given, mask) for T in (5.0, 0.2))
    assert (warm.amax(-1) < plain.amax(-1)).all()
    assert (cold.amax(-1) > plain.amax(-1)).all()


@pytest.mark.parametrize("position_weights", [False, True])
def test_weighted_softmax_starts_as_softmax(position_weights: bool) -> None:
    config = config_of(normalizer="weighted_softmax", position_weights=position_weights)
    given, mask = some_scores(), mask_of([SOURCE, 2])
    torch.testing.assert_close(
        normalizers["weighted_softmax"](config)(given, mask), normalizer_of("softmax")(given, mask)
    )


def test_a_position_of_twice_the_weight_gets_twice_the_attention() -> None:
    normalizer = normalizer_of("weighted_softmax", position_weights=True)
    with torch.no_grad():
        normalizer.get_parameter("w").zero_()[2] = torch.tensor(2.0).log()
    found = normalizer(torch.zeros(1, 1, 4), torch.ones(1, 1, 4, dtype=torch.bool))
    torch.testing.assert_close(found[0, 0], torch.tensor([0.2, 0.2, 0.4, 0.2]).double())


def test_a_source_beyond_the_position_weights_is_refused_with_both_numbers() -> None:
    normalizer = normalizer_of("weighted_softmax", position_weights=True)
    longer = POSITIONS + 2
    with pytest.raises(DataError) as caught:
        normalizer(some_scores(source=longer), torch.ones(1, 1, longer, dtype=torch.bool))
    assert str(caught.value) == (
        "position_weights has 9 positions, but a sentence has 11 pieces: shorten it, "
        "or train with a max_positions of 11"
    )


def test_only_relu_gives_no_distribution() -> None:
    assert [name for name in normalizers if not normalizers[name].sums_to_one] == ["relu"]


def test_great_scores_do_not_overflow(normalizer: Normalizer) -> None:
    found = normalizer.float()(
        torch.tensor([[[1e4, -1e4, 3e4]]]), torch.ones(1, 1, 3, dtype=torch.bool)
    )
    assert torch.isfinite(found).all()
    assert found.argmax() == 2


def test_weights_are_exact_though_scores_are_bfloat16(normalizer: Normalizer) -> None:
    normalizer.float()
    mask = torch.ones(1, 1, POSITIONS, dtype=torch.bool)
    given = torch.randn(1, 1, POSITIONS).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = normalizer(given, mask)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, normalizer(given.float(), mask))
    if normalizer.sums_to_one:
        assert found.sum().item() == pytest.approx(1, abs=1e-6)


def test_an_unknown_normalizer_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="unknown attention normalizer 'sparsmax'; did you mean"):
        normalizers["sparsmax"]


@pytest.mark.parametrize("name", list(normalizers))
def test_a_registered_normalizer_is_explained(name: str) -> None:
    formula, paper = (normalizers[name].__doc__ or "").split("\n\n")[:2]
    assert "=" in formula
    assert "https://arxiv.org/abs/" in paper
