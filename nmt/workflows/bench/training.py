"""`nmt bench train`: the speed of training, compared with the peak of the machine."""

import statistics
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import torch

from nmt.config import Loaded
from nmt.data.batching.loader import BatchLoader, Position
from nmt.training.trainer import Trainer
from nmt.workflows.bench.machine import best_rate, counted, peak_memory, shapes_of
from nmt.workflows.train.setup import TrainingSetup, describe, padding_share, prepare
from nmt.workflows.train.validate import check_model

WARM_UP, WINDOWS, WINDOW = 5, 7, 6  # updates, windows, updates per window
COUNTED = 12  # batches whose FLOP are counted


@dataclass(frozen=True)
class TrainingSpeed:
    """The speed of one config on this machine, in one process."""

    target_tokens_per_second: float
    """The median over the windows."""
    sentences_per_second: float
    latency_ms_p50: None
    """The latency of one sentence, which only decoding has."""
    latency_ms_p95: None
    padding_share: float
    waiting_share: float
    """The share of the time spent waiting for the next batch."""
    flop_per_target_token: float
    """FLOP of the matrix products, forward and backward."""
    matmul_peak_gflops: float
    """The best rate over the model's own shapes, measured in the same process."""
    share_of_peak: float
    peak_memory_mb: float | None
    """None if the system does not report it."""
    compute: str
    torch: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        return "\n".join(
            [
                f"target tokens/s      {self.target_tokens_per_second:>12,.0f}",
                f"sentences/s          {self.sentences_per_second:>12,.0f}",
                f"padding              {100 * self.padding_share:>11.1f} %",
                f"waiting for data     {100 * self.waiting_share:>11.1f} %",
                f"MFLOP/target token   {self.flop_per_target_token / 1e6:>12.1f}",
                f"matrix-product peak  {self.matmul_peak_gflops:>12,.0f} GFLOP/s",
                f"share of the peak    {100 * self.share_of_peak:>11.1f} %",
                f"peak memory          {self.peak_memory_mb or 0:>12,.0f} MB",
                f"computed on          {self.compute}, torch {self.torch}",
            ]
        )


def bench_training(loaded: Loaded) -> TrainingSpeed:
    """Train for some windows of updates on the config's own corpus, without writing anything.

    The peak is measured before and after, so that a passing load on the machine does not lower it.
    """
    check_model(loaded)
    setup = prepare(loaded.config)
    describe(setup)
    trainer = Trainer(setup.model, setup.config.training, setup.compute, total=setup.updates)
    position = Position()
    with setup.loader as loader:
        _window(trainer, loader, position, WARM_UP)
        peaks = [_peak(setup)]
        windows = [_window(trainer, loader, position, WINDOW) for _ in range(WINDOWS)]
        memory = peak_memory(setup.compute.device.type)  # before counting FLOP takes memory
        peaks.append(_peak(setup))
        tokens, sentences, waiting = map(statistics.median, zip(*windows, strict=True))
        flop, peak = _flop_per_token(trainer, loader), max(peaks)
    return TrainingSpeed(
        tokens, sentences, None, None, padding_share(setup), waiting,
        flop, peak / 1e9, flop * tokens / peak,
        memory, str(setup.compute), torch.__version__,
    )  # fmt: skip


def _window(
    trainer: Trainer, loader: BatchLoader, position: Position, updates: int
) -> tuple[float, float, float]:
    """Target tokens and sentences per second, and the share of the time waiting for batches."""
    waited = loader.waited
    started = perf_counter()
    results = []
    for _ in range(updates):
        trainer.update(loader.take(position, 1))
        results += trainer.results()
    results += trainer.results(wait=True)  # synchronised: it reads the losses
    seconds = perf_counter() - started
    tokens = sum(metrics.target_tokens for metrics in results)
    sentences = sum(metrics.sentences for metrics in results)
    return tokens / seconds, sentences / seconds, (loader.waited - waited) / seconds


def _flop_per_token(trainer: Trainer, loader: BatchLoader) -> float:
    """The FLOP per target token of some updates, forward and backward."""
    batches = loader.take(Position(), COUNTED)
    flop, metrics = counted(trainer.model, lambda: trainer.step(batches), backward=True)
    return flop / metrics.target_tokens


def _peak(setup: TrainingSetup) -> float:
    """The FLOP/s of the fastest matrix product among the model's shapes."""
    shapes = shapes_of(
        setup.config.model,
        setup.tokenizers.vocabularies.target,
        rows=setup.config.training.batch_tokens,
    )
    return best_rate(setup.compute, shapes)
