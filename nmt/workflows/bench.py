"""`nmt bench`: how fast a training runs, and how far that is from what the machine can do."""

import statistics
import sys
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nmt.config import Loaded
from nmt.models.devices import Compute
from nmt.training.loop import Epochs, Progress
from nmt.training.trainer import Trainer
from nmt.workflows.prepare import Parts, check_model, describe, padding_share, prepare

WARM_UP, WINDOWS, WINDOW = 5, 7, 6  # updates, windows, updates in a window


@dataclass(frozen=True)
class TrainingSpeed:
    """Of one config on this machine, in one run."""

    target_tokens_per_second: float
    """The median of the windows."""
    sentences_per_second: float
    padding_share: float
    flop_per_target_token: float
    """Of matrix products, forward and backward."""
    matmul_peak_gflops: float
    """The best product of the model's own shapes, measured in the same run."""
    share_of_peak: float
    peak_memory_mb: float | None
    """None where the system does not tell."""
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
                f"MFLOP/target token   {self.flop_per_target_token / 1e6:>12.1f}",
                f"matrix-product peak  {self.matmul_peak_gflops:>12,.0f} GFLOP/s",
                f"share of the peak    {100 * self.share_of_peak:>11.1f} %",
                f"peak memory          {self.peak_memory_mb or 0:>12,.0f} MB",
                f"computed on          {self.compute}, torch {self.torch}",
            ]
        )


def bench_training(loaded: Loaded) -> TrainingSpeed:
    """Train for some windows of updates on the config's own corpus, and write nothing.

    The peak is measured before and after, so that a disturbance of the machine shows in both.
    """
    check_model(loaded)
    parts = prepare(loaded.config)
    describe(parts)
    trainer = Trainer(parts.model, parts.config.training, parts.compute, total=parts.updates)
    epochs = Epochs(parts.train, budget=parts.config.training.batch_tokens, seed=parts.config.seed)
    progress = Progress()
    _window(trainer, epochs, progress, WARM_UP)
    peaks = [_peak(parts)]
    windows = [_window(trainer, epochs, progress, WINDOW) for _ in range(WINDOWS)]
    peaks.append(_peak(parts))
    tokens, sentences = (statistics.median(values) for values in zip(*windows, strict=True))
    flop, peak = _flop_per_token(trainer, epochs), max(peaks)
    return TrainingSpeed(
        tokens, sentences, padding_share(parts), flop, peak / 1e9, flop * tokens / peak,
        _peak_memory(parts.compute), str(parts.compute), torch.__version__,
    )  # fmt: skip


def _window(
    trainer: Trainer, epochs: Epochs, progress: Progress, updates: int
) -> tuple[float, float]:
    """Target tokens and sentences a second."""
    tokens = sentences = 0
    started = perf_counter()
    for _ in range(updates):
        batches = list(epochs.take(progress, 1))
        if not batches:
            progress.epoch, progress.batch = progress.epoch + 1, 0
            batches = list(epochs.take(progress, 1))
        progress.batch += 1
        report = trainer.step(batches)  # ends by reading the loss: a GPU has finished, too
        tokens += report.target_tokens
        sentences += report.sentences
    seconds = perf_counter() - started
    return tokens / seconds, sentences / seconds


def _flop_per_token(trainer: Trainer, epochs: Epochs) -> float:
    """Matrix products of one update, counted and not timed.

    The fused recurrent calls, which the counter does not see, are counted by hand: two FLOP for
    each weight and position forward, and twice that backward.
    """
    batch = next(iter(epochs.take(Progress(), 1)))
    fused = 0

    def count(module: nn.Module, inputs: tuple[Any, ...], outputs: Any) -> None:
        nonlocal fused
        weights = sum(p.numel() for name, p in module.named_parameters() if "weight" in name)
        fused += 6 * weights * inputs[0].size(0) * inputs[0].size(1)

    networks = [m for m in trainer.model.modules() if isinstance(m, nn.LSTM | nn.GRU)]
    hooks = [network.register_forward_hook(count) for network in networks]
    with FlopCounterMode(display=False) as counter:
        report = trainer.step([batch])
    for hook in hooks:
        hook.remove()
    return (counter.get_total_flops() + fused) / report.target_tokens


def _peak(parts: Parts) -> float:
    """FLOP/s of the best matrix product among shapes that the model has."""
    model, rows = parts.config.model, parts.config.training.batch_tokens
    hidden, vocabulary = model.decoder.size, parts.tokenizers.vocabularies.target
    shapes = [
        (rows, model.embedding_size, 4 * hidden), (rows, 2 * hidden, hidden),
        (rows, model.embedding_size, vocabulary), (vocabulary, rows, model.embedding_size),
    ]  # fmt: skip
    return max(_product_rate(parts.compute, *shape) for shape in shapes)


def _product_rate(compute: Compute, rows: int, inner: int, columns: int) -> float:
    dtype = torch.bfloat16 if compute.bfloat16 else torch.float32
    left = torch.randn(rows, inner, device=compute.device, dtype=dtype)
    right = torch.randn(inner, columns, device=compute.device, dtype=dtype)
    rates = []
    for _ in range(12):
        started = perf_counter()
        left @ right
        if compute.device.type == "cuda":
            torch.cuda.synchronize(compute.device)
        rates.append(2 * rows * inner * columns / (perf_counter() - started))
    return statistics.median(rates[2:])


def _peak_memory(compute: Compute) -> float | None:
    """Megabytes: of the GPU, or the largest resident size of this process."""
    if compute.device.type == "cuda":
        return torch.cuda.max_memory_allocated(compute.device) / 1e6
    if sys.platform == "win32":
        return None
    import resource  # not there on Windows

    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / 1e6 if sys.platform == "darwin" else size * 1024 / 1e6
