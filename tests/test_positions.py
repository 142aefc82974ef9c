import math

import numpy as np
import pytest
import torch
from torch import Tensor

from nmt.errors import DataError
from nmt.models.attention.positions import LearnedPositions, Positions, rotated, sinusoids

BATCH, LENGTH, WIDTH = 2, 5, 6


def angle(position: int, pair: int, width: int) -> float:
    return position / 10_000 ** (2 * pair / width)


@pytest.mark.parametrize("width", [6, 8])
def test_sinusoids_are_the_formula_of_the_paper(width: int) -> None:
    wanted = np.zeros((LENGTH, width))
    for position in range(LENGTH):
        for pair in range(width // 2):
            wanted[position, 2 * pair] = math.sin(angle(position, pair, width))
            wanted[position, 2 * pair + 1] = math.cos(angle(position, pair, width))
    found = sinusoids(torch.arange(LENGTH), width)
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-6)


def test_an_odd_width_cuts_the_last_cosine_off() -> None:
    found = sinusoids(torch.arange(LENGTH), 7)
    assert found.shape == (LENGTH, 7)
    torch.testing.assert_close(found, sinusoids(torch.arange(LENGTH), 8)[:, :7])


def test_rotating_multiplies_complex_numbers() -> None:
    states = torch.randn(BATCH, LENGTH, WIDTH).double()
    positions = torch.tensor([[0, 1, 2, 3, 4], [7, 3, 3, 40, 0]])
    found = rotated(states, positions).numpy()
    for b in range(BATCH):
        for t in range(LENGTH):
            for pair in range(WIDTH // 2):
                number = complex(*states[b, t, 2 * pair : 2 * pair + 2].tolist())
                turned = number * np.exp(1j * angle(int(positions[b, t]), pair, WIDTH))
                np.testing.assert_allclose(found[b, t, 2 * pair], turned.real)
                np.testing.assert_allclose(found[b, t, 2 * pair + 1], turned.imag)


def test_products_of_rotated_vectors_depend_on_their_distance_alone() -> None:
    query, key = torch.randn(2, 1, 1, WIDTH).double()

    def product(here: int, there: int) -> Tensor:
        return (rotated(query, torch.tensor([here])) * rotated(key, torch.tensor([there]))).sum()

    torch.testing.assert_close(product(5, 2), product(13, 10))
    torch.testing.assert_close(product(4, 4), (query * key).sum())
    assert not torch.isclose(product(5, 2), product(2, 5))


def test_positions_are_as_exact_as_what_they_are_added_to() -> None:
    """In float32 the angle of position 10,000 is wrong by some 1e-4."""
    positions = torch.tensor([10_000])
    wanted = [math.sin(angle(10_000, 1, WIDTH)), math.cos(angle(10_000, 1, WIDTH))]
    found = sinusoids(positions, WIDTH, torch.float64)[0, 2:4].tolist()
    assert found == pytest.approx(wanted, abs=1e-9)
    unit = torch.tensor([[[0.0, 0.0, 0.0, 1.0, 0.0, 0.0]]], dtype=torch.float64)
    turned = rotated(unit, positions)[0, 0, 2:4].tolist()
    assert turned == pytest.approx([-wanted[0], wanted[1]], abs=1e-9)


def test_rotated_bfloat16_stays_bfloat16() -> None:
    states = torch.randn(BATCH, LENGTH, WIDTH).bfloat16()
    assert rotated(states, torch.arange(LENGTH)).dtype == torch.bfloat16


def test_a_sentence_longer_than_the_learned_positions_is_refused() -> None:
    learned = LearnedPositions(LENGTH, WIDTH)
    assert learned(torch.arange(LENGTH)).shape == (LENGTH, WIDTH)
    with pytest.raises(DataError) as caught:
        learned(torch.arange(LENGTH + 1))
    assert str(caught.value) == (
        "a sentence of 6 pieces, but self_attention.max_positions is 5: raise it, or take "
        "positions: sinusoidal"
    )


def test_a_search_beyond_the_learned_positions_gets_the_last() -> None:
    told = Positions("learned", width=WIDTH, most=LENGTH)
    words = torch.randn(BATCH, 1, WIDTH)
    assert torch.equal(told(words, LENGTH + 3), told(words, LENGTH - 1))
    assert not torch.allclose(told(words, LENGTH - 1), told(words, LENGTH - 2))


@pytest.mark.parametrize("kind", ["sinusoidal", "learned"])
def test_positions_are_added_to_scaled_embeddings(kind: str) -> None:
    told = Positions(kind, width=WIDTH, most=9).double()
    words = torch.randn(BATCH, LENGTH, WIDTH).double()
    added = told(words) - words * math.sqrt(WIDTH)
    torch.testing.assert_close(added[0], added[1])
    assert torch.cdist(added[0], added[0]).add(torch.eye(LENGTH)).min() > 0.1  # all differ
    later = told(words, 3) - words * math.sqrt(WIDTH)
    torch.testing.assert_close(later[0, :2], added[0, 3:])


@pytest.mark.parametrize("kind", ["rotary", "none"])
def test_nothing_is_added_for_rotary_or_no_positions(kind: str) -> None:
    words = torch.randn(BATCH, LENGTH, WIDTH)
    assert torch.equal(Positions(kind, width=WIDTH, most=9)(words), words)
