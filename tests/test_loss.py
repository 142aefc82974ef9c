import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from nmt.data.tokenizers.base import PAD
from nmt.training import loss as module
from nmt.training.loss import count_likeliest, smoothed_cross_entropy

POSITIONS, WIDTH, VOCABULARY = 23, 6, 11
CLOSE = {
    # A gradient is a sum over positions of terms up to 3 * 2, each of which is rounded a few times.
    torch.float32: {"atol": 3 * 2 * POSITIONS * 8 * 2.0**-24, "rtol": 1e-5},
    torch.float64: {"atol": 1e-12, "rtol": 1e-12},
}


def parts(dtype: torch.dtype = torch.float32) -> tuple[Tensor, nn.Linear, Tensor]:
    readouts = torch.randn(POSITIONS, WIDTH, dtype=dtype, requires_grad=True)
    vocabulary = nn.Linear(WIDTH, VOCABULARY).to(dtype)
    targets = torch.randint(PAD + 1, VOCABULARY, (POSITIONS,))
    return readouts, vocabulary, targets


def gradients_of(readouts: Tensor, vocabulary: nn.Linear, loss: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(loss, [readouts, vocabulary.weight, vocabulary.bias])


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
@pytest.mark.parametrize("piece", [1, 5, POSITIONS, 1024])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_loss_and_gradients_are_those_of_torch(
    smoothing: float, piece: int, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", piece)
    readouts, vocabulary, targets = parts(dtype)
    targets[3::4] = PAD
    found, plain = smoothed_cross_entropy(readouts, vocabulary, targets, smoothing=smoothing)
    logits = vocabulary(readouts)
    wanted = nn.functional.cross_entropy(
        logits, targets, label_smoothing=smoothing, reduction="sum", ignore_index=PAD
    )
    torch.testing.assert_close(found, wanted, **CLOSE[dtype])
    alone = nn.functional.cross_entropy(logits, targets, reduction="none", ignore_index=PAD)
    torch.testing.assert_close(plain, alone, **CLOSE[dtype])
    assert not plain.requires_grad
    for one, other in zip(
        gradients_of(readouts, vocabulary, 3 * found),
        gradients_of(readouts, vocabulary, 3 * wanted),
        strict=True,
    ):
        torch.testing.assert_close(one, other, **CLOSE[dtype])


def test_the_loss_is_the_formula_of_its_docstring() -> None:
    readouts, vocabulary, targets = parts(torch.float64)
    smoothing, wanted = 0.2, 0.0
    for n, target in enumerate(targets):
        logs = -vocabulary(readouts[n]).log_softmax(-1)
        wanted += (1 - smoothing) * logs[target].item()
        wanted += smoothing / VOCABULARY * sum(log.item() for log in logs)
    found, _ = smoothed_cross_entropy(readouts, vocabulary, targets, smoothing=smoothing)
    assert found.item() == pytest.approx(wanted, rel=1e-9)


def test_nothing_is_learned_where_no_gradient_is_needed() -> None:
    readouts, vocabulary, targets = parts(torch.float64)
    wanted, plain = smoothed_cross_entropy(readouts, vocabulary, targets, smoothing=0.1)
    with torch.no_grad():
        found, again = smoothed_cross_entropy(readouts, vocabulary, targets, smoothing=0.1)
    assert not found.requires_grad
    torch.testing.assert_close(found, wanted)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        smoothed_cross_entropy(readouts, vocabulary, targets, smoothing=0.1)
    assert counter.get_total_flops() == 2 * POSITIONS * WIDTH * VOCABULARY  # the logits alone
    torch.testing.assert_close(again, plain)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_bfloat16_products_stay_close(smoothing: float) -> None:
    readouts, vocabulary, targets = parts()
    wanted, _ = smoothed_cross_entropy(readouts, vocabulary, targets, smoothing=smoothing)
    with torch.autocast("cpu", torch.bfloat16):
        found, plain = smoothed_cross_entropy(readouts, vocabulary, targets, smoothing=smoothing)
    assert found.dtype == plain.dtype == torch.float32
    torch.testing.assert_close(found, wanted, rtol=2e-2, atol=0)
    for one, other in zip(
        gradients_of(readouts, vocabulary, found),
        gradients_of(readouts, vocabulary, wanted),
        strict=True,
    ):
        assert one.dtype == torch.float32
        assert (one - other).norm() < 2e-2 * other.norm()


@pytest.mark.parametrize("piece", [1, 5, POSITIONS, 1024])
def test_the_likeliest_words_are_counted(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", piece)
    readouts, vocabulary, targets = parts(torch.float64)
    choices = [int(vocabulary(readout).argmax()) for readout in readouts]
    targets[:9] = torch.tensor(choices[:9])
    assert PAD in choices[:9], "padding is not counted even where it is the likeliest"
    wanted = sum(a == b != PAD for a, b in zip(choices, targets.tolist(), strict=True))
    assert 6 <= wanted < POSITIONS
    assert count_likeliest(readouts, vocabulary, targets).item() == wanted


def test_a_matrix_shared_with_the_readouts_gets_both_gradients() -> None:
    table = nn.Parameter(torch.randn(VOCABULARY, WIDTH, dtype=torch.float64))
    vocabulary = nn.Linear(WIDTH, VOCABULARY, dtype=torch.float64)
    vocabulary.weight = table
    words, targets = torch.randint(PAD + 1, VOCABULARY, (2, POSITIONS))
    found, _ = smoothed_cross_entropy(table[words].tanh(), vocabulary, targets, smoothing=0.1)
    wanted = nn.functional.cross_entropy(
        vocabulary(table[words].tanh()), targets, label_smoothing=0.1, reduction="sum"
    )
    torch.testing.assert_close(
        torch.autograd.grad(found, table), torch.autograd.grad(wanted, table)
    )


def test_probabilities_of_one_and_zero_give_no_nan() -> None:
    vocabulary = nn.Linear(1, 3)
    with torch.no_grad():
        vocabulary.weight.copy_(torch.tensor([[0.0], [1e4], [-1e4]]))
        vocabulary.bias.zero_()
    readouts = torch.ones(2, 1, requires_grad=True)
    found, plain = smoothed_cross_entropy(readouts, vocabulary, torch.tensor([1, 2]), smoothing=0.1)
    assert plain.tolist() == pytest.approx([0, 2e4])
    assert all(
        torch.isfinite(gradient).all() for gradient in gradients_of(readouts, vocabulary, found)
    )
