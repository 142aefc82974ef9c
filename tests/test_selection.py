from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from nmt.errors import ConfigError
from nmt.models.attention import Selection, SingleHead, attention_of, selections
from support.attention_pieces import BATCH, SOURCE, TARGET, config_of, plain_query

HARD = [name for name in selections if name != "soft"]
MANY = 20_000


def choice_of(name: str) -> Selection:
    return selections[name](config_of(selection=name))


def some_weights(batch: int = BATCH) -> Tensor:
    weights = torch.randn(batch, TARGET, SOURCE).softmax(dim=-1)
    weights[0, :, 3:] = 0
    return weights / weights.sum(dim=-1, keepdim=True)


@pytest.mark.parametrize("training", [True, False])
def test_soft_leaves_the_weights(training: bool) -> None:
    weights = some_weights()
    found = choice_of("soft").train(training)(weights)
    assert found.weights is weights
    assert found.log_probability is None


@pytest.mark.parametrize("name", HARD)
def test_without_training_the_greatest_weight_is_taken(name: str) -> None:
    weights = some_weights()
    found = choice_of(name).eval()(weights)
    assert found.log_probability is None
    for b in range(BATCH):
        for t in range(TARGET):
            row = weights[b, t].tolist()
            wanted = [float(j == row.index(max(row))) for j in range(SOURCE)]
            assert found.weights[b, t].tolist() == wanted


@pytest.mark.parametrize("name", HARD)
def test_in_training_one_position_is_drawn_as_often_as_its_weight(name: str) -> None:
    weights = torch.tensor([0.5, 0.3, 0, 0.15, 0.05]).expand(MANY, 1, SOURCE)
    torch.manual_seed(2)
    chosen = choice_of(name)(weights)
    found = chosen.weights
    if chosen.log_probability is not None:
        found = found[chosen.log_probability.flatten() < 0]
    assert ((found == 0) | (found == 1)).all()
    assert (found.sum(-1) == 1).all()
    assert (found[..., 2] == 0).all()
    # five standard errors of the most uncertain of them
    torch.testing.assert_close(
        found.mean(dim=0)[0], weights[0, 0], atol=5 * (0.25 / len(found)) ** 0.5, rtol=0
    )


@pytest.mark.parametrize("name", list(selections))
@pytest.mark.parametrize("training", [True, False])
def test_a_row_of_zeros_stays_zero_and_has_finite_gradients(name: str, training: bool) -> None:
    weights = some_weights()
    weights[1] = 0
    weights.requires_grad_()
    found = choice_of(name).train(training)(weights)
    assert (found.weights[1] == 0).all()
    loss = (found.weights * torch.randn(SOURCE)).sum() + 0 * weights.sum()
    if found.log_probability is not None:
        assert (found.log_probability[1] == 0).all()
        loss = loss + found.log_probability.sum()
    loss.backward()
    assert weights.grad is not None
    assert torch.isfinite(weights.grad).all()


def test_gumbels_gradients_are_those_of_the_relaxation() -> None:
    scores = torch.randn(BATCH, TARGET, SOURCE, requires_grad=True)
    upstream = torch.randn(BATCH, TARGET, SOURCE)
    torch.manual_seed(7)
    found = choice_of("gumbel")(scores.softmax(dim=-1)).weights
    (of_found,) = torch.autograd.grad(found, scores, upstream)
    torch.manual_seed(7)
    noise = -torch.empty(BATCH, TARGET, SOURCE).exponential_().log()
    # log softmax differs from the scores by a number a row, which softmax does not see
    relaxed = (scores + noise).softmax(dim=-1)
    assert (found.argmax(-1) == relaxed.argmax(-1)).all()
    (of_relaxed,) = torch.autograd.grad(relaxed, scores, upstream)
    torch.testing.assert_close(of_found, of_relaxed)


def test_reinforce_returns_the_log_probability_of_its_sample() -> None:
    weights = some_weights(batch=9)
    found = choice_of("reinforce")(weights)
    assert found.log_probability is not None
    drawn = found.weights.argmax(-1)
    averaged = 0
    for b in range(9):
        for t in range(TARGET):
            wanted = weights[b, t, drawn[b, t]].log()
            if found.weights[b, t].max() < 1:  # nothing was drawn
                torch.testing.assert_close(found.weights[b, t], weights[b, t])
                wanted = torch.zeros(())
                averaged += 1
            torch.testing.assert_close(found.log_probability[b, t], wanted)
    assert 0 < averaged < 9 * TARGET


def test_reinforce_draws_at_every_second_position() -> None:
    found = choice_of("reinforce")(torch.full((MANY, 1, SOURCE), 1 / SOURCE))
    assert found.log_probability is not None
    share = (found.log_probability < 0).float().mean().item()
    assert share == pytest.approx(0.5, abs=5 * (0.25 / MANY) ** 0.5)


def test_reinforces_gradients_are_on_average_those_of_the_expected_reward() -> None:
    reward = torch.tensor([1.0, -2.0, 0.5, 3.0, 0.0])
    scores = torch.tensor([0.3, -0.2, 0.9, -1.0, 0.1], requires_grad=True)
    weights = scores.softmax(dim=-1).expand(MANY, 1, SOURCE)
    found = choice_of("reinforce")(weights)
    assert found.log_probability is not None
    rewards = (found.weights * reward).sum(-1)
    # an averaged position gets no reward; its gradient goes through the average
    paid = rewards.detach() * found.log_probability
    (sampled,) = torch.autograd.grad((paid + rewards).mean(), scores)
    (exact,) = torch.autograd.grad((scores.softmax(dim=-1) * reward).sum(), scores)
    torch.testing.assert_close(sampled, exact, atol=0.05, rtol=0)


# A task that cannot be solved without correct attention

NAMES, KINDS, ROWS = 6, 4, 64


@dataclass(frozen=True)
class Riddles:
    """Each source position has a name and a kind; the query names one: of which kind is it?"""

    query: Tensor  # (batch, 1, names)
    states: Tensor  # (batch, names, names + kinds)
    position: Tensor  # (batch,): the position of the name
    answer: Tensor  # (batch,)


def riddles(batch: int = ROWS) -> Riddles:
    names = torch.rand(batch, NAMES).argsort(dim=-1)
    kinds = torch.randint(KINDS, (batch, NAMES))
    named = nn.functional.one_hot(names, NAMES), nn.functional.one_hot(kinds, KINDS)
    position = torch.randint(NAMES, (batch,))
    rows = torch.arange(batch)
    query = nn.functional.one_hot(names[rows, position], NAMES).unsqueeze(1)
    return Riddles(query.float(), torch.cat(named, -1).float(), position, kinds[rows, position])


class Solver(nn.Module):
    def __init__(self, selection: str) -> None:
        super().__init__()
        config = config_of("general", selection=selection)
        self.attention = attention_of(config, query=NAMES, memory=NAMES + KINDS)
        assert isinstance(self.attention, SingleHead)
        self.read = nn.Linear(NAMES + KINDS, KINDS)

    def forward(self, asked: Riddles) -> tuple[Tensor, Tensor, Tensor | None]:
        mask = torch.ones(len(asked.answer), 1, NAMES, dtype=torch.bool)
        found = self.attention(
            plain_query(asked.query), *self.attention.prepare(asked.states), mask
        )
        return self.read(found.contexts.squeeze(1)), found.weights.squeeze(1), found.draw_log_probs


def accuracies(solver: Solver) -> tuple[float, float]:
    """Accuracy of the answers, and of the positions attended to."""
    asked = riddles(500)
    with torch.no_grad():
        logits, weights, _ = solver.eval()(asked)
    solver.train()
    assert ((weights == 0) | (weights == 1)).all()
    right, looked = logits.argmax(-1) == asked.answer, weights.argmax(-1) == asked.position
    return right.float().mean().item(), looked.float().mean().item()


@pytest.mark.parametrize(("name", "steps"), [("gumbel", 200), ("reinforce", 400)])
def test_hard_attention_learns_where_to_attend(name: str, steps: int) -> None:
    solver = Solver(name)
    optimizer = torch.optim.Adam(solver.parameters(), lr=0.03)
    baseline = torch.tensor(0.0)
    assert max(accuracies(solver)) < 0.5
    for _ in range(steps):
        asked = riddles()
        logits, _, drawn = solver(asked)
        losses = nn.functional.cross_entropy(logits, asked.answer, reduction="none")
        loss = losses.mean()
        if drawn is not None:
            reward = -losses.detach()
            loss = loss - ((reward - baseline) * drawn.squeeze(1)).mean()
            baseline = 0.9 * baseline + 0.1 * reward.mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    right, looked = accuracies(solver)
    assert right > 0.95
    assert looked > 0.95


def test_an_unknown_selection_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="unknown attention selection 'gumble'; did you mean '"):
        selections["gumble"]


@pytest.mark.parametrize("name", list(selections))
def test_a_registered_selection_is_explained(name: str) -> None:
    formula, paper = (selections[name].__doc__ or "").split("\n\n")[:2]
    assert "=" in formula
    assert "https://arxiv.org/abs/" in paper
