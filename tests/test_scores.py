from typing import Any

import pytest
import torch
from torch import Tensor

from nmt.errors import ConfigError, DataError
from nmt.models.attention import Score, scores
from nmt.models.attention.scores import ACTIVATIONS, TanhScore
from support.attention_pieces import (
    BATCH,
    FUNCTIONS,
    MEMORY,
    POSITIONS,
    QUERY,
    SIZE,
    SOURCE,
    TARGET,
    config_of,
    formula_of,
    memory_of,
    numbers,
    query_of,
    score_of,
    states_of,
    value_of,
)

TANH = [name for name in scores if issubclass(scores[name], TanhScore)]
OTHERS = [name for name in scores if name not in TANH]
COMPARING = ["cosine", "dot", "scaled_dot"]


@pytest.fixture(params=list(scores))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def queries_of(name: str) -> Tensor:
    return torch.randn(BATCH, TARGET, query_of(name), dtype=torch.double)


def in_loops(name: str, score: Score, query: Tensor, states: Tensor, **options: Any) -> Tensor:
    formula, weights = formula_of("score", name), numbers(score)
    rows = [
        [[formula(weights, q, k, j, **options) for j, k in enumerate(keys)] for q in queries]
        for queries, keys in zip(query.numpy(), states.numpy(), strict=True)
    ]
    return torch.tensor(rows, dtype=torch.double)


def test_a_score_is_the_formula_of_its_paper(name: str) -> None:
    score, query, states = score_of(name), queries_of(name), states_of(name)
    found = score(query, score.project(states))
    assert found.shape == (BATCH, TARGET, SOURCE)
    torch.testing.assert_close(found, in_loops(name, score, query, states))


def test_the_states_are_averaged_except_by_qkv(name: str) -> None:
    score, states = score_of(name), states_of(name)
    weights = numbers(score)
    wanted = [[value_of(name, weights, k) for k in keys] for keys in states.numpy()]
    found = score.values(states)
    assert found.size(-1) == score.context
    torch.testing.assert_close(found, torch.tensor(wanted, dtype=torch.double))


@pytest.mark.parametrize("name", TANH)
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_the_activation_is_the_one_chosen(name: str, activation: str) -> None:
    score, query, states = score_of(name, activation=activation), queries_of(name), states_of(name)
    assert isinstance(score, TanhScore)
    wanted = in_loops(name, score, query, states, f=FUNCTIONS[activation])
    torch.testing.assert_close(score(query, score.project(states)), wanted)


@pytest.mark.parametrize("name", TANH)
def test_coverage_is_added_before_the_activation(name: str) -> None:
    score, query, states = score_of(name, coverage=True), queries_of(name), states_of(name)
    assert isinstance(score, TanhScore)
    formula, weights = formula_of("score", name), numbers(score)
    covered = torch.rand(BATCH, TARGET, SOURCE, dtype=torch.double)
    found = score(query, score.project(states), covered)
    for b in range(BATCH):
        for t in range(TARGET):
            for j in range(SOURCE):
                q, k, c = query[b, t].numpy(), states[b, j].numpy(), covered[b, t, j].item()
                assert found[b, t, j].item() == pytest.approx(formula(weights, q, k, j, c))
    torch.testing.assert_close(
        score(query, score.project(states)), in_loops(name, score, query, states)
    )


@pytest.mark.parametrize("name", TANH)
def test_coverage_parameters_exist_only_if_requested(name: str) -> None:
    assert "V.weight" not in score_of(name).state_dict()
    assert "V.weight" in score_of(name, coverage=True).state_dict()


def test_concat_is_additive_without_the_bias() -> None:
    added, joined = score_of("additive"), score_of("concat")
    with torch.no_grad():
        W = joined.get_parameter("W.weight")
        added.get_parameter("W.weight").copy_(W[:, :QUERY])
        added.get_parameter("U.weight").copy_(W[:, QUERY:])
        added.get_parameter("U.bias").zero_()
        added.get_parameter("v.weight").copy_(joined.get_parameter("v.weight"))
    query, states = queries_of("concat"), states_of("concat")
    torch.testing.assert_close(
        joined(query, joined.project(states)), added(query, added.project(states))
    )


def test_scaled_dot_is_torchs_own() -> None:
    score, query, states = score_of("scaled_dot"), queries_of("scaled_dot"), states_of("scaled_dot")
    weights = score(query, score.project(states)).softmax(dim=-1)
    wanted = torch.nn.functional.scaled_dot_product_attention(query, states, states)
    torch.testing.assert_close(weights @ states, wanted)


def test_a_cosine_starts_sharp_and_ignores_lengths() -> None:
    score, query, states = score_of("cosine"), queries_of("cosine"), states_of("cosine")
    found = score(query, score.project(states))
    torch.testing.assert_close(score(3 * query, score.project(states / 7)), found)
    itself = score(states, score.project(states))
    torch.testing.assert_close(
        itself.diagonal(dim1=1, dim2=2), torch.full((BATCH, SOURCE), 10.0, dtype=torch.double)
    )


def test_a_location_score_sees_positions_and_no_key() -> None:
    score, query = score_of("location"), queries_of("location")
    found = score(query, score.project(states_of("location")))
    torch.testing.assert_close(score(query, score.project(states_of("location"))), found)
    linear = torch.nn.functional.linear(
        query, score.get_parameter("W.weight"), score.get_parameter("W.bias")
    )
    torch.testing.assert_close(found, linear[..., :SOURCE])


def test_a_source_beyond_the_positions_is_refused_with_both_numbers() -> None:
    score = score_of("location")
    score.project(states_of("location", source=POSITIONS))
    with pytest.raises(DataError) as caught:
        score.project(states_of("location", source=POSITIONS + 2))
    assert str(caught.value) == (
        "score 'location' has 9 positions, but a sentence has 11 pieces: shorten it, "
        "or train with a max_positions of 11"
    )


def test_only_scores_without_projections_need_equal_widths() -> None:
    assert [name for name in scores if memory_of(name) == QUERY] == COMPARING


@pytest.mark.parametrize("name", COMPARING)
def test_widths_that_cannot_be_compared_are_refused(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        scores[name](config_of(name), query=QUERY, memory=MEMORY)
    assert str(caught.value) == (
        f"score '{name}' compares a decoder state of 7 with encoder states of 8; "
        "make them equal (those of a recurrent encoder are twice encoder.size), or use score "
        "'general'"
    )


@pytest.mark.parametrize("name", OTHERS)
def test_coverage_is_refused_where_no_sum_takes_it(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        score_of(name, coverage=True)
    assert str(caught.value) == (
        f"score '{name}' has no place for coverage: use score 'additive' or 'concat', "
        "or set coverage to false"
    )


@pytest.mark.parametrize("name", OTHERS)
def test_an_activation_is_refused_where_there_is_none(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        score_of(name, activation="relu")
    assert str(caught.value) == (
        f"score '{name}' has no activation, but activation is 'relu': "
        "use score 'additive' or 'concat', or leave it out"
    )


@pytest.mark.parametrize(
    ("name", "part", "shape"),
    [("additive", "v.weight", (1, QUERY)), ("concat", "v.weight", (1, QUERY))]
    + [("qkv", f"W_{part}.weight", (QUERY, MEMORY)) for part in "kv"],
)
def test_the_hidden_layer_is_by_default_as_wide_as_the_query(
    name: str, part: str, shape: tuple[int, int]
) -> None:
    assert score_of(name, size=None).get_parameter(part).shape == shape
    assert SIZE in score_of(name).get_parameter(part).shape


def test_an_unknown_score_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="unknown attention score 'addtive'; did you mean 'add"):
        scores["addtive"]


def test_a_new_component_without_a_formula_is_asked_for_one() -> None:
    with pytest.raises(pytest.fail.Exception) as caught:
        formula_of("score", "brand_new")
    assert str(caught.value) == (
        "the score 'brand_new' is registered, but has no formula to be tested against: write it "
        "as loops into SCORES of tests/support/attention_pieces.py"
    )


def test_a_registered_score_is_explained(name: str) -> None:
    text = scores[name].__doc__ or ""
    formula, paper = text.split("\n\n")[:2]
    assert "=" in formula
    assert "https://arxiv.org/abs/" in paper
