"""Worked examples from lectures on attention, number by number."""

import torch
from torch import Tensor

from nmt.models.attention import Score, SingleHead, attention_of
from support.attention_pieces import config_of, plain_query

# 1. "I love you" -> "je t' aime": 100 positions, of which 3 are words, and states of width 500

SCORES = [[0.63, -3.2, -2.5], [-1.5, -3.9, 0.57], [-2.8, 0.64, -3.2]]
WEIGHTS = [[0.94, 0.02, 0.04], [0.11, 0.01, 0.88], [0.03, 0.95, 0.02]]
PADDED, WIDTH = 100, 500


class Given(Score):
    """The scores of the example, whatever the query; .5 at padding."""

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        table = torch.full((1, 3, PADDED), 0.5)
        table[0, :, :3] = torch.tensor(SCORES)
        return table


def test_i_love_you() -> None:
    attention = attention_of(config_of("dot"), query=WIDTH, memory=WIDTH)
    assert isinstance(attention, SingleHead)
    attention.score = Given(config_of(), query=WIDTH, memory=WIDTH)
    H = torch.randn(WIDTH, PADDED).double()  # one column per word
    mask = (torch.arange(PADDED) < 3).view(1, 1, PADDED)
    keys, values = attention.prepare(H.t().unsqueeze(0))
    found = attention(plain_query(torch.zeros(1, 3, WIDTH)), keys, values, mask)

    torch.testing.assert_close(found.weights[0, :, :3], torch.tensor(WEIGHTS), atol=5e-3, rtol=0)
    assert (found.weights[0, :, 3:] == 0).all()
    english, french = ["I", "love", "you"], ["je", "t'", "aime"]
    links = {french[t]: english[j] for t, j in enumerate(found.weights[0].argmax(-1))}
    assert links == {"je": "I", "t'": "you", "aime": "love"}

    for t, (to_i, to_love, to_you) in enumerate(found.weights[0, :, :3]):
        average = to_i * H[:, 0] + to_love * H[:, 1] + to_you * H[:, 2]
        torch.testing.assert_close(found.contexts[0, t], average)


# 2. Self-attention by hand: the rows of X attend to each other, without scale or projections

X = torch.tensor([[1.0, 2, 1, 2, 1], [1, 1, 1, 2, 1], [3, 2, 1, 1, 1]]).double()


def test_self_attention_by_hand() -> None:
    attention = attention_of(config_of("dot"), query=5, memory=5)
    assert isinstance(attention, SingleHead)
    keys, values = attention.prepare(X.unsqueeze(0))

    products = attention.score(X.unsqueeze(0), keys)[0]
    assert products.tolist() == [[11, 9, 11], [9, 8, 9], [11, 9, 16]]

    found = attention(
        plain_query(X.unsqueeze(0)), keys, values, torch.ones(1, 1, 3, dtype=torch.bool)
    )
    softmax = [[0.468, 0.064, 0.468], [0.422, 0.156, 0.422], [0.0067, 0.0009, 0.992]]
    torch.testing.assert_close(found.weights[0], torch.tensor(softmax).double(), atol=5e-3, rtol=0)
    output = [[1.94, 1.94, 1, 1.53, 1], [1.84, 1.84, 1, 1.58, 1], [2.98, 2, 1, 1.01, 1]]
    torch.testing.assert_close(found.contexts[0], torch.tensor(output).double(), atol=5e-3, rtol=0)
