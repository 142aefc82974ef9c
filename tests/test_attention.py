from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from nmt.config import AttentionConfig
from nmt.errors import ConfigError
from nmt.models.attention import Attention, Score, normalizers, scores
from nmt.models.contract import Memory

# sizes all different, so that no transposed axis can pass
BATCH, TARGET, SOURCE, HIDDEN, WIDTH, SIZE = 2, 3, 5, 7, 8, 4
SAME_WIDTH = {"dot"}  # scores that compare queries and keys as they are


def width_of(name: str) -> int:
    return HIDDEN if name in SAME_WIDTH else WIDTH


def attention_of(name: str, normalizer: str = "softmax") -> Attention:
    config = AttentionConfig(score=name, normalizer=normalizer, size=SIZE)
    return Attention(config, hidden=HIDDEN, memory=width_of(name))


@pytest.fixture(params=list(scores))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=list(normalizers))
def attention(request: pytest.FixtureRequest, name: str) -> Attention:
    return attention_of(name, request.param)


@pytest.fixture
def query() -> Tensor:
    return torch.randn(BATCH, TARGET, HIDDEN)


def remember(attention: Attention, width: int, lengths: list[int]) -> Memory:
    states = torch.randn(len(lengths), SOURCE, width)
    mask = torch.arange(SOURCE) < torch.tensor(lengths).unsqueeze(1)
    return Memory(states, attention.project(states), mask, states[:, 0])


# The formulas of the papers, one query and one key at a time


def dot(score: Score, q: Tensor, k: Tensor) -> Tensor:
    return sum((a * b for a, b in zip(q, k, strict=True)), torch.zeros(()))


def general(score: Score, q: Tensor, k: Tensor) -> Tensor:
    W = score.get_parameter("W.weight")
    return sum(
        (q[i] * W[i, j] * k[j] for i in range(len(q)) for j in range(len(k))), torch.zeros(())
    )


def additive(score: Score, q: Tensor, k: Tensor) -> Tensor:
    W, U, b = (score.get_parameter(part) for part in ("W.weight", "U.weight", "U.bias"))
    return score.get_parameter("v.weight")[0] @ torch.tanh(W @ q + U @ k + b)


def concat(score: Score, q: Tensor, k: Tensor) -> Tensor:
    W, v = score.get_parameter("W.weight"), score.get_parameter("v.weight")[0]
    return v @ torch.tanh(W @ torch.cat([q, k]))


FORMULAS: dict[str, Callable[[Score, Tensor, Tensor], Tensor]] = {
    "dot": dot,
    "general": general,
    "additive": additive,
    "concat": concat,
}


def test_a_score_is_the_formula_of_its_paper(name: str, query: Tensor) -> None:
    score = scores[name](HIDDEN, width_of(name), SIZE)
    keys = torch.randn(BATCH, SOURCE, width_of(name))
    found = score(query, score.project(keys))
    assert found.shape == (BATCH, TARGET, SOURCE)
    for b in range(BATCH):
        for t in range(TARGET):
            for s in range(SOURCE):
                wanted = FORMULAS[name](score, query[b, t], keys[b, s])
                torch.testing.assert_close(found[b, t, s], wanted)


def test_concat_is_additive_without_the_bias(query: Tensor) -> None:
    added, joined = scores["additive"](HIDDEN, WIDTH, SIZE), scores["concat"](HIDDEN, WIDTH, SIZE)
    with torch.no_grad():
        W = joined.get_parameter("W.weight")
        added.get_parameter("W.weight").copy_(W[:, :HIDDEN])
        added.get_parameter("U.weight").copy_(W[:, HIDDEN:])
        added.get_parameter("U.bias").zero_()
        added.get_parameter("v.weight").copy_(joined.get_parameter("v.weight"))
    keys = torch.randn(BATCH, SOURCE, WIDTH)
    torch.testing.assert_close(
        joined(query, joined.project(keys)), added(query, added.project(keys))
    )


@pytest.mark.parametrize("name", sorted(SAME_WIDTH))
def test_widths_that_cannot_be_compared_are_refused(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        scores[name](HIDDEN, WIDTH, SIZE)
    assert str(caught.value) == (
        "score 'dot' compares a decoder state of 7 with encoder states of 8 "
        "(twice encoder.size); make them equal, or use score 'general'"
    )


def test_the_hidden_layer_is_as_wide_as_the_decoder_when_not_told() -> None:
    for name in ("additive", "concat"):
        attention = Attention(AttentionConfig(score=name), hidden=HIDDEN, memory=WIDTH)
        assert attention.score.get_parameter("v.weight").shape == (1, HIDDEN)


def test_an_unknown_score_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="unknown attention score 'addtive'; did you mean 'add"):
        attention_of("addtive")


# What holds for every score and normaliser


def test_weights_are_a_distribution_over_real_positions(
    attention: Attention, name: str, query: Tensor
) -> None:
    memory = remember(attention, width_of(name), [SOURCE, 2])
    _, weights = attention(query, memory)
    assert weights.shape == (BATCH, TARGET, SOURCE)
    assert weights.dtype == torch.float32
    assert (weights >= 0).all()
    assert (weights[1, :, 2:] == 0).all()
    if attention.normalizer.sums_to_one:
        torch.testing.assert_close(weights.sum(-1), torch.ones(BATCH, TARGET))


def test_the_context_is_the_average_by_the_weights(
    attention: Attention, name: str, query: Tensor
) -> None:
    memory = remember(attention, width_of(name), [SOURCE, 2])
    contexts, weights = attention(query, memory)
    for b in range(BATCH):
        for t in range(TARGET):
            wanted = sum(weights[b, t, s] * memory.states[b, s] for s in range(SOURCE))
            torch.testing.assert_close(contexts[b, t], wanted)


def test_padding_does_not_change_the_context(
    attention: Attention, name: str, query: Tensor
) -> None:
    memory = remember(attention, width_of(name), [SOURCE, 2])
    short = Memory(
        memory.states[1:, :2], memory.keys[1:, :2], memory.mask[1:, :2], memory.summary[1:]
    )
    alone, beside = attention(query[1:], short), attention(query, memory)
    torch.testing.assert_close(alone[0], beside[0][1:])
    torch.testing.assert_close(alone[1], beside[1][1:, :, :2])


def test_one_key_takes_all_the_weight(attention: Attention, name: str, query: Tensor) -> None:
    if not attention.normalizer.sums_to_one:
        pytest.skip("only a distribution gives all to one")
    memory = remember(attention, width_of(name), [1, 1])
    contexts, weights = attention(query, memory)
    torch.testing.assert_close(contexts, memory.states[:, :1].expand_as(contexts))
    assert (weights[:, :, 0] == 1).all()


def test_positions_are_asked_apart_or_together(
    attention: Attention, name: str, query: Tensor
) -> None:
    memory = remember(attention, width_of(name), [SOURCE, 2])
    together = attention(query, memory)
    for t in range(TARGET):
        apart = attention(query[:, t : t + 1], memory)
        torch.testing.assert_close(apart[0], together[0][:, t : t + 1])
        torch.testing.assert_close(apart[1], together[1][:, t : t + 1])


def test_the_gradient_reaches_queries_and_states(
    attention: Attention, name: str, query: Tensor
) -> None:
    states = torch.randn(BATCH, SOURCE, width_of(name), requires_grad=True)
    mask = torch.arange(SOURCE) < torch.tensor([[SOURCE], [2]])
    query.requires_grad_()
    contexts, _ = attention(query, Memory(states, attention.project(states), mask, states[:, 0]))
    (contexts**2).sum().backward()
    assert query.grad is not None
    assert states.grad is not None
    assert (query.grad != 0).any(-1).all()
    assert (states.grad[1, 2:] == 0).all()
    assert torch.isfinite(states.grad).all()


@pytest.mark.parametrize("normalizer", list(normalizers))
def test_great_scores_do_not_overflow(normalizer: str) -> None:
    found = normalizers[normalizer]()(
        torch.tensor([[[1e4, -1e4, 3e4]]]), torch.ones(1, 3, dtype=torch.bool)
    )
    assert torch.isfinite(found).all()
    assert found.argmax() == 2


def test_weights_are_exact_though_scores_are_bfloat16() -> None:
    mask = torch.ones(1, 300, dtype=torch.bool)
    found = normalizers["softmax"]()(torch.randn(1, 1, 300).bfloat16(), mask)
    assert found.dtype == torch.float32
    assert found.sum().item() == pytest.approx(1, abs=1e-6)


def test_softmax_gives_the_numbers_of_je_t_aime() -> None:
    written = [[0.63, -3.2, -2.5], [-1.5, -3.9, 0.57], [-2.8, 0.64, -3.2]]
    table = torch.full((1, 3, 100), 0.5)
    table[0, :, :3] = torch.tensor(written)
    states = torch.randn(1, 100, 50)
    mask = (torch.arange(100) < 3).unsqueeze(0)
    weights = normalizers["softmax"]()(table, mask)
    wanted = torch.tensor([[0.94, 0.02, 0.04], [0.11, 0.01, 0.88], [0.03, 0.95, 0.02]])
    torch.testing.assert_close(weights[0, :, :3], wanted, atol=5e-3, rtol=0)
    assert (weights[0, :, 3:] == 0).all()
    assert weights[0].argmax(-1).tolist() == [0, 2, 1]  # je <- I, t' <- you, aime <- love

    class Given(Score):
        def forward(self, query: Tensor, keys: Tensor) -> Tensor:
            return table

    attention = attention_of("general")
    attention.score = Given()
    contexts, again = attention(
        torch.zeros(1, 3, HIDDEN), Memory(states, states, mask, states[:, 0])
    )
    torch.testing.assert_close(again, weights)
    torch.testing.assert_close(contexts[0], weights[0, :, :3] @ states[0, :3])
