"""Training speed of nmt against plain references, interleaved in one run, and the machine's limit.

    python benchmarks/training.py configs/luong-multi30k.yaml [SECTION.KEY=VALUE ...]

For Luong's decoder with input feeding, without it, and Bahdanau's: target tokens a second (medians
of windows that take turns), ratios to the reference on its own random batches and on nmt's, and the
share of the fastest matrix product measured in the same run. Prints a Markdown table for README.md.
"""

import statistics
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from nmt.config import ModelConfig, load
from nmt.data.batching.batches import Batch, collate
from nmt.data.batching.loader import BatchLoader, Position
from nmt.models import build_model
from nmt.models.devices import choose
from nmt.training.trainer import Trainer
from nmt.workflows.bench.machine import best_rate, counted, shapes_of
from nmt.workflows.train.setup import TrainingSetup, describe, prepare
from plain import PlainBahdanau, PlainLuong, PlainTrainer

WARM_UP, WINDOWS, COUNTED = 2, 7, 12
Step = Callable[[], tuple[int, float]]  # trains on a batch: target tokens, seconds

DECODERS = {
    "Luong, input feeding": {"decoder": {"kind": "luong", "input_feeding": True}},
    "Luong, no input feeding": {"decoder": {"kind": "luong", "input_feeding": False}},
    "Bahdanau, additive": {
        "decoder": {"kind": "bahdanau"},
        "attention": {"score": "additive"},
    },
}


def main() -> None:
    config = load(Path(sys.argv[1]), sys.argv[2:]).config
    setup = prepare(config)
    describe(setup)
    print("| model | trained by | target tokens/s | vs. random | vs. equal batches | limit |")
    print("|---|---|---|---|---|---|")
    for name, changes in DECODERS.items():
        compare(name, setup, changed(config.model, changes))


def changed(model: ModelConfig, changes: dict[str, dict[str, object]]) -> ModelConfig:
    """A model's config with other values in some of its sections."""
    sections = {key: {**model.model_dump()[key], **values} for key, values in changes.items()}
    return ModelConfig.model_validate({**model.model_dump(), **sections})


def compare(name: str, setup: TrainingSetup, model: ModelConfig) -> None:
    """A row for each way to train a model."""
    bucketed, random = buckets(setup), shuffled(setup)
    plain_loop = changed(model, {"decoder": {"fused": False}})
    steps: dict[str, Step] = {
        "plain reference, float32, random batches": plain(setup, model, random),
        "plain reference, float32, nmt's batches": plain(setup, model, bucketed),
        "nmt, float32": ours(setup, model, bucketed, precision="float32"),
        "nmt, bfloat16, plain loop": ours(setup, plain_loop, bucketed),
        "nmt, bfloat16": ours(setup, model, bucketed),
    }
    compute = choose(setup.config.device, "auto")
    vocabulary = setup.tokenizers.vocabularies.target
    shapes = shapes_of(model, vocabulary, rows=setup.config.training.batch_tokens)
    rates, peak = measure(steps, lambda: best_rate(compute, shapes))
    flop = flop_per_token(setup, model, bucketed)
    references = list(rates.values())[:2]
    for way, rate in rates.items():
        ratios = " | ".join(f"{rate / reference:.2f}" for reference in references)
        limit = f"{100 * flop * rate / peak:.1f} %" if "bfloat16" in way else ""
        print(f"| {name} | {way} | {rate:,.0f} | {ratios} | {limit} |", flush=True)
    print(f"| | best bfloat16 product {peak / 1e9:,.0f} GFLOP/s, {flop / 1e6:.1f} MFLOP/token ||||")


def measure(steps: dict[str, Step], limit: Callable[[], float]) -> tuple[dict[str, float], float]:
    """Medians of windows that take turns, so that a slow minute slows all of them."""
    for step in steps.values():
        for _ in range(WARM_UP):
            step()
    rates: dict[str, list[float]] = {name: [] for name in steps}
    limits = []
    for _ in range(WINDOWS):
        limits.append(limit())
        for name, step in steps.items():
            done = [step() for _ in range(1 if "reference" in name else 3)]
            rates[name].append(sum(t for t, _ in done) / sum(s for _, s in done))
    return {name: statistics.median(values) for name, values in rates.items()}, max(limits)


def buckets(setup: TrainingSetup) -> Iterator[Batch]:
    """nmt's own batches, without end."""
    with BatchLoader(
        setup.train, budget=setup.config.training.batch_tokens, seed=setup.config.seed
    ) as loader:
        position = Position()
        while True:
            yield from loader.take(position, 1)


def shuffled(setup: TrainingSetup) -> Iterator[Batch]:
    """Batches of random sentences, as many per batch as nmt has on average."""
    size = len(setup.train) // len(setup.loader)
    generator = np.random.default_rng(1)
    while True:
        yield collate(setup.train, generator.choice(len(setup.train), size, replace=False))


def trainer_of(setup: TrainingSetup, model: ModelConfig, precision: str) -> Trainer:
    torch.manual_seed(1)
    compute = choose(setup.config.device, precision)
    network = build_model(model, setup.tokenizers.vocabularies).to(compute.device)
    return Trainer(network, setup.config.training, compute, total=setup.updates)


def ours(
    setup: TrainingSetup,
    model: ModelConfig,
    batches: Iterator[Batch],
    *,
    precision: str = "bfloat16",
) -> Step:
    trainer = trainer_of(setup, model, precision)

    def step() -> tuple[int, float]:
        batch = next(batches)
        torch.set_float32_matmul_precision("medium")  # as nmt has it, see models/devices.py
        started = perf_counter()
        trainer.step([batch])
        return batch.target_tokens, perf_counter() - started

    return step


def plain(setup: TrainingSetup, model: ModelConfig, batches: Iterator[Batch]) -> Step:
    kind = PlainLuong if model.decoder.kind == "luong" else PlainBahdanau
    device = setup.compute.device
    reference = kind(model, setup.tokenizers.vocabularies.target).to(device)
    trainer = PlainTrainer(reference, setup.config.training.label_smoothing)

    def step() -> tuple[int, float]:
        batch = next(batches)
        arrays = (batch.source, batch.target_in, batch.target_out)
        sides = [torch.from_numpy(side).to(device) for side in arrays]
        torch.set_float32_matmul_precision("highest")  # torch's default, which tutorials keep
        started = perf_counter()
        trainer.step(*sides)
        return batch.target_tokens, perf_counter() - started

    return step


def flop_per_token(setup: TrainingSetup, model: ModelConfig, batches: Iterator[Batch]) -> float:
    trainer, some = trainer_of(setup, model, "auto"), list(islice(batches, COUNTED))
    flop, report = counted(trainer.model, lambda: trainer.step(some), backward=True)
    return flop / report.target_tokens


if __name__ == "__main__":
    main()
