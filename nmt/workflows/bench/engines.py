"""Every engine that a run can be decoded by, measured side by side, by greedy and beam search."""

import logging
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from nmt.checkpoint.run import Run
from nmt.config import DecodingConfig
from nmt.decoding.translator import Translated, Translator
from nmt.errors import NmtError
from nmt.workflows.inference.load import TrainedModel, load_trained

log = logging.getLogger(__name__)
WINDOWS, ENOUGH = 3, 10.0  # passes over the text for each engine; seconds after which one is enough
SINGLE, WARM_UP = 60, 3  # sentences translated one by one
EXISTING = (
    ("torch", "float32"),
    ("torch", "bfloat16"),
    ("onnx", "float32"),
    ("onnx", "int8"),
)


@dataclass(frozen=True)
class EngineSpeed:
    """The speed of one engine with one beam size: medians over passes that take turns."""

    engine: str
    beam_size: int
    target_tokens_per_second: float
    """Tokens of the best translations, including EOS."""
    sentences_per_second: float
    latency_ms_p50: float
    """For a single sentence, with the model already loaded."""
    latency_ms_p95: float


def translators(
    run: Run,
    trained: TrainedModel,
    decoding: DecodingConfig,
    *,
    beam_sizes: Sequence[int],
    checkpoint: str,
) -> list[tuple[str, int, Translator]]:
    """(engine, beam size, translator): the engine of `trained` first, also with its own beam size.

    decoding: `auto` stands for every engine or precision
    """
    own, name = {*beam_sizes, decoding.beam_size}, str(trained.engine)
    engines = [trained, *_others(run, trained, decoding, checkpoint)]
    return [
        (str(each.engine), beam, each.translator(decoding.model_copy(update={"beam_size": beam})))
        for each in engines
        for beam in sorted(own if str(each.engine) == name else beam_sizes)
    ]


def _others(
    run: Run, trained: TrainedModel, decoding: DecodingConfig, checkpoint: str
) -> Iterator[TrainedModel]:
    """The run by every other engine that `decoding` allows and this machine has."""
    seen = {str(trained.engine)}
    for engine, precision in EXISTING:
        if decoding.engine in ("auto", engine) and decoding.precision in ("auto", precision):
            update = {"engine": engine, "precision": precision}
            try:
                other = load_trained(
                    run,
                    checkpoint=checkpoint,
                    device=trained.device,
                    decoding=decoding.model_copy(update=update),
                    config=trained.config,
                )
            except NmtError as error:
                log.info("without %s in %s: %s", engine, precision, error)
                continue
            if str(other.engine) not in seen:
                seen.add(str(other.engine))
                yield other


def measure(ways: Sequence[tuple[str, int, Translator]], sentences: list[str]) -> list[EngineSpeed]:
    """Passes over all sentences take turns, so that a disturbance slows all engines alike."""
    passes: list[list[tuple[float, float]]] = [[] for _ in ways]
    spent = [0.0] * len(ways)
    for _, _, translator in ways:
        translator.translate(sentences[:SINGLE])
    for _ in range(WINDOWS):
        for number, (_, _, translator) in enumerate(ways):
            if spent[number] < ENOUGH:
                started = perf_counter()
                passes[number].append(translation_rates(translator, sentences))
                spent[number] += perf_counter() - started
    return [
        _speed(engine, beam, measured, latencies(translator, sentences))
        for (engine, beam, translator), measured in zip(ways, passes, strict=True)
    ]


def _speed(
    engine: str, beam: int, measured: list[tuple[float, float]], alone: list[float]
) -> EngineSpeed:
    tokens, rate = (statistics.median(values) for values in zip(*measured, strict=True))
    p50, p95 = (float(np.percentile(alone, q)) for q in (50, 95))
    return EngineSpeed(engine, beam, tokens, rate, p50, p95)


def translation_rates(translator: Translator, sentences: list[str]) -> tuple[float, float]:
    """Target tokens and sentences per second."""
    started = perf_counter()
    translations = translator.translate(sentences)
    seconds = perf_counter() - started
    return target_tokens(translations) / seconds, len(sentences) / seconds


def target_tokens(translations: list[Translated]) -> int:
    return sum(len(translated.best[0].hypothesis.ids) for translated in translations)


def latencies(translator: Translator, sentences: list[str]) -> list[float]:
    """Milliseconds for each of some single sentences, spread over the whole text."""
    chosen = np.linspace(0, len(sentences) - 1, SINGLE).astype(int).tolist()
    taken = []
    for number in [*chosen[:WARM_UP], *chosen]:
        started = perf_counter()
        translator.translate([sentences[number]])
        taken.append(1000 * (perf_counter() - started))
    return taken[WARM_UP:]


def table(speeds: Sequence[EngineSpeed]) -> str:
    """
    >>> print(table([EngineSpeed("torch on cpu, float32", 5, 2050.4, 171.25, 33.04, 61.5)]))
    engine                 beam  sentences/s  target tokens/s  one sentence, p50       p95
    torch on cpu, float32     5        171.2            2,050            33.0 ms   61.5 ms
    """
    width = max(len(each.engine) for each in speeds)
    head = f"{'engine':<{width}}  beam  sentences/s  target tokens/s  one sentence, p50  {'p95':>8}"
    return "\n".join(
        [
            head,
            *(
                f"{each.engine:<{width}}  {each.beam_size:>4}  {each.sentences_per_second:>11,.1f}"
                f"  {each.target_tokens_per_second:>15,.0f}  {each.latency_ms_p50:>14,.1f} ms"
                f"  {each.latency_ms_p95:>5,.1f} ms"
                for each in speeds
            ),
        ]
    )
