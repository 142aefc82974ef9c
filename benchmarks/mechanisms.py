"""The training speed of each mechanism of the lecture, all taking turns in one run.

python benchmarks/mechanisms.py [CONFIG ...]
"""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

import torch

from nmt.config import Config, load
from nmt.data.batching.batches import Batch
from nmt.data.batching.loader import Position
from nmt.training.trainer import Trainer
from nmt.workflows.train.setup import TrainingSetup, prepare

CONFIGS = Path(__file__).parents[1] / "configs/lecture"
REFERENCE = "02-dot"
WARM_UP, ROUNDS, UPDATES = 2, 7, 6


class Contender:
    """A model in training on the batches of its config."""

    def __init__(self, config: Config) -> None:
        self.name = config.name
        torch.manual_seed(config.seed)
        self.parts = prepare(config)
        self.trainer = Trainer(
            self.parts.model, config.training, self.parts.compute, total=self.parts.updates
        )
        self.batches = endless(self.parts)
        self.rates: list[float] = []

    def train(self) -> float:
        """Train for some updates; target tokens per second."""
        tokens, seconds = 0, 0.0
        for _ in range(UPDATES):
            batch = next(self.batches)
            started = perf_counter()
            self.trainer.step([batch])
            seconds += perf_counter() - started
            tokens += batch.target_tokens
        return tokens / seconds


def endless(parts: TrainingSetup) -> Iterator[Batch]:
    with parts.loader as loader:
        position = Position()
        while True:
            yield from loader.take(position, 1)


def main() -> None:
    logging.disable()
    paths = [Path(name) for name in sys.argv[1:]] or sorted(CONFIGS.glob("*.yaml"))
    contenders = [Contender(load(path).config) for path in paths]
    for number in range(WARM_UP + ROUNDS):
        for each in contenders:
            rate = each.train()
            if number >= WARM_UP:
                each.rates.append(rate)
    rates = {each.name: median(each.rates) for each in contenders}
    first = rates.get(REFERENCE, next(iter(rates.values())))
    print(f"{contenders[0].parts.compute}, medians of {ROUNDS} windows of {UPDATES} updates")
    print("| config | target read by | target tokens/s | of the reference |")
    print("|---|---|---:|---:|")
    for each in sorted(contenders, key=lambda each: -rates[each.name]):
        rate = rates[each.name]
        way = each.trainer.model.reads_by
        print(f"| {each.name} | {way} | {rate:,.0f} | {rate / first:.2f} |")


if __name__ == "__main__":
    main()
