import pytest
import torch

from nmt.config import AttentionConfig
from nmt.errors import ConfigError
from nmt.training.coverage import check, coverage_loss

LENGTHS = [4, 1, 3]


def attention() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(3)
    weights = torch.randn(3, 4, 5, dtype=torch.float64).softmax(dim=-1).requires_grad_()
    real = torch.arange(4) < torch.tensor(LENGTHS).unsqueeze(1)
    return weights, real


def test_the_coverage_loss_is_the_papers_sum_over_real_positions() -> None:
    weights, real = attention()
    wanted = 0.0
    for row, length in zip(weights.tolist(), LENGTHS, strict=True):
        for t in range(length):
            for j in range(5):
                seen = sum(row[before][j] for before in range(t))
                wanted += min(row[t][j], seen)
    assert coverage_loss(weights, real).item() == pytest.approx(wanted, rel=1e-12)


def test_attending_twice_to_a_word_costs_one_and_a_permutation_nothing() -> None:
    real = torch.ones(1, 3, dtype=torch.bool)
    twice = torch.eye(5)[[4, 2, 4]].unsqueeze(0)
    assert coverage_loss(twice, real).item() == 1
    assert coverage_loss(torch.eye(5)[[4, 2, 0]].unsqueeze(0), real).item() == 0
    assert coverage_loss(twice[:, :1], real[:, :1]).item() == 0  # a target of one word


def test_its_gradient_is_right_and_leaves_padding_alone() -> None:
    weights, real = attention()
    assert torch.autograd.gradcheck(lambda a: coverage_loss(a, real), weights)
    [gradient] = torch.autograd.grad(coverage_loss(weights, real), weights)
    assert (gradient[1] == 0).all()  # one position cannot repeat another
    assert (gradient[2, 3] == 0).all()
    assert (gradient[2, 1] != 0).any()


@pytest.mark.parametrize(
    ("attention", "said"),
    [
        ({"score": "none"}, "model.attention.score is 'none': there are no weights to spread"),
        (
            {"selection": "reinforce"},
            "model.attention.selection is 'reinforce': a draw has no gradient",
        ),
    ],
)
def test_a_coverage_loss_that_cannot_be_learned_from_is_refused(
    attention: dict[str, str], said: str
) -> None:
    config = AttentionConfig(**attention)
    check(0.0, config)
    check(0.5, AttentionConfig(selection="gumbel"))
    with pytest.raises(ConfigError) as caught:
        check(0.5, config)
    assert str(caught.value) == f"the weight is 0.5, but {said}; set it to 0"
