"""`nmt bench decode`: how fast a run translates, by each engine that it has."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from nmt.checkpoint.run import Run
from nmt.config import DataConfig, DecodingConfig
from nmt.data.corpus.cleaning import normalized
from nmt.data.read import read_corpus
from nmt.decoding.torch_engine import TorchEngine
from nmt.decoding.translator import Translator
from nmt.errors import DataError
from nmt.models.devices import Compute, choose
from nmt.workflows.bench.engines import (
    SINGLE,
    EngineSpeed,
    measure,
    table,
    target_tokens,
    translation_rates,
    translators,
)
from nmt.workflows.bench.machine import best_rate, counted, peak_memory, shapes_of
from nmt.workflows.inference.load import TrainedModel, load_trained, without_length_limit
from nmt.workflows.inference.run_text import text_of

log = logging.getLogger(__name__)
MOST, SAMPLE = 1000, 100  # sentences; those whose FLOP are counted
BEAM_SIZES = (1, 5)


@dataclass(frozen=True)
class DecodingSpeed:
    """The speed of one run on this machine, in one process, by the engine that it asks for."""

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
    engines: tuple[EngineSpeed, ...]
    """The same by every engine and beam size."""

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
                "",
                table(self.engines),
            ]
        )


def _formatted(value: float | None, factor: float) -> str:
    return "unknown" if value is None else f"{factor * value:,.1f}"


def bench_decoding(
    run: Run,
    *,
    decoding: DecodingConfig,
    beam_sizes: Sequence[int] = BEAM_SIZES,
    checkpoint: str = "best",
    device: str | None = None,
    source: Path | None = None,
) -> DecodingSpeed:
    """Translate the run's test split, or the lines of a file, without writing anything.

    decoding: the one to describe; where it says `auto`, the table has every engine or precision

    Raises:
        DataError: the file cannot be read, or is empty.
    """
    decoding = without_length_limit(decoding)
    trained = load_trained(run, checkpoint=checkpoint, device=device, decoding=decoding)
    sentences = _sentences(trained, source)
    translator = trained.translator(decoding)
    translator.translate(sentences[:SINGLE])
    compute = choose(trained.device, "auto")
    translation_rates(translator, sentences)
    memory = peak_memory(compute.device.type)  # before the rest takes memory
    peaks = [_peak(trained, compute)]
    ways = translators(run, trained, decoding, beam_sizes=beam_sizes, checkpoint=checkpoint)
    speeds = measure(ways, sentences)
    asked = (str(trained.engine), decoding.beam_size)
    own = next(speed for speed in speeds if (speed.engine, speed.beam_size) == asked)
    peaks.append(_peak(trained, compute))
    flop, peak = _flop_per_token(trained, decoding, sentences), max(peaks)
    tokens = own.target_tokens_per_second
    return DecodingSpeed(
        target_tokens_per_second=tokens,
        sentences_per_second=own.sentences_per_second,
        latency_ms_p50=own.latency_ms_p50,
        latency_ms_p95=own.latency_ms_p95,
        padding_share=translator.padding_share(sentences),
        flop_per_target_token=flop,
        matmul_peak_gflops=peak / 1e9,
        share_of_peak=None if flop is None else flop * tokens / peak,
        peak_memory_mb=memory,
        beam_size=decoding.beam_size,
        engine=own.engine,
        compute=str(compute),
        torch=torch.__version__,
        engines=tuple(speeds),
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


def _flop_per_token(
    trained: TrainedModel, decoding: DecodingConfig, sentences: list[str]
) -> float | None:
    if trained.checkpoint is None:
        return None
    compute, shortlist = choose(trained.device, "float32"), trained.engine.shortlist
    engine = TorchEngine(trained.model, compute, shortlist)
    sample = sentences[:SAMPLE]
    translator = Translator(engine, trained.tokenizers, decoding)
    flop, translations = counted(engine.model, lambda: translator.translate(sample))
    return flop / target_tokens(translations)


def _peak(trained: TrainedModel, compute: Compute) -> float:
    vocabulary = trained.tokenizers.vocabularies.target
    rows = trained.config.decoding.batch_tokens
    return best_rate(compute, shapes_of(trained.config.model, vocabulary, rows=rows))
