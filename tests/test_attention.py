"""The components combined: properties of every score, normaliser, scope and selection."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nmt.errors import ConfigError
from nmt.models.attention import (
    Attention,
    AttentionOutput,
    MultiHead,
    Query,
    SingleHead,
    attention_of,
    normalizers,
    scopes,
    scores,
)
from support.attention_pieces import (
    BATCH,
    MEMORY,
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
    memory_of,
    numbers,
    plain_query,
    query_of,
    states_of,
)

LENGTHS = [SOURCE, 2]
PLAIN = [(score, normalizer, "global") for score in scores for normalizer in normalizers]
LOCAL = [("additive", "sparsemax", scope) for scope in scopes if scope != "global"]
HEADED = [name for name in scores if not scores[name].reads_words]


@pytest.fixture(params=PLAIN + LOCAL, ids=" ".join)
def pieces(request: pytest.FixtureRequest) -> tuple[str, str, str]:
    return request.param


@pytest.fixture
def name(pieces: tuple[str, str, str]) -> str:
    return pieces[0]


@pytest.fixture
def attention(pieces: tuple[str, str, str]) -> Attention:
    score, normalizer, scope = pieces
    return attending_of(score, normalizer=normalizer, scope=scope, window=1)


def attend(
    attention: Attention, query: Query, states: Tensor, lengths: list[int]
) -> AttentionOutput:
    keys, values = attention.prepare(states)
    return attention(query, keys, values, mask_of(lengths, states.size(1)))


def some(query: Query, rows: Tensor | slice) -> Query:
    return Query(*(None if part is None else part[rows] for part in query))


@pytest.mark.parametrize("score", list(scores))
@pytest.mark.parametrize("normalizer", list(normalizers))
def test_attention_combines_the_formulas_of_its_parts(score: str, normalizer: str) -> None:
    attention = attending_of(score, normalizer=normalizer)
    assert isinstance(attention, SingleHead)
    query, states = asked(), states_of(score)
    found = attend(attention, query, states, LENGTHS)
    of_score, of_normalizer = numbers(attention.score), numbers(attention.normalizer)
    wanted = torch.zeros(BATCH, TARGET, SOURCE, dtype=torch.double)
    for b, length in enumerate(LENGTHS):
        for t in range(TARGET):
            q = query.states[b, t].tolist()
            if attention.reads_words:
                q = [*query.words[b, t].tolist(), *q]
            row = [
                formula_of("score", score)(of_score, q, states[b, j].tolist(), j)
                for j in range(length)
            ]
            weights = formula_of("normalizer", normalizer)(of_normalizer, row)
            wanted[b, t, :length] = torch.tensor(weights)
    torch.testing.assert_close(found.weights, wanted)
    assert (found.weights[1, :, 2:] == 0).all()


def test_the_context_is_the_weighted_average(attention: Attention, name: str) -> None:
    query, states = asked(), states_of(name)
    found = attend(attention, query, states, LENGTHS)
    _, values = attention.prepare(states)
    wanted = averages(found.weights.detach(), values.detach().numpy())
    torch.testing.assert_close(found.contexts, torch.from_numpy(wanted))
    assert found.contexts.size(-1) == attention.context


def test_weights_are_a_distribution_where_promised(attention: Attention, name: str) -> None:
    found = attend(attention, asked(), states_of(name), LENGTHS)
    assert (found.weights >= 0).all()
    if attention.sums_to_one:
        torch.testing.assert_close(found.weights.sum(-1), torch.ones(BATCH, TARGET).double())


def test_padding_does_not_change_a_sentence(attention: Attention, name: str) -> None:
    query, states = asked(), states_of(name)
    batched = attend(attention, query, states, LENGTHS)
    other = states.clone()
    other[1, 2:] = 100 * torch.randn_like(other[1, 2:])
    noisy = attend(attention, query, other, LENGTHS)
    alone = attend(attention, some(query, slice(1, 2)), states[1:, :2], [2])
    for found in (batched, noisy):
        torch.testing.assert_close(found.contexts[1:], alone.contexts)
        torch.testing.assert_close(found.weights[1:, :, :2], alone.weights)
        assert (found.weights[1, :, 2:] == 0).all()


def test_the_order_of_a_batch_does_not_matter(attention: Attention, name: str) -> None:
    query, states, lengths = asked(4), states_of(name, batch=4), [SOURCE, 2, 4, 1]
    order = torch.tensor([2, 0, 3, 1])
    found = attend(attention, query, states, lengths)
    mixed = attend(attention, some(query, order), states[order], [lengths[i] for i in order])
    torch.testing.assert_close(mixed.contexts, found.contexts[order])
    torch.testing.assert_close(mixed.weights, found.weights[order])


def test_queries_may_come_one_by_one_or_together(attention: Attention, name: str) -> None:
    query, states = asked(), states_of(name)
    together = attend(attention, query, states, LENGTHS)
    for t in range(TARGET):
        one = Query(*(None if part is None else part[:, t : t + 1] for part in query))
        apart = attend(attention, one, states, LENGTHS)
        torch.testing.assert_close(apart.contexts, together.contexts[:, t : t + 1])
        torch.testing.assert_close(apart.weights, together.weights[:, t : t + 1])


def test_one_key_takes_all_the_weight(attention: Attention, name: str) -> None:
    if not attention.sums_to_one:
        pytest.skip("only a distribution gives all to one")
    states = states_of(name)
    found = attend(attention, asked(), states, [1, 1])
    assert (found.weights[:, :, 0] == 1).all()
    _, values = attention.prepare(states)
    torch.testing.assert_close(found.contexts, values[:, :1].expand_as(found.contexts))


def test_gradients_are_those_of_finite_differences(attention: Attention, name: str) -> None:
    mask = mask_of(LENGTHS)
    positions = torch.arange(TARGET).expand(BATCH, -1)

    def contexts(states: Tensor, words: Tensor, memory: Tensor, *_: Tensor) -> Tensor:
        keys, values = attention.prepare(memory)
        return attention(Query(states, positions, words), keys, values, mask).contexts

    query = asked()
    assert query.words is not None
    given = [query.states, query.words, states_of(name), *attention.parameters()]
    assert torch.autograd.gradcheck(
        contexts, [part.detach().requires_grad_() for part in given[:3]] + given[3:], fast_mode=True
    )


def test_the_gradient_reaches_all_inputs_except_padding(
    attention: Attention, pieces: tuple[str, str, str]
) -> None:
    name, normalizer, _ = pieces
    query, states = asked(target=30), states_of(name).requires_grad_()
    query.states.requires_grad_()  # this many, because a sparse normaliser is flat in places
    assert isinstance(attention, SingleHead)
    scored: list[Tensor] = []
    attention.score.register_forward_hook(lambda *call: scored.append(call[-1]))
    output = attend(attention, query, states, LENGTHS)
    if normalizer == "relu" and max(scores.max() for scores in scored) <= 0:
        pytest.skip("a score that is never positive gets no weight from relu")
    (output.contexts**2).sum().backward()
    assert query.states.grad is not None
    assert query.states.grad.any()
    assert states.grad is not None
    assert states.grad[0].any()
    assert (states.grad[1, 2:] == 0).all()
    assert all(part.grad is not None and part.grad.any() for part in attention.parameters())


@pytest.mark.parametrize("selection", ["gumbel", "reinforce"])
@pytest.mark.parametrize("scope", ["global", "local-m"])
def test_a_hard_selection_reads_the_state_of_one_position(selection: str, scope: str) -> None:
    attention = attending_of("general", selection=selection, scope=scope, window=1)
    states = states_of("general")
    for training in (True, False):
        found = attend(attention.train(training), asked(), states, LENGTHS)
        picked = found.weights.argmax(-1)
        one = found.weights.amax(-1) == 1
        pays = training and selection == "reinforce"  # which averages at half the positions
        assert one.any() if pays else one.all()
        assert (found.weights.sum(-1)[one] == 1).all()
        assert (picked[1] < 2).all()
        for b in range(BATCH):
            torch.testing.assert_close(found.contexts[b, one[b]], states[b, picked[b, one[b]]])
        assert (found.draw_log_probs is not None) == pays
        if found.draw_log_probs is not None:
            assert found.draw_log_probs.shape == (BATCH, TARGET)
            assert (found.draw_log_probs[~one] == 0).all()


# Heads


@pytest.mark.parametrize("name", HEADED)
def test_one_head_without_projections_is_plain_attention(name: str) -> None:
    config = config_of(name, size=QUERY)
    plain = learned(attention_of(config, query=QUERY, memory=QUERY).double())
    assert isinstance(plain, SingleHead)
    headed = MultiHead(config, query=QUERY, memory=QUERY).double()
    headed.inner = plain
    for linear in (headed.query, headed.key, headed.value, headed.output):
        nn.init.eye_(linear.weight)
    query, states = asked(), torch.randn(BATCH, SOURCE, QUERY, dtype=torch.double)
    one, other = (attend(part, query, states, LENGTHS) for part in (plain, headed))
    torch.testing.assert_close(one.contexts, other.contexts)
    torch.testing.assert_close(one.weights, other.weights)


@pytest.mark.parametrize("name", HEADED)
def test_each_head_compares_its_own_slice(name: str) -> None:
    heads, width = 2, 3
    config = config_of(name, heads=heads, size=heads * width)
    attention = learned(attention_of(config, query=QUERY, memory=MEMORY).double())
    assert isinstance(attention, MultiHead)
    query = asked()
    states = torch.randn(BATCH, SOURCE, MEMORY, dtype=torch.double)
    found = attend(attention, query, states, LENGTHS)
    assert found.heads is not None
    queries, keys, values = (
        part.split(width, dim=-1)
        for part in (attention.query(query.states), attention.key(states), attention.value(states))
    )
    contexts = []
    for head in range(heads):
        score = attention.inner.score
        table = score(queries[head], score.project(keys[head]))
        weights = table.masked_fill(~mask_of(LENGTHS), -torch.inf).softmax(dim=-1)
        torch.testing.assert_close(found.heads[:, head], weights)
        contexts.append(weights @ score.values(values[head]))
    torch.testing.assert_close(found.contexts, attention.output(torch.cat(contexts, dim=-1)))
    torch.testing.assert_close(found.weights, found.heads.mean(dim=1))


def test_heads_of_scaled_dots_are_torchs_own() -> None:
    width, heads = 6, 3
    attention = attention_of(
        config_of("scaled_dot", heads=heads, size=None), query=width, memory=width
    )
    assert isinstance(attention, MultiHead)
    learned(attention)
    wanted_of = nn.MultiheadAttention(width, heads, batch_first=True)
    parts = (attention.query, attention.key, attention.value)
    with torch.no_grad():
        wanted_of.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        wanted_of.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
        wanted_of.out_proj.weight.copy_(attention.output.weight)
        wanted_of.out_proj.bias.copy_(attention.output.bias)
    query, states = torch.randn(BATCH, TARGET, width), torch.randn(BATCH, SOURCE, width)
    found = attend(attention, plain_query(query), states, LENGTHS)
    padding = ~mask_of(LENGTHS).squeeze(1)
    contexts, weights = wanted_of(
        query, states, states, key_padding_mask=padding, average_attn_weights=False
    )
    torch.testing.assert_close(found.contexts, contexts)
    torch.testing.assert_close(found.heads, weights)


# What cannot be combined


def test_heads_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        attending_of("dot", heads=3)
    assert str(caught.value) == (
        "heads is 3, which does not divide the 4 that they share: "
        "set size to a multiple of 3, or heads to a divisor of 4"
    )


@pytest.mark.parametrize(
    ("normalizer", "scope"), [("relu", "global"), ("softmax", "local-p"), ("relu", "local-m")]
)
def test_nothing_is_sampled_from_weights_that_are_no_distribution(
    normalizer: str, scope: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        attending_of("general", normalizer=normalizer, scope=scope, selection="gumbel")
    assert str(caught.value).startswith(
        f"selection 'gumbel' draws from a distribution, which normalizer '{normalizer}' "
        f"with scope '{scope}' does not give: set selection to soft"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"score": "location", "scope": "local-m"},
            "score 'location' scores all positions, but scope is 'local-m': "
            "set scope to global, or take another score",
        ),
        ({"score": "location", "heads": 2}, "score 'location' has no heads: set heads to 1"),
        (
            {"score": "general", "position_weights": True},
            "position_weights belong to normalizer 'weighted_softmax' and scope 'global', but they "
            "are 'softmax' and 'global': set position_weights to false",
        ),
        (
            {
                "score": "general",
                "normalizer": "weighted_softmax",
                "position_weights": True,
                "scope": "local-p",
            },
            "position_weights belong to normalizer 'weighted_softmax' and scope 'global', but they "
            "are 'weighted_softmax' and 'local-p': set position_weights to false",
        ),
    ],
)
def test_incompatible_parts_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        attending_of(**options)
    assert str(caught.value) == message


def test_parts_of_old_checkpoints_keep_their_names() -> None:
    names = {
        "general": {"score.W.weight"},
        "additive": {"score.W.weight", "score.U.weight", "score.U.bias", "score.v.weight"},
        "concat": {"score.W.weight", "score.v.weight"},
        "dot": set(),
    }
    for name, wanted in names.items():
        attention = attention_of(config_of(name), query=query_of(name), memory=memory_of(name))
        assert set(attention.state_dict()) == wanted
