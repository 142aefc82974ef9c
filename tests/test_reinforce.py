import math
import random
from collections.abc import Iterator
from itertools import count, product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from nmt.checkpoint import store
from nmt.config import AttentionConfig, DecoderConfig, EncoderConfig, ModelConfig, TrainingConfig
from nmt.data.batching.batches import Batch, pad
from nmt.data.tokenizers.base import BOS, EOS, Vocabularies
from nmt.decoding.beam import beam_search
from nmt.decoding.torch_engine import TorchEngine
from nmt.models import Seq2Seq, build_model
from nmt.models.attention.selection import Reinforce, Selected
from nmt.models.devices import Compute
from nmt.training.objective import forward, objective
from nmt.training.reinforce import Baseline, reinforcement
from nmt.training.trainer import Trainer

CPU = Compute(torch.device("cpu"), bfloat16=False)
PAIRS = [([5, 9], [6, 11]), ([7], [4, 9, 12]), ([12, 8, 8, 4], [10])]
WORDS, UPDATES = 14, 300


def collated(pairs: list[tuple[list[int], list[int]]]) -> Batch:
    sources, targets = ([np.array(side) for side in sides] for sides in zip(*pairs, strict=True))
    return Batch(
        pad(sources, after=EOS),
        pad(targets, before=BOS),
        pad(targets, after=EOS),
        np.arange(len(pairs)),
    )


def hard(*, size: int = 7, feeding: bool = True, **attention: Any) -> Seq2Seq:
    torch.manual_seed(6)
    config = ModelConfig(
        embedding_size=size - 2,
        encoder=EncoderConfig(cell="gru", size=size - 1),
        decoder=DecoderConfig(cell="gru", size=size, input_feeding=feeding),
        attention=AttentionConfig(selection="reinforce", **attention),
        dropout=0.0,
        tie_embeddings="none",
    )
    return build_model(config, Vocabularies(WORDS, WORDS))


def trainer_of(model: Seq2Seq | None = None, **config: Any) -> Trainer:
    settings = {"warmup_steps": 2, "schedule": "cosine", "learning_rate": 0.01, **config}
    return Trainer(model or hard(), TrainingConfig(**settings), CPU, total=UPDATES)


def choosing(monkeypatch: pytest.MonkeyPatch, index: list[int] | None) -> None:
    """Make hard attention choose these source positions, one per target; None: the likeliest.

    Their log-probabilities are those of sampling them.
    """

    def forward(self: Reinforce, weights: Tensor) -> Selected:
        picked = (
            weights.argmax(-1) if index is None else torch.tensor(index).expand(len(weights), -1)
        )
        chosen = torch.nn.functional.one_hot(picked, weights.size(-1)).to(weights.dtype)
        return Selected(chosen, weights.gather(-1, picked.unsqueeze(-1)).squeeze(-1).log())

    monkeypatch.setattr(Reinforce, "forward", forward)


def test_the_term_is_the_formula_of_its_docstring() -> None:
    torch.manual_seed(1)
    draw_log_probs = torch.randn(2, 3, requires_grad=True)
    rewards = torch.randn(2, 3, requires_grad=True)
    real = torch.tensor([[True, True, True], [True, False, False]])
    expected = torch.randn(2, 3)
    found = reinforcement(draw_log_probs, rewards, expected, real)
    wanted = sum(
        -(rewards[row, t] - expected[row, t]).item() * draw_log_probs[row, t].item()
        for row, length in enumerate([3, 1])
        for t in range(length)
    )
    assert found.item() == pytest.approx(wanted, rel=1e-5)
    found.backward()
    assert rewards.grad is None
    assert draw_log_probs.grad is not None
    torch.testing.assert_close(draw_log_probs.grad, -(rewards.detach() - expected) * real)


# The gradient


def outcomes(
    model: Seq2Seq, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Tensor, Tensor, Any]]:
    """For every possible sample: log-probabilities of samples and of words, (target,), and more."""
    model.train()
    for index in product(range(batch.source.shape[1]), repeat=batch.target_out.shape[1]):
        choosing(monkeypatch, list(index))
        found = forward(model, batch, CPU.device, per="token")
        words = model.vocabulary(found.readouts).log_softmax(-1)
        yield found.draw_log_probs[0], words[0].gather(1, found.targets[0][:, None])[:, 0], found


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_on_average_the_gradient_is_that_of_the_expected_loss(
    smoothing: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All 3 ** 2 outcomes of a sentence; label smoothing does not affect the rewards.

    If the next state does not read the sample, as without input feeding, a sample is rewarded for
    its own word alone, and the average is exact.
    """
    model = hard(feeding=False).double()
    batch = collated([([5, 9], [6])])
    config = TrainingConfig(label_smoothing=smoothing)
    parameters = list(model.parameters())
    exact = torch.zeros(())
    estimates: dict[float, list[Tensor]] = {
        baseline: [torch.zeros_like(p) for p in parameters] for baseline in (0.0, -2.0, 5.0)
    }
    chances = 0.0
    for drawn, words, found in outcomes(model, batch, monkeypatch):
        chance = drawn.sum().exp()
        chances += chance.item()
        # The smoothed part is learned as if the samples were given: it rewards none of them.
        logits = model.vocabulary(found.readouts)
        smoothed = torch.nn.functional.cross_entropy(
            logits[0], found.targets[0], label_smoothing=smoothing, reduction="sum"
        )
        plain = -words.sum()
        exact = exact + chance.detach() * smoothed + (chance - chance.detach()) * plain
        for baseline, sums in estimates.items():
            expected = baseline + torch.arange(WORDS) / 3
            loss, _ = objective(found, model.vocabulary, config, expected=expected)
            gradients = torch.autograd.grad(loss, parameters, retain_graph=True)
            for total, gradient in zip(sums, gradients, strict=True):
                total += chance.detach() * gradient
    assert chances == pytest.approx(1)
    wanted = torch.autograd.grad(exact, parameters)
    assert any(gradient.abs().max() > 1e-2 for gradient in wanted)
    scores = dict(zip((name for name, _ in model.named_parameters()), wanted, strict=True))
    assert scores["decoder.attention.score.W.weight"].abs().max() > 1e-4
    for sums in estimates.values():
        for found_gradient, gradient in zip(sums, wanted, strict=True):
            torch.testing.assert_close(found_gradient, gradient)


def test_padding_contributes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model = hard().double().train()
    choosing(monkeypatch, None)
    config, expected = TrainingConfig(label_smoothing=0.0), torch.rand(WORDS, dtype=torch.double)

    def minimised(pairs: list[tuple[list[int], list[int]]]) -> float:
        found = forward(model, collated(pairs), CPU.device, per="token")
        return objective(found, model.vocabulary, config, expected=-expected)[0].item()

    assert minimised(PAIRS) == pytest.approx(sum(minimised([pair]) for pair in PAIRS), rel=1e-9)


# The baseline


def test_the_baseline_of_a_word_is_the_moving_average_of_its_rewards() -> None:
    dice = random.Random(2)
    baseline = Baseline(WORDS, torch.device("cpu"))
    wanted = [-math.log(WORDS)] * WORDS
    for _ in range(4):
        read = [(dice.randrange(5), dice.uniform(-4, 0)) for _ in range(9)]
        for part in (read[:6], read[6:]):
            words, rewards = zip(*part, strict=True)
            real = torch.tensor([*(True for _ in part), False, False])
            baseline.add(torch.tensor([*words, 3, 4]), torch.tensor([*rewards, 7.0, 8.0]), real)
        for word in range(5):
            found = [reward for read_word, reward in read if read_word == word]
            for _ in found:
                wanted[word] = 0.9 * wanted[word] + 0.1 * sum(found) / len(found)
        assert baseline.average.tolist() != pytest.approx(wanted), "before the update has ended"
        baseline.move()
        assert baseline.average.tolist() == pytest.approx(wanted, rel=1e-5)
    baseline.add(torch.tensor([1]), torch.tensor([5.0]), torch.tensor([True]))
    baseline.forget()
    baseline.move()
    assert baseline.average.tolist() == pytest.approx(wanted, rel=1e-5)


def test_an_update_moves_the_baseline_of_the_words_that_it_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    choosing(monkeypatch, None)
    trainer = trainer_of(label_smoothing=0.4)
    trainer.model.train()
    with torch.no_grad():
        found = forward(trainer.model, collated(PAIRS), CPU.device, per="token")
        _, nll = objective(
            found, trainer.model.vocabulary, trainer.config, expected=trainer.baseline.average
        )
    trainer.step([collated(PAIRS[:2]), collated(PAIRS[2:])])
    for word in range(WORDS):
        lost = nll[(found.targets == word) & found.real]
        times, chance = len(lost), -math.log(WORDS)
        wanted = 0.9**times * chance - (1 - 0.9**times) * (lost.mean().item() if times else 0)
        assert trainer.baseline.average[word].item() == pytest.approx(wanted, rel=1e-4)


def test_an_attempt_that_ran_out_of_memory_moves_no_baseline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    choosing(monkeypatch, None)
    calm, short = trainer_of(), trainer_of()
    learn, calls = short._backward, count()

    def fails_once(batch: Batch, scale: float) -> Tensor:
        found = learn(batch, scale)
        if next(calls) == 1:
            raise torch.OutOfMemoryError("no memory")
        return found

    monkeypatch.setattr(short, "_backward", fails_once)
    for trainer in (calm, short):
        trainer.step([collated(PAIRS[:2]), collated(PAIRS[2:])])
    assert next(calls) > 3
    torch.testing.assert_close(short.baseline.average, calm.baseline.average)


def test_soft_attention_has_no_use_for_a_baseline() -> None:
    trainer = trainer_of(build_model(ModelConfig(), Vocabularies(WORDS, WORDS)))
    trainer.step([collated(PAIRS)])
    assert trainer.baseline.average.unique().tolist() == pytest.approx([-math.log(WORDS)])


def test_micro_batches_give_the_update_of_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    choosing(monkeypatch, None)
    whole, parts = trainer_of(), trainer_of()
    for _ in range(3):
        wanted = whole.step([collated(PAIRS)])
        found = parts.step([collated(PAIRS[:1]), collated(PAIRS[1:])])
    assert found.gradient_norm == pytest.approx(wanted.gradient_norm, rel=1e-4)
    for p, q in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        torch.testing.assert_close(p, q, atol=2e-5, rtol=1e-3)


@pytest.mark.parametrize("forgetful", [False, True])
def test_a_resumed_run_needs_its_baseline_to_be_exact(tmp_path: Any, forgetful: bool) -> None:
    first = trainer_of()
    for _ in range(3):
        first.step([collated(PAIRS)])
    kept = first.baseline.average.clone()
    store.save(tmp_path / "step-3", first.model, first.state(), {"step": 3})
    wanted = [first.step([collated(PAIRS)]) for _ in range(3)]

    second = trainer_of()
    store.load_model(tmp_path / "step-3", second.model)
    tensors, _ = store.load_training(tmp_path / "step-3")
    if forgetful:
        del tensors["baseline"]
    second.restore(tensors, steps=3, bad_validations=0)
    assert torch.equal(second.baseline.average, kept) is not forgetful
    found = [second.step([collated(PAIRS)]) for _ in range(3)]
    same = all(
        torch.equal(p, q)
        for p, q in zip(first.model.parameters(), second.model.parameters(), strict=True)
    )
    assert (found == wanted, same) == (not forgetful, not forgetful)


# Something is learned


def reversals(count: int, dice: random.Random) -> list[tuple[list[int], list[int]]]:
    rows = [[dice.randrange(4, WORDS) for _ in range(dice.randint(3, 6))] for _ in range(count)]
    return [(row, row[::-1]) for row in rows]


@pytest.mark.slow
def test_hard_attention_learns_where_to_attend() -> None:
    dice = random.Random(1)
    model = hard(size=48)
    trainer = trainer_of(model, warmup_steps=20, label_smoothing=0.0)
    for _ in range(UPDATES):
        trainer.step([collated(reversals(48, dice))])
    pairs = reversals(100, dice)
    source = collated(pairs).source
    found = beam_search(TorchEngine(model, CPU), source, size=1, max_lengths=np.full(100, 10))
    exact = diagonal = words = 0
    for (row, wanted), [best] in zip(pairs, found, strict=True):
        exact += best.ids == [*wanted, EOS]
        for t, weights in enumerate(best.attention[: len(row)]):
            assert sorted(weights)[-2:] == [0, 1]
            diagonal += int(weights.argmax()) == len(row) - 1 - t
            words += 1
    assert exact >= 95, f"{exact} of 100 reversed"
    assert diagonal >= 0.9 * words, f"{diagonal} of {words} words look at the word they copy"
