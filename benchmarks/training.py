"""Training speed of nmt beside a plain reference, interleaved in one run.

    make bench

Prints a Markdown table of target tokens a second (medians of windows) and ratios; paste it into
benchmarks/README.md with the date and the machine.
"""

import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from nmt.config import load
from nmt.data.batches import Batch, collate, plan
from nmt.training.loop import Epochs, Progress
from nmt.training.trainer import Trainer
from nmt.workflows.prepare import Parts, describe, prepare
from plain import PlainLuong, PlainTrainer

WARM_UP, WINDOWS, WINDOW = 2, 5, 3


def main() -> None:
    loaded = load(Path(sys.argv[1]), sys.argv[2:])
    parts = prepare(loaded.config)
    describe(parts)
    bucketed, random = buckets(parts), shuffled(parts)
    steps: dict[str, Callable[[], tuple[int, float]]] = {
        "plain reference, random batches": plain(parts, random),
        "plain reference, nmt's batches": plain(parts, bucketed),
        "nmt": ours(parts, bucketed),
    }
    rates = measure(steps)
    print("| training | target tokens/s | ratio |\n|---|---|---|")
    reference = rates["plain reference, random batches"]
    for name, rate in rates.items():
        print(f"| {name} | {rate:,.0f} | {rate / reference:.2f} |")


def measure(steps: dict[str, Callable[[], tuple[int, float]]]) -> dict[str, float]:
    """Medians of windows that take turns, so that a slow minute slows all of them."""
    for step in steps.values():
        for _ in range(WARM_UP):
            step()
    rates: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(WINDOWS):
        for name, step in steps.items():
            done = [step() for _ in range(WINDOW)]
            rates[name].append(sum(t for t, _ in done) / sum(s for _, s in done))
    return {name: statistics.median(values) for name, values in rates.items()}


def buckets(parts: Parts) -> Iterator[Batch]:
    """nmt's own batches, without end."""
    config = parts.config
    epochs = Epochs(parts.train, budget=config.training.batch_tokens, seed=config.seed)
    epoch = 0
    while True:
        yield from epochs.take(Progress(epoch=epoch), len(epochs.plan(epoch)))
        epoch += 1


def shuffled(parts: Parts) -> Iterator[Batch]:
    """As many random sentences a batch as nmt has on average."""
    lengths = [np.asarray(side.lengths) + 1 for side in (parts.train.source, parts.train.target)]
    budget = parts.config.training.batch_tokens
    groups = plan(lengths[0], lengths[1], budget=budget, seed=1, epoch=0)
    size = len(parts.train) // len(groups)
    generator = np.random.default_rng(1)
    while True:
        yield collate(parts.train, generator.choice(len(parts.train), size, replace=False))


def ours(parts: Parts, batches: Iterator[Batch]) -> Callable[[], tuple[int, float]]:
    trainer = Trainer(parts.model, parts.config.training, parts.compute, total=parts.updates)

    def step() -> tuple[int, float]:
        batch = next(batches)
        started = perf_counter()
        trainer.step([batch])
        return batch.target_tokens, perf_counter() - started

    return step


def plain(parts: Parts, batches: Iterator[Batch]) -> Callable[[], tuple[int, float]]:
    model = parts.config.model
    vocabulary = parts.tokenizers.vocabularies.target
    reference = PlainLuong(vocabulary, model.embedding_size, model.encoder.size, model.decoder.size)
    trainer = PlainTrainer(reference, parts.config.training.label_smoothing)

    def step() -> tuple[int, float]:
        batch = next(batches)
        sides = [torch.from_numpy(s) for s in (batch.source, batch.target_in, batch.target_out)]
        precision = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("highest")  # torch's default, which tutorials keep
        started = perf_counter()
        trainer.step(*sides)
        seconds = perf_counter() - started
        torch.set_float32_matmul_precision(precision)
        return batch.target_tokens, seconds

    return step


if __name__ == "__main__":
    main()
