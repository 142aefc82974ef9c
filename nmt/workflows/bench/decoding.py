"""`nmt bench decode`: how fast a run translates, in batches and one sentence at a time."""

import logging
import statistics
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from nmt.checkpoint.run import Run
from nmt.config import DataConfig, DecodingConfig
from nmt.data.corpus.cleaning import normalized
from nmt.data.read import read_corpus
from nmt.decoding.torch_engine import TorchEngine
from nmt.decoding.translator import Translated, Translator
from nmt.errors import DataError
from nmt.models.devices import Compute, choose
from nmt.workflows.bench.machine import best_rate, counted, peak_memory, shapes_of
from nmt.workflows.inference.load import TrainedModel, load_trained, without_length_limit
from nmt.workflows.inference.run_text import text_of

log = logging.getLogger(__name__)
MOST, WINDOWS = 1000, 3  # sentences, and passes over them
SINGLE, SAMPLE = 60, 100  # sentences translated one by one; sentences whose FLOP are counted
WARM_UP = 3


@dataclass(frozen=True)
class DecodingSpeed:
    """The speed of one run on this machine, in one process."""

    target_tokens_per_second: float
    """Tokens of the best translations, including EOS: the median over the windows."""
    sentences_per_second: float
    latency_ms_p50: float
    """For a single sentence, with the model already loaded."""
    latency_ms_p95: float
    padding_share: float
    """The share of padding in the source."""
    flop_per_target_token: float | None
    """FLOP of the matrix products of all beams and the encoder; None for a standalone export."""
    matmul_peak_gflops: float
    """The best rate over the model's shapes, in torch's fastest precision and the same process."""
    share_of_peak: float | None
    """May exceed 1 for an export in int8."""
    peak_memory_mb: float | None
    """None if the system does not report it."""
    beam_size: int
    engine: str
    compute: str
    torch: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        flop, share = self.flop_per_target_token, self.share_of_peak
        return "\n".join(
            [
                f"target tokens/s      {self.target_tokens_per_second:>12,.0f}",
                f"sentences/s          {self.sentences_per_second:>12,.0f}",
                f"one sentence, p50    {self.latency_ms_p50:>12.1f} ms",
                f"one sentence, p95    {self.latency_ms_p95:>12.1f} ms",
                f"padding              {100 * self.padding_share:>12.1f} %",
                f"MFLOP/target token   {_formatted(flop, 1e-6):>12}",
                f"matrix-product peak  {self.matmul_peak_gflops:>12,.0f} GFLOP/s",
                f"share of the peak    {_formatted(share, 100):>12} %",
                f"peak memory          {self.peak_memory_mb or 0:>12,.0f} MB",
                f"beam size            {self.beam_size:>12}",
                f"computed by          {self.engine}; peak on {self.compute}, torch {self.torch}",
            ]
        )


def _formatted(value: float | None, factor: float) -> str:
    return "unknown" if value is None else f"{factor * value:,.1f}"


def bench_decoding(
    run: Run,
    *,
    decoding: DecodingConfig,
    checkpoint: str = "best",
    device: str | None = None,
    source: Path | None = None,
) -> DecodingSpeed:
    """Translate the run's test split, or the lines of a file, without writing anything.

    Raises:
        DataError: the file cannot be read, or is empty.
    """
    decoding = without_length_limit(decoding)
    trained = load_trained(run, checkpoint=checkpoint, device=device, decoding=decoding)
    sentences = _sentences(trained, source)
    translator = trained.translator(decoding)
    translator.translate(sentences[:SINGLE])
    compute = choose(trained.device, "auto")
    windows = [_window(translator, sentences)]
    memory = peak_memory(compute.device.type)  # before the rest takes memory
    peaks = [_peak(trained, compute)]
    windows += [_window(translator, sentences) for _ in range(WINDOWS - 1)]
    alone = _latencies(translator, sentences)
    peaks.append(_peak(trained, compute))
    tokens, rate = (statistics.median(values) for values in zip(*windows, strict=True))
    flop, peak = _flop_per_token(trained, decoding, sentences), max(peaks)
    return DecodingSpeed(
        target_tokens_per_second=tokens,
        sentences_per_second=rate,
        latency_ms_p50=float(np.percentile(alone, 50)),
        latency_ms_p95=float(np.percentile(alone, 95)),
        padding_share=translator.padding_share(sentences),
        flop_per_target_token=flop,
        matmul_peak_gflops=peak / 1e9,
        share_of_peak=None if flop is None else flop * tokens / peak,
        peak_memory_mb=memory,
        beam_size=decoding.beam_size,
        engine=str(trained.engine),
        compute=str(compute),
        torch=torch.__version__,
    )


def _sentences(trained: TrainedModel, path: Path | None) -> list[str]:
    if path is None:
        lines = _test_split(trained)
    else:
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    sentences = [text for line in lines if (text := normalized(line, Counter()))][:MOST]
    if not sentences:
        raise DataError(f"{path} is empty: there is nothing to translate")
    return sentences


def _test_split(trained: TrainedModel) -> list[str]:
    try:
        if trained.checkpoint is not None:
            return list(text_of(trained.run, trained.config, "test").bitext.sources)
        return list(read_corpus(trained.config.data, seed=trained.config.seed).test.sources)
    except DataError as error:
        log.warning("the phrasebook's test sentences are translated instead: %s", error)
        return list(read_corpus(DataConfig(corpus="phrasebook"), seed=1).test.sources)


def _window(translator: Translator, sentences: list[str]) -> tuple[float, float]:
    """Target tokens and sentences per second."""
    started = perf_counter()
    translations = translator.translate(sentences)
    seconds = perf_counter() - started
    return _tokens(translations) / seconds, len(sentences) / seconds


def _tokens(translations: list[Translated]) -> int:
    return sum(len(translated.best[0].hypothesis.ids) for translated in translations)


def _latencies(translator: Translator, sentences: list[str]) -> list[float]:
    """Milliseconds for each of some single sentences, spread over the whole text."""
    chosen = np.linspace(0, len(sentences) - 1, SINGLE).astype(int).tolist()
    latencies = []
    for number in [*chosen[:WARM_UP], *chosen]:
        started = perf_counter()
        translator.translate([sentences[number]])
        latencies.append(1000 * (perf_counter() - started))
    return latencies[WARM_UP:]


def _flop_per_token(
    trained: TrainedModel, decoding: DecodingConfig, sentences: list[str]
) -> float | None:
    if trained.checkpoint is None:
        return None
    engine = TorchEngine(trained.model, choose(trained.device, "float32"))
    sample = sentences[:SAMPLE]
    translator = Translator(engine, trained.tokenizers, decoding)
    flop, translations = counted(engine.model, lambda: translator.translate(sample))
    return flop / _tokens(translations)


def _peak(trained: TrainedModel, compute: Compute) -> float:
    vocabulary = trained.tokenizers.vocabularies.target
    rows = trained.config.decoding.batch_tokens
    return best_rate(compute, shapes_of(trained.config.model, vocabulary, rows=rows))
