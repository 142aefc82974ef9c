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
    states = torch.randn(BATCH, LENGTH, WIDTH)
    positions = torch.tensor([[0, 1, 2, 3, 4], [7, 3, 3, 40, 0]])
    found = rotated(states, positions).numpy()
    for b in range(BATCH):
        for t in range(LENGTH):
            for pair in range(WIDTH // 2):
                number = complex(*states[b, t, 2 * pair : 2 * pair + 2].tolist())
                turned = number * np.exp(1j * angle(int(positions[b, t]), pair, WIDTH))
                np.testing.assert_allclose(found[b, t, 2 * pair], turned.real, atol=1e-5)
                np.testing.assert_allclose(found[b, t, 2 * pair + 1], turned.imag, atol=1e-5)


def test_products_of_rotated_vectors_depend_on_their_distance_alone() -> None:
    query, key = torch.randn(2, 1, 1, WIDTH)

    def product(here: int, there: int) -> Tensor:
        return (rotated(query, torch.tensor([here])) * rotated(key, torch.tensor([there]))).sum()

    torch.testing.assert_close(product(5, 2), product(13, 10), atol=1e-5, rtol=0)
    torch.testing.assert_close(product(4, 4), (query * key).sum())
    assert not torch.isclose(product(5, 2), product(2, 5))


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
    torch.testing.assert_close(told(words, LENGTH + 3), told(words, LENGTH - 1))
    assert not torch.allclose(told(words, LENGTH - 1), told(words, LENGTH - 2))


@pytest.mark.parametrize("kind", ["sinusoidal", "learned"])
def test_positions_are_added_to_words_of_their_height(kind: str) -> None:
    told = Positions(kind, width=WIDTH, most=9)
    words = torch.randn(BATCH, LENGTH, WIDTH)
    added = told(words) - words * math.sqrt(WIDTH)
    torch.testing.assert_close(added[0], added[1], atol=1e-5, rtol=0)
    assert len({tuple(row) for row in added[0].tolist()}) == LENGTH
    later = told(words, 3) - words * math.sqrt(WIDTH)
    torch.testing.assert_close(later[0, :2], added[0, 3:], atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["rotary", "none"])
def test_nothing_is_added_where_positions_are_told_otherwise_or_not(kind: str) -> None:
    words = torch.randn(BATCH, LENGTH, WIDTH)
    assert torch.equal(Positions(kind, width=WIDTH, most=9)(words), words)
