import random
import weakref
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nmt.checkpoint import store
from nmt.config import AttentionConfig, DecoderConfig, EncoderConfig, ModelConfig, TrainingConfig
from nmt.data.batching.batches import Batch, pad
from nmt.data.tokenizers.base import BOS, EOS, PAD, Vocabularies
from nmt.decoding.beam import beam_search
from nmt.decoding.torch_engine import TorchEngine
from nmt.errors import CheckpointError, TrainingError
from nmt.models import Seq2Seq, build_model
from nmt.models.devices import Compute
from nmt.training.trainer import Trainer
from support.tiny_models import Kind

CPU = Compute(torch.device("cpu"), bfloat16=False)
PAIRS = [
    ([5, 9, 16, 4, 6], [6, 11]),
    ([7], [4, 9, 12, 5, 7]),
    ([12, 8, 8], [10]),
    ([6, 6], [7, 8, 5]),
    ([15, 10, 11, 14, 13], [9, 9, 6, 4]),
]


def collated(pairs: list[tuple[list[int], list[int]]], first: int = 0) -> Batch:
    sources, targets = ([np.array(side) for side in sides] for sides in zip(*pairs, strict=True))
    return Batch(
        pad(sources, after=EOS),
        pad(targets, before=BOS),
        pad(targets, after=EOS),
        np.arange(first, first + len(pairs)),
    )


def trainer_of(
    kind: Kind | None = None,
    *,
    dropout: float = 0.0,
    dtype: torch.dtype = torch.float64,
    **config: Any,
) -> Trainer:
    torch.manual_seed(5)
    model = (kind or Kind()).build(dropout=dropout, dtype=dtype)
    settings = {"warmup_steps": 2, "schedule": "constant", "learning_rate": 0.01, **config}
    return Trainer(model, TrainingConfig(**settings), CPU, total=100)


def parameters(trainer: Trainer) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in trainer.model.parameters()]


def assert_equal(one: Trainer, other: Trainer) -> None:
    for p, q in zip(one.model.parameters(), other.model.parameters(), strict=True):
        assert torch.equal(p, q)


# One update


@pytest.mark.parametrize("clip", [None, 0.05])
def test_micro_batches_give_the_update_of_one_batch(clip: float | None) -> None:
    whole, parts = trainer_of(clip_norm=clip), trainer_of(clip_norm=clip)
    before = parameters(whole)
    for _ in range(2):
        report = whole.step([collated(PAIRS)])
        again = parts.step([collated(PAIRS[:1]), collated(PAIRS[1:])])  # unequal on purpose
    assert again.loss == pytest.approx(report.loss, rel=1e-5)
    assert again.gradient_norm == pytest.approx(report.gradient_norm, rel=1e-4)
    counts = [(r.target_tokens, r.source_tokens, r.sentences) for r in (report, again)]
    assert counts == [(20, 21, 5)] * 2
    for p, q, old in zip(whole.model.parameters(), parts.model.parameters(), before, strict=True):
        torch.testing.assert_close(p, q, atol=2e-5, rtol=1e-3)
        assert not torch.equal(p, old)


def test_padding_has_no_part_in_the_loss() -> None:
    trainer = trainer_of()
    together = trainer.loss([collated(PAIRS)])
    tokens = [len(target) + 1 for _, target in PAIRS]
    alone = [trainer.loss([collated([pair])]) for pair in PAIRS]
    wanted = sum(n * loss for n, loss in zip(tokens, alone, strict=True)) / sum(tokens)
    assert together == pytest.approx(wanted, rel=1e-5)


def test_the_loss_is_that_of_torch_without_smoothing() -> None:
    trainer, batch = trainer_of(label_smoothing=0.3), collated(PAIRS)
    source, target_in, target_out = (
        torch.from_numpy(side) for side in (batch.source, batch.target_in, batch.target_out)
    )
    with torch.no_grad():
        readouts = trainer.model(source, source != PAD, target_in).readouts
        logits = trainer.model.vocabulary(readouts)
    wanted = nn.functional.cross_entropy(
        logits.flatten(0, 1), target_out.flatten(), ignore_index=PAD
    )
    assert trainer.loss([batch]) == pytest.approx(wanted.item(), rel=1e-5)
    assert trainer.step([batch]).loss == pytest.approx(wanted.item(), rel=1e-5)


def test_an_update_is_adams_with_the_scheduled_rate() -> None:
    trainer = trainer_of(clip_norm=0.1, label_smoothing=0.2)
    plain, batch = trainer_of(), collated(PAIRS)
    optimizer = torch.optim.Adam(plain.model.parameters(), betas=(0.9, 0.98))
    source, target_in, target_out = (
        torch.from_numpy(side) for side in (batch.source, batch.target_in, batch.target_out)
    )
    for rate in (0.005, 0.01, 0.01):
        report = trainer.step([batch])
        optimizer.zero_grad()
        readouts = plain.model(source, source != PAD, target_in).readouts
        nn.functional.cross_entropy(
            plain.model.vocabulary(readouts).flatten(0, 1),
            target_out.flatten(),
            ignore_index=PAD,
            label_smoothing=0.2,
        ).backward()
        norm = nn.utils.clip_grad_norm_(plain.model.parameters(), 0.1)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        assert report.learning_rate == pytest.approx(rate)
        assert report.gradient_norm == pytest.approx(norm.item(), rel=1e-4)
    for p, q in zip(trainer.model.parameters(), plain.model.parameters(), strict=True):
        torch.testing.assert_close(p, q, atol=1e-4, rtol=1e-3)


def test_only_training_drops_values() -> None:
    trainer, batch = trainer_of(dropout=0.5), collated(PAIRS)
    assert trainer.loss([batch]) == trainer.loss([batch])
    first = trainer.step([batch]).loss
    assert trainer.loss([batch]) != first
    assert trainer.model.training is False
    trainer.step([batch])
    assert trainer.model.training is True


def test_measuring_the_loss_learns_nothing() -> None:
    trainer = trainer_of()
    before = parameters(trainer)
    trainer.loss([collated(PAIRS)])
    assert all(p.grad is None for p in trainer.model.parameters())
    assert all(torch.equal(p, q) for p, q in zip(before, trainer.model.parameters(), strict=True))


def test_weight_decay_and_the_other_optimizer_are_used() -> None:
    ends = []
    for config in ({}, {"optimizer": "adamw", "weight_decay": 0.3}, {"weight_decay": 0.3}):
        trainer = trainer_of(**config)
        trainer.step([collated(PAIRS)])
        ends.append(torch.cat([p.flatten() for p in parameters(trainer)]))
    assert all(not torch.equal(ends[a], ends[b]) for a, b in ((0, 1), (0, 2), (1, 2)))


def test_bfloat16_products_learn_nearly_the_same() -> None:
    exact, coarse = (trainer_of(dtype=torch.float32) for _ in range(2))
    coarse.compute = Compute(torch.device("cpu"), bfloat16=True)
    for _ in range(3):
        found, wanted = coarse.step([collated(PAIRS)]), exact.step([collated(PAIRS)])
        assert found.loss == pytest.approx(wanted.loss, rel=0.05)
    assert all(p.dtype == torch.float32 for p in coarse.model.parameters())


# A loss that is not finite


@pytest.mark.parametrize(("value", "named"), [(float("nan"), "nan"), (float("inf"), "nan")])
def test_a_loss_that_is_no_number_is_named_and_nothing_is_updated(value: float, named: str) -> None:
    trainer = trainer_of()
    trainer.step([collated(PAIRS)])
    with torch.no_grad():
        trainer.model.get_parameter("decoder.combine.weight")[0, 0] = value
        trainer.model.get_parameter("narrow.weight")[:, 0] = value
    before = parameters(trainer)
    moments = {name: value.clone() for name, value in trainer.state().items()}
    with pytest.raises(TrainingError) as caught:
        trainer.step([collated(PAIRS[:3], first=40), collated(PAIRS, first=50)])
    assert str(caught.value) == (
        f"the loss is {named} at step 2, in the batch of 8 training pairs 41, 42, 43, 51, 52 ...; "
        "nothing was updated: lower training.learning_rate or training.clip_norm, "
        "or try precision: float32"
    )
    assert trainer.steps == 1
    for p, q in zip(before, trainer.model.parameters(), strict=True):
        assert torch.equal(p.nan_to_num(9.0), q.nan_to_num(9.0))
    for name, tensor in trainer.state().items():
        assert torch.equal(tensor, moments[name])


def test_a_gradient_that_is_no_number_is_named() -> None:
    trainer = trainer_of()
    trainer.model.get_parameter("narrow.weight").register_hook(
        lambda gradient: gradient * float("inf")
    )
    before = parameters(trainer)
    with pytest.raises(TrainingError, match=r"^the gradient is (inf|nan) at step 1, in the batch"):
        trainer.step([collated(PAIRS)])
    for p, q in zip(before, trainer.model.parameters(), strict=True):
        assert torch.equal(p, q)


# Losses that are read late, as on a GPU


def late(trainer: Trainer) -> Trainer:
    trainer.late = True
    return trainer


def some_batches() -> list[list[Batch]]:
    return [[collated(PAIRS[:n])] if n % 2 else [collated(PAIRS[:n])] * 2 for n in range(1, 6)]


@pytest.mark.parametrize("clip", [None, 0.6, 100.0])
def test_losses_that_are_read_late_belong_to_the_same_training(clip: float | None) -> None:
    config = {"clip_norm": clip, "dropout": 0.3, "dtype": torch.float32}
    usual, behind = trainer_of(**config), late(trainer_of(**config))
    torch.manual_seed(3)
    wanted = [usual.step(batches) for batches in some_batches()]
    torch.manual_seed(3)
    found, counts = [], []
    for batches in some_batches():
        behind.update(batches)
        found += behind.results()
        counts.append(len(found))
    found += behind.results(wait=True)
    assert counts == [0, 1, 2, 3, 4]
    assert found == wanted
    norms = [metrics.gradient_norm for metrics in wanted]
    assert min(norms) < 0.6 < max(norms)  # some are clipped
    assert_equal(usual, behind)
    state = usual.state()
    assert all(torch.equal(state[name], tensor) for name, tensor in behind.state().items())


@pytest.mark.parametrize(
    "kind", [Kind(), Kind(attention=(("selection", "reinforce"),))], ids=["soft", "reinforce"]
)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_update_that_is_not_finite_is_skipped_with_the_next_one(
    value: float, kind: Kind
) -> None:
    behind, usual = late(trainer_of(kind)), trainer_of(kind)
    bad: list[float] = []
    behind.model.get_parameter("narrow.weight").register_hook(
        lambda gradient: gradient * bad.pop() if bad else gradient
    )
    for trainer in (behind, usual):
        torch.manual_seed(4)
        trainer.update([collated(PAIRS)])
    bad.append(value)
    behind.update([collated(PAIRS[:3], first=40)])
    assert [metrics.loss for metrics in behind.results()] == [usual.results()[0].loss]
    behind.update([collated(PAIRS)])
    with pytest.raises(TrainingError, match=r"gradient is (inf|nan) at step 2, .* pairs 41, 42, 4"):
        behind.results()
    assert behind.steps == 1
    for trainer in (behind, usual):
        assert trainer.results(wait=True) == []
    before, after = usual.state(), behind.state()
    for name in before.keys() - {"random.cpu"}:
        assert torch.equal(before[name], after[name]), name
    for trainer in (behind, usual):  # and it can go on
        torch.manual_seed(6)
        trainer.step([collated(PAIRS[:2])])
    assert_equal(usual, behind)


@pytest.mark.parametrize("clip", [None, 0.5])
@pytest.mark.parametrize(
    "kind", [Kind(), Kind("transformer"), Kind(attention=(("selection", "reinforce"),))], ids=str
)
def test_an_update_reads_nothing_from_the_device_before_the_optimizer_has_run(
    kind: Kind, clip: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The device is meta, from which nothing can be read."""
    done: list[str] = []
    meta = torch.device("meta")
    model = kind.build(dropout=0.2, dtype=torch.float32).to(meta)
    config = TrainingConfig(clip_norm=clip, coverage_loss=0.5)
    monkeypatch.setattr("torch.autocast", lambda *_, **__: nullcontext())  # meta has none
    monkeypatch.setattr("torch.is_autocast_enabled", lambda kind: False)
    monkeypatch.setattr("torch.get_autocast_dtype", lambda kind: torch.bfloat16)
    monkeypatch.setattr("torch.optim.Adam", lambda *_, **__: Optimizer(done))
    trainer = late(Trainer(model, config, Compute(meta, bfloat16=False), total=9))
    monkeypatch.setattr("nmt.training.trainer.Readback", lambda sums: NotYet(done))
    for _ in range(2):
        trainer.update([collated(PAIRS[:2]), collated(PAIRS[2:])])
    assert done == ["updated"] * 2
    trainer.results()
    assert done == ["updated"] * 2 + ["read"] * 2  # to check it, and to report it


class Optimizer:
    """One that only counts: a fused one does not run on meta."""

    def __init__(self, done: list[str]) -> None:
        self.done = done
        self.param_groups: list[dict[str, Any]] = []

    def step(self) -> None:
        self.done.append("updated")

    def zero_grad(self, *, set_to_none: bool) -> None:
        pass


class NotYet:
    """Numbers that have to be waited for."""

    def __init__(self, done: list[str]) -> None:
        self.done = done

    def read(self) -> list[float]:
        self.done.append("read")
        return [30.0, 1.0]


# A batch that does not fit


def short_of_memory(trainer: Trainer, *, rows: int, error: Exception) -> list[int]:
    """Make batches of more rows fail halfway; returns the row counts of those that fit."""
    whole, fitted = trainer.model.forward, list[int]()

    def forward(source: Tensor, *rest: Any) -> Any:
        reading = whole(source, *rest)
        if len(source) > rows:
            (reading.readouts.sum() * 1e3).backward()
            raise error
        fitted.append(len(source))
        return reading

    trainer.model.forward = forward
    return fitted


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried ..."),
        MemoryError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_batch_that_does_not_fit_is_split_into_micro_batches(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    whole, parts = trainer_of(), trainer_of()
    fitted = short_of_memory(parts, rows=2, error=error)
    for _ in range(2):
        report = whole.step([collated(PAIRS[:1]), collated(PAIRS)])
        again = parts.step([collated(PAIRS[:1]), collated(PAIRS)])
    assert again.loss == pytest.approx(report.loss, rel=1e-5)
    assert (again.target_tokens, again.sentences) == (report.target_tokens, report.sentences)
    for p, q in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        torch.testing.assert_close(p, q, atol=2e-5, rtol=1e-3)
    assert sum(fitted[-4:]) == 6  # the second update did not retry what had not fitted
    assert len(fitted) == 1 + 4 + 4
    [said] = caplog.messages
    assert said.startswith("out of memory on cpu for a batch of 60 tokens")


def test_a_run_that_ran_out_of_memory_is_resumed_exactly() -> None:
    rest: dict[str, Any] = {"dropout": 0.3, "teacher_forcing": 0.5, "dtype": torch.float32}
    error = torch.OutOfMemoryError("no memory")
    first = trainer_of(**rest)
    short_of_memory(first, rows=2, error=error)
    for _ in range(2):
        first.step([collated(PAIRS)])
    kept = {name: tensor.clone() for name, tensor in first.state().items()}
    learned = {name: tensor.clone() for name, tensor in first.model.state_dict().items()}
    wanted = [first.step([collated(PAIRS)]) for _ in range(2)]
    second = trainer_of(**rest)
    second.model.load_state_dict(learned)
    short_of_memory(second, rows=2, error=error)
    second.restore(kept, steps=2, bad_validations=0)
    fitting = first.micro_batches.max_padded_tokens  # sizes known not to fit are not tried
    assert second.micro_batches.max_padded_tokens == fitting is not None
    assert [second.step([collated(PAIRS)]) for _ in range(2)] == wanted
    assert_equal(first, second)


def test_a_failed_attempt_draws_no_random_numbers() -> None:
    """So a run that knows from the start what fits draws the same numbers."""
    finder, knower = trainer_of(dropout=0.3), trainer_of(dropout=0.3)
    for trainer in (finder, knower):
        short_of_memory(trainer, rows=2, error=MemoryError())
        torch.manual_seed(9)
        if trainer is knower:
            trainer.micro_batches.max_padded_tokens = finder.micro_batches.max_padded_tokens
        trainer.step([collated(PAIRS)])
    assert_equal(finder, knower)


def test_a_failed_attempt_holds_no_tensor_when_memory_is_freed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Otherwise their memory would not be freed, and the next attempt would fail, too."""
    trainer, held = trainer_of(), list[weakref.ref[Tensor]]()
    whole, living = trainer.model.forward, list[bool]()

    def forward(source: Tensor, *rest: Any) -> Any:
        output = whole(source, *rest)
        if len(source) > 2:
            held.append(weakref.ref(output.readouts))
            raise torch.OutOfMemoryError("no memory")
        return output

    def forget_gradients() -> None:
        living.extend(tensor() is not None for tensor in held)

    trainer.model.forward = forward
    monkeypatch.setattr(trainer, "_forget_gradients", forget_gradients)
    trainer.step([collated(PAIRS)])
    assert living == [False]


def test_a_validation_batch_that_does_not_fit_is_split_into_micro_batches() -> None:
    trainer = trainer_of()
    wanted = trainer.loss([collated(PAIRS)])
    whole = trainer.model.forward

    def forward(source: Tensor, *rest: Any) -> Any:
        if len(source) > 2:
            raise torch.OutOfMemoryError("no memory")
        return whole(source, *rest)

    trainer.model.forward = forward
    assert trainer.loss([collated(PAIRS)]) == pytest.approx(wanted, rel=1e-6)


def test_a_sentence_that_does_not_fit_is_an_error_and_nothing_is_updated() -> None:
    trainer = trainer_of()
    before = parameters(trainer)
    short_of_memory(trainer, rows=0, error=torch.OutOfMemoryError("no memory"))
    with pytest.raises(TrainingError, match="out of memory .* a sentence pair of 12 tokens"):
        trainer.step([collated(PAIRS)])
    for p, q in zip(before, trainer.model.parameters(), strict=True):
        assert torch.equal(p, q)
    assert all(p.grad is None for p in trainer.model.parameters())


def test_another_error_is_not_taken_for_out_of_memory() -> None:
    trainer = trainer_of()
    short_of_memory(trainer, rows=0, error=RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError, match="shapes do not match"):
        trainer.step([collated(PAIRS)])


# Going on


@pytest.mark.parametrize("kind", [Kind(), Kind("bahdanau", "gru", "additive", layers=2)], ids=str)
@pytest.mark.parametrize("forcing", ["constant", "linear", "exponential", "inverse_sigmoid"])
def test_a_restored_run_goes_on_as_if_never_stopped(
    tmp_path: Path, kind: Kind, forcing: str
) -> None:
    rest: dict[str, Any] = {
        "dtype": torch.float32,
        "dropout": 0.3,
        "teacher_forcing": 0.9,
        "teacher_forcing_schedule": forcing,
        "coverage_loss": 0.2,
        "schedule": "inverse_sqrt",
    }
    first = trainer_of(kind, **rest)
    for _ in range(3):
        first.step([collated(PAIRS)])
    store.save(tmp_path / "step-3", first.model, first.state(), {"step": 3})
    wanted = [first.step([collated(PAIRS)]) for _ in range(3)]

    torch.manual_seed(77)
    model = kind.build(dropout=0.3, dtype=torch.float32)
    second = Trainer(model, first.config, CPU, total=100)
    torch.rand(13)
    store.load_model(tmp_path / "step-3", second.model)
    tensors, state = store.load_training(tmp_path / "step-3")
    second.restore(tensors, steps=state["step"], bad_validations=0)
    assert [second.step([collated(PAIRS)]) for _ in range(3)] == wanted
    assert_equal(first, second)


@pytest.mark.parametrize("lost", ["exp_avg", "exp_avg_sq", "step"])
def test_the_optimizers_state_matters(tmp_path: Path, lost: str) -> None:
    """The test above relies on this: without a part of the state the run ends differently."""
    first, second = trainer_of(), trainer_of()
    for trainer in (first, second):
        for _ in range(3):
            trainer.step([collated(PAIRS)])
    tensors = {name: tensor.clone() for name, tensor in first.state().items()}
    for name in tensors:
        if name.startswith(f"optimizer.{lost}."):
            tensors[name].zero_()
    second.restore(tensors, steps=3, bad_validations=0)
    first.step([collated(PAIRS)])
    second.step([collated(PAIRS)])
    assert any(
        not torch.equal(p, q)
        for p, q in zip(first.model.parameters(), second.model.parameters(), strict=True)
    )


def test_every_parameter_has_its_moments_in_the_state() -> None:
    trainer = trainer_of()
    trainer.step([collated(PAIRS)])
    names = {name for name, _ in trainer.model.named_parameters()}
    assert set(trainer.state()) == {"random.cpu", "baseline"} | {
        f"optimizer.{slot}.{name}" for slot in ("step", "exp_avg", "exp_avg_sq") for name in names
    }


@pytest.mark.parametrize("lost", ["random.cpu", "optimizer.exp_avg.vocabulary.weight"])
def test_an_incomplete_state_is_refused(lost: str) -> None:
    trainer = trainer_of()
    trainer.step([collated(PAIRS)])
    tensors = trainer.state()
    del tensors[lost]
    with pytest.raises(CheckpointError) as caught:
        trainer.restore(tensors, steps=1, bad_validations=0)
    assert str(caught.value) == f"the training state lacks '{lost}': it is incomplete"


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("random.cpu", torch.zeros(5)),
        ("random.cpu", torch.zeros(17, dtype=torch.uint8)),
        ("random.cpu", torch.full((5056,), 255, dtype=torch.uint8)),
        ("baseline", torch.zeros(12)),
        ("baseline", torch.zeros(13, dtype=torch.int32)),
        ("max_padded_tokens", torch.tensor([3, 4])),
        ("max_padded_tokens", torch.tensor(2.5)),
        ("optimizer.step.vocabulary.weight", torch.zeros(2)),
        ("optimizer.exp_avg.vocabulary.weight", torch.zeros(13, 7)),
        ("optimizer.exp_avg_sq.vocabulary.bias", torch.zeros(13, dtype=torch.int64)),
        ("optimizer.untouched", torch.zeros(1)),
    ],
)
def test_a_damaged_state_is_refused_in_one_line(name: str, other: Tensor) -> None:
    trainer = trainer_of()
    trainer.step([collated(PAIRS)])
    random = torch.get_rng_state()
    with pytest.raises(CheckpointError) as caught:
        trainer.restore({**trainer.state(), name: other}, steps=1, bad_validations=0)
    assert f"'{name}' in the training state is" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert torch.equal(torch.get_rng_state(), random)


@pytest.mark.parametrize("kind", [Kind(), Kind("transformer")], ids=str)
def test_a_run_stopped_before_its_first_update_goes_on_as_if_never_stopped(
    tmp_path: Path, kind: Kind
) -> None:
    rest: dict[str, Any] = {"dtype": torch.float32, "dropout": 0.3, "teacher_forcing": 0.9}
    first = trainer_of(kind, **rest)
    store.save(tmp_path / "step-0", first.model, first.state(), {"step": 0})
    wanted = [first.step([collated(PAIRS)]) for _ in range(3)]
    torch.manual_seed(77)
    second = Trainer(kind.build(dropout=0.3, dtype=torch.float32), first.config, CPU, total=100)
    store.load_model(tmp_path / "step-0", second.model)
    second.restore(store.load_training(tmp_path / "step-0")[0], steps=0, bad_validations=0)
    assert [second.step([collated(PAIRS)]) for _ in range(3)] == wanted
    assert_equal(first, second)


def test_the_state_before_any_update_is_not_accepted_for_a_later_one() -> None:
    trainer = trainer_of()
    with pytest.raises(CheckpointError, match="lacks 'optimizer.step.source_embedding.weight'"):
        trainer.restore(trainer.state(), steps=3, bad_validations=0)


def with_spare(trainer: Trainer) -> Trainer:
    """With parameters that no loss depends on, in the middle and at the end."""
    for module in (trainer.model.get_submodule("encoder"), trainer.model):
        spare = nn.Parameter(torch.ones(2, dtype=torch.float64))
        module.register_parameter("spare", spare)
        trainer.optimizer.add_param_group({"params": [spare]})
    return trainer


def test_a_parameter_that_never_had_a_gradient_has_nothing_to_restore() -> None:
    first, second = with_spare(trainer_of()), with_spare(trainer_of())
    for _ in range(2):
        first.step([collated(PAIRS)])
    kept = {name: tensor.clone() for name, tensor in first.state().items()}
    second.model.load_state_dict(first.model.state_dict())
    second.restore(kept, steps=2, bad_validations=0)
    assert second.step([collated(PAIRS)]) == first.step([collated(PAIRS)])
    assert_equal(first, second)
    lost = "optimizer.exp_avg.vocabulary.weight"
    for name in ("step", "exp_avg", "exp_avg_sq"):
        del kept[f"optimizer.{name}.vocabulary.weight"]
    with pytest.raises(CheckpointError, match="lacks 'optimizer.step.vocabulary.weight'"):
        second.restore(kept, steps=2, bad_validations=0)
    assert lost not in kept


@pytest.mark.parametrize("where", ["optimizer.step", "clipping"])
def test_running_out_of_memory_in_an_update_is_reported_in_one_line(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = trainer_of(clip_norm=1e-3)
    before = parameters(trainer)

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")

    if where == "clipping":
        monkeypatch.setattr(nn.utils, "clip_grads_with_norm_", fail)
    else:
        monkeypatch.setattr(trainer.optimizer, "step", fail)
    with pytest.raises(TrainingError, match="out of memory on cpu for the optimizer's state"):
        trainer.step([collated(PAIRS)])
    assert all(torch.equal(p, q) for p, q in zip(before, parameters(trainer), strict=True))
    assert all(p.grad is None for p in trainer.model.parameters())
    assert trainer.steps == 0


def test_stalls_lower_the_rate_of_a_plateau() -> None:
    trainer = trainer_of(schedule="plateau", warmup_steps=0)
    trainer.step([collated(PAIRS)])
    trainer.restore(trainer.state(), steps=1, bad_validations=2)
    assert trainer.step([collated(PAIRS)]).learning_rate == pytest.approx(0.0025)


# Teacher forcing


def draws(trainer: Trainer, *, shape: tuple[int, int] = (60, 50)) -> Tensor:
    """Which positions are forced, in a training step."""
    seen: list[Tensor | None] = []

    class Spy(nn.Module):
        vocabulary = trainer.model.vocabulary

        def forward(
            self, source: Tensor, mask: Tensor, target_in: Tensor, forced: Tensor | None = None
        ) -> Any:
            seen.append(forced)
            return whole(source, mask, target_in, forced)

    whole = trainer.model
    spy = Spy()
    spy.whole = whole
    trainer.model = spy  # type: ignore[assignment]  # it can do what the trainer asks
    rows = [([5], [7] * (shape[1] - 1))] * shape[0]
    trainer.step([collated(rows)])
    trainer.model = whole
    [forced] = seen
    assert forced is not None
    assert forced.shape == shape
    return forced


@pytest.mark.parametrize("ratio", [0.0, 0.5, 0.8])
def test_teacher_forcing_is_drawn_for_each_token(ratio: float) -> None:
    forced = draws(trainer_of(teacher_forcing=ratio))
    assert forced.float().mean().item() == pytest.approx(ratio, abs=0.03)
    if ratio:
        shares = forced.float().mean(dim=1)
        assert ((shares > 0) & (shares < 1)).all()


@pytest.mark.parametrize("ratio", [0.0, 0.5])
def test_teacher_forcing_per_sentence_is_drawn_for_whole_rows(ratio: float) -> None:
    forced = draws(trainer_of(teacher_forcing=ratio, teacher_forcing_per="sentence"))
    assert (forced == forced[:, :1]).all()
    assert forced[:, 0].float().mean().item() == pytest.approx(ratio, abs=0.2)


def test_a_step_of_free_running_learns_from_what_the_model_reads() -> None:
    losses = {
        ratio: trainer_of(teacher_forcing=ratio).step([collated(PAIRS)]).loss
        for ratio in (0.0, 1.0)
    }
    assert losses[0.0] != losses[1.0]
    trainer = trainer_of(teacher_forcing=0.0)
    assert trainer.loss([collated(PAIRS)]) == pytest.approx(losses[1.0], rel=1e-5)


def test_a_schedule_of_teacher_forcing_follows_the_updates() -> None:
    trainer = trainer_of(teacher_forcing_schedule="linear", teacher_forcing_end=0.2)
    trainer.total = 5
    shares = []
    whole = trainer.model.forward

    def forward(source: Tensor, mask: Tensor, target_in: Tensor, forced: Tensor | None) -> Any:
        shares.append(None if forced is None else forced.float().mean().item())
        return whole(source, mask, target_in, forced)

    trainer.model.forward = forward
    for _ in range(6):
        trainer.step([collated([([5], [7] * 49)] * 60)])
    assert shares[0] is None  # the fast path
    assert shares[1:] == pytest.approx([0.8, 0.6, 0.4, 0.2, 0.2], abs=0.03)


# Accuracy with the reference's words, and with the model's own


@pytest.mark.parametrize("kind", [Kind(), Kind("bahdanau", "gru", "additive")], ids=str)
def test_accuracies_are_those_of_a_walk_from_word_to_word(kind: Kind) -> None:
    trainer = trainer_of(kind)
    for _ in range(25):
        trainer.step([collated(PAIRS)])
    model, right = trainer.model.eval(), {False: 0, True: 0}
    for row, wanted in PAIRS:
        source = torch.tensor([[*row, EOS]])
        for free in right:
            memory = model.encode(source, torch.ones_like(source, dtype=torch.bool))
            state, previous = model.start(memory), BOS
            for word in [*wanted, EOS]:
                step = model.step(torch.tensor([previous]), state, memory)
                choice, state = int(step.logits.argmax()), step.state
                right[free] += choice == word
                previous = choice if free else word
    assert 0 < right[True] < right[False] < 20
    for free, count in right.items():
        found = trainer.accuracy([collated(PAIRS[:2]), collated(PAIRS[2:])], free=free)
        assert found == pytest.approx(count / 20)


def test_counting_what_is_right_disturbs_nothing() -> None:
    trainer = trainer_of(dropout=0.3, teacher_forcing=0.5)
    trainer.step([collated(PAIRS)])
    before = {name: tensor.clone() for name, tensor in trainer.state().items()}
    learned = parameters(trainer)
    for free in (False, True):
        assert trainer.accuracy([collated(PAIRS)], free=free) == trainer.accuracy(
            [collated(PAIRS)], free=free
        )
    for name, tensor in trainer.state().items():
        assert torch.equal(tensor, before[name])
    assert all(torch.equal(p, q) for p, q in zip(learned, parameters(trainer), strict=True))


# The coverage loss


@pytest.mark.parametrize("kind", [Kind(), Kind(feeding=False), Kind("bahdanau")], ids=str)
def test_the_coverage_loss_is_minimised_and_not_reported(kind: Kind) -> None:
    rest: dict[str, Any] = {"clip_norm": None, "label_smoothing": 0.0}
    plain, batch = trainer_of(kind, **rest), collated(PAIRS)
    source, target_in, target_out = (
        torch.from_numpy(side) for side in (batch.source, batch.target_in, batch.target_out)
    )
    reading = plain.model(source, source != PAD, target_in)
    logits = plain.model.vocabulary(reading.readouts)
    loss = nn.functional.cross_entropy(
        logits.flatten(0, 1), target_out.flatten(), ignore_index=PAD, reduction="sum"
    )
    repeated = torch.zeros(())
    for weights, (_, wanted) in zip(reading.attention, PAIRS, strict=True):
        for t in range(1, len(wanted) + 1):
            repeated = repeated + torch.minimum(weights[t], weights[:t].sum(dim=0)).sum()
    ((loss + 300 * repeated) / 20).backward()
    norm = nn.utils.get_total_norm([p.grad for p in plain.model.parameters() if p.grad is not None])

    without = trainer_of(kind, **rest).step([batch])
    found = trainer_of(kind, coverage_loss=300.0, **rest).step([batch])
    apart = trainer_of(kind, coverage_loss=300.0, **rest).step(
        [collated(PAIRS[:2]), collated(PAIRS[2:])]
    )
    assert found.loss == pytest.approx(without.loss, rel=1e-6)
    assert found.loss == pytest.approx(loss.item() / 20, rel=1e-5)
    assert found.gradient_norm == pytest.approx(norm.item(), rel=1e-3)
    assert apart.gradient_norm == pytest.approx(norm.item(), rel=1e-3)
    assert found.gradient_norm != pytest.approx(without.gradient_norm, rel=1e-2)


# Something is learned


def reversals(count: int, dice: random.Random) -> list[tuple[list[int], list[int]]]:
    rows = [[dice.randrange(4, 14) for _ in range(dice.randint(3, 6))] for _ in range(count)]
    return [(row, row[::-1]) for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("decoder", "cell", "score"), [("luong", "lstm", "general"), ("bahdanau", "gru", "additive")]
)
def test_a_model_learns_to_reverse_and_shows_how(decoder: str, cell: str, score: str) -> None:
    dice = random.Random(1)
    config = ModelConfig(
        embedding_size=24,
        encoder=EncoderConfig(cell=cell, size=24),
        decoder=DecoderConfig(kind=decoder, cell=cell, size=48),
        attention=AttentionConfig(score=score),
        dropout=0.0,
    )
    model: Seq2Seq = build_model(config, Vocabularies(14, 14))
    settings = TrainingConfig(
        learning_rate=1e-2, warmup_steps=20, schedule="cosine", label_smoothing=0.0
    )
    trainer = Trainer(model, settings, CPU, total=300)
    for _ in range(300):
        trainer.step([collated(reversals(48, dice))])

    pairs = reversals(100, dice)
    engine = TorchEngine(model, CPU)
    found = beam_search(engine, collated(pairs).source, size=3, max_lengths=np.full(100, 10))
    exact = diagonal = words = 0
    for (row, wanted), [best] in zip(pairs, found, strict=True):
        exact += best.ids == [*wanted, EOS]
        for t, weights in enumerate(best.attention[: len(row)]):
            diagonal += int(weights.argmax()) == len(row) - 1 - t
            words += 1
    assert exact >= 95, f"{exact} of 100 reversed"
    assert diagonal >= 0.9 * words, f"{diagonal} of {words} words look at the word they copy"
