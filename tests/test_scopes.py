import pytest
import torch
from torch import Tensor

from nmt.errors import ConfigError
from nmt.models.attention import Scope, Score, SingleHead, scopes
from nmt.models.attention.scopes import LARGE
from support.attention_pieces import (
    BATCH,
    QUERY,
    SOURCE,
    TARGET,
    asked,
    attending_of,
    averages,
    config_of,
    formula_of,
    learned,
    mask_of,
    numbers,
    states_of,
)

LONG = 40
LENGTHS = [LONG, 13]
LOCAL = [name for name in scopes if name != "global"]


def scope_of(name: str, window: int) -> Scope:
    scope = learned(scopes[name](config_of(scope=name, window=window), query=QUERY).double())
    with torch.no_grad():
        for parameter in scope.parameters():
            parameter *= 4  # so that predictions lie all over the source
    return scope


@pytest.mark.parametrize("name", LOCAL)
@pytest.mark.parametrize("window", [1, 4, LARGE, 10**9])
def test_a_window_is_the_formula_of_its_paper(name: str, window: int) -> None:
    scope, query, formula = scope_of(name, window), asked(target=20), formula_of("scope", name)
    found = scope(query.states, query.positions, torch.tensor(LENGTHS).unsqueeze(1), source=LONG)
    assert found is not None
    width = 2 * min(window, LARGE) + 1  # of a source that is shorter, a wider one sees no more
    assert found.index.shape == (BATCH, 20, width)
    for b, length in enumerate(LENGTHS):
        for t in range(20):
            inside = found.inside[b, t]
            factor = torch.ones(1) if found.factor is None else found.factor[b, t]
            factor = factor.expand(width)[inside].tolist()
            seen = dict(zip(found.index[b, t][inside].tolist(), factor, strict=True))
            assert len(seen) == inside.sum()  # none of them twice
            q = query.states[b, t].numpy()
            assert seen == pytest.approx(formula(numbers(scope), q, t, length, window))


def test_predicted_positions_in_this_test_cover_the_source() -> None:
    query = asked(target=20)
    found = scope_of("local-p", 1)(
        query.states, None, torch.tensor(LENGTHS).unsqueeze(1), source=LONG
    )
    assert found is not None
    centres = found.index[0, :, 1]
    assert centres.min() < LONG / 4
    assert centres.max() > 3 * LONG / 4


@pytest.mark.parametrize("name", list(scopes))
def test_no_window_leaves_its_sentence(name: str) -> None:
    query = asked(target=20)
    lengths = torch.tensor([[1], [2]])
    found = scope_of(name, 3)(query.states, query.positions, lengths, source=2)
    if found is None:
        assert name == "global"
        return
    assert (found.index >= 0).all()
    assert (found.index < lengths.unsqueeze(-1)).all()
    assert found.inside.any(-1).all()


@pytest.mark.parametrize("name", LOCAL)
def test_attention_in_a_window_is_that_of_the_window_alone(name: str) -> None:
    attention = attending_of("general", scope=name, window=2)
    assert isinstance(attention, SingleHead)
    query, states = asked(target=20), states_of("general", source=LONG)
    keys, values = attention.prepare(states)
    found = attention(query, keys, values, mask_of(LENGTHS, LONG))
    formula, score = formula_of("scope", name), formula_of("score", "general")
    of_scope, of_score = numbers(attention.scope), numbers(attention.score)
    wanted = torch.zeros(BATCH, 20, LONG, dtype=torch.double)
    for b, length in enumerate(LENGTHS):
        for t in range(20):
            q = query.states[b, t].numpy()
            seen = formula(of_scope, q, t, length, 2)
            powers = {j: score(of_score, q, states[b, j].numpy(), j) for j in seen}
            softmax = formula_of("normalizer", "softmax")({}, list(powers.values()))
            for (j, factor), weight in zip(seen.items(), softmax, strict=True):
                wanted[b, t, j] = weight * factor
    torch.testing.assert_close(found.weights, wanted)
    torch.testing.assert_close(found.contexts, torch.from_numpy(averages(wanted, states.numpy())))


@pytest.mark.parametrize("normalizer", ["softmax", "entmax15"])
def test_a_window_as_wide_as_the_source_is_global(normalizer: str) -> None:
    far = attending_of("additive", normalizer=normalizer)
    near = attending_of("additive", normalizer=normalizer, scope="local-m", window=SOURCE)
    near.load_state_dict(far.state_dict())
    query, states, mask = asked(), states_of("additive"), mask_of([SOURCE, 2])
    everywhere = far(query, *far.prepare(states), mask)
    within = near(query, *near.prepare(states), mask)
    torch.testing.assert_close(within.weights, everywhere.weights)
    torch.testing.assert_close(within.contexts, everywhere.contexts)


@pytest.mark.parametrize("name", LOCAL)
def test_positions_outside_of_the_window_get_no_attention(name: str) -> None:
    attention = attending_of("additive", scope=name, window=2)
    assert isinstance(attention, SingleHead)
    query, mask = asked(target=1), mask_of(LENGTHS, LONG)
    seen = attention.scope(
        query.states, query.positions, torch.tensor(LENGTHS).unsqueeze(1), source=LONG
    )
    assert seen is not None
    states = states_of("additive", source=LONG)
    outside = torch.ones(BATCH, LONG, dtype=torch.bool).scatter(1, seen.index[:, 0], False)
    keys, values = attention.prepare(states.masked_fill(outside.unsqueeze(-1), torch.nan))
    assert torch.isfinite(attention(query, keys, values, mask).contexts).all()


@pytest.mark.parametrize("name", LOCAL)
@pytest.mark.parametrize("source", [30, 300])
def test_the_number_of_scored_keys_does_not_grow_with_the_source(name: str, source: int) -> None:
    attention = attending_of("additive", scope=name, window=2)
    assert isinstance(attention, SingleHead)
    sizes: list[torch.Size] = []
    attention.score.register_forward_pre_hook(lambda _, given: sizes.append(given[1].shape))
    keys, values = attention.prepare(states_of("additive", source=source))
    attention(asked(), keys, values, mask_of([source, 13], source))
    assert [size[:2].numel() for size in sizes] == [BATCH * TARGET * 5]


def test_the_gaussian_trains_the_predicted_position() -> None:
    scope, lengths = scope_of("local-p", 3), torch.tensor(LENGTHS).unsqueeze(1)

    def factor(states: Tensor, *_: Tensor) -> Tensor:
        window = scope(states, None, lengths, source=int(lengths.max()))
        assert window is not None
        assert window.factor is not None
        return window.factor

    states = asked().states.requires_grad_()
    assert torch.autograd.gradcheck(factor, (states, *scope.parameters()))


class Indifferent(Score):
    """All keys are the same."""

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        return query.new_zeros(len(query), query.size(1), keys.size(1))


def test_a_predicted_position_is_learned() -> None:
    """The answer is at the position in the query, and nothing else tells the position."""
    attention = attending_of("dot", scope="local-p", window=2)
    assert isinstance(attention, SingleHead)
    attention.score = Indifferent(config_of(), query=QUERY, memory=QUERY)
    optimizer = torch.optim.Adam(attention.scope.parameters(), lr=0.05)
    query, wanted = asked(1, 2), torch.tensor([[1.0, 3.0]])
    keys, values = attention.prepare(states_of("dot", batch=1))
    for _ in range(80):
        found = attention(query, keys, values, mask_of([SOURCE]))
        weights = found.weights / found.weights.sum(-1, keepdim=True)
        loss = ((weights @ torch.arange(SOURCE).double() - wanted) ** 2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.01


def test_an_unknown_scope_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        ConfigError, match="unknown attention scope 'local_m'; did you mean 'local-"
    ):
        scopes["local_m"]


@pytest.mark.parametrize("name", list(scopes))
def test_a_registered_scope_is_explained(name: str) -> None:
    formula, paper = (scopes[name].__doc__ or "").split("\n\n")[:2]
    assert "=" in formula
    assert "https://arxiv.org/abs/" in paper
