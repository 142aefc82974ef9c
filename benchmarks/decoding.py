"""Decoding speed of nmt against a plain reference, interleaved in one run.

    python benchmarks/decoding.py RUN [SOURCE REFERENCE]

Also measures the exports of RUN, if any (nmt export RUN). Translates the run's test split, or
two aligned files. Prints Markdown tables of sentences a second, BLEU and the latency of one
sentence (medians of windows that take turns), and of what attention costs; paste them into
benchmarks/README.md with the date and the machine.
"""

import statistics
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from nmt.checkpoint.run import Run, open_run
from nmt.data.corpus.types import Bitext
from nmt.data.read import read_corpus
from nmt.data.tokenizers.base import EOS
from nmt.decoding.engine import Engine, Session
from nmt.decoding.exported import Export, runnable
from nmt.decoding.torch_engine import TorchEngine
from nmt.decoding.translator import Translator
from nmt.evaluation.metrics import bleu_and_chrf
from nmt.models.devices import choose
from nmt.workflows.inference.load import TrainedModel, load_trained
from plain_decoding import PlainTranslator

WINDOWS, SAMPLE, SINGLE = 3, 150, 60  # windows; sentences of the reference, and of latencies
BEAMS = (5, 1)
Translate = Callable[[list[str]], list[str]]


def main() -> None:
    run = open_run(Path(sys.argv[1]))
    config = run.read_config()
    torch_only = config.decoding.model_copy(update={"engine": "torch", "precision": "float32"})
    trained = load_trained(run, device="cpu", decoding=torch_only)
    text = chosen_text(trained)
    engines = engines_of(run, trained)
    for beam in BEAMS:
        ways: dict[str, tuple[Translate, bool]] = {
            name: (translate, True) for name, translate in references(trained, beam).items()
        }
        ways |= {f"nmt, {name}": (ours(e, trained, beam), False) for name, e in engines.items()}
        report(beam, text, ways)
    cost_of_attention(engines, trained, text)


def engines_of(run: Run, trained: TrainedModel) -> dict[str, Engine]:
    model = trained.model
    export = Export(run.export)
    precisions = export.precisions if export.exists and runnable() else ()
    return {
        "torch float32": TorchEngine(model, choose("cpu", "float32")),
        "torch bfloat16": TorchEngine(model, choose("cpu", "bfloat16")),
        **{f"onnxruntime {p}": export.engine(p) for p in precisions},
    }


def chosen_text(trained: TrainedModel) -> Bitext:
    if len(sys.argv) > 3:
        return Bitext(
            *(Path(name).read_text(encoding="utf-8").splitlines() for name in sys.argv[2:4])
        )
    return read_corpus(trained.config.data, seed=trained.config.seed).test


def ours(engine: Engine, trained: TrainedModel, beam: int) -> Translate:
    decoding = trained.config.decoding.model_copy(update={"beam_size": beam})
    translator = Translator(engine, trained.tokenizers, decoding)
    return lambda sentences: [each.text for each in translator.translate(sentences)]


def references(trained: TrainedModel, beam: int) -> dict[str, Translate]:
    """The same search as nmt's, but one sentence at a time, by the plain reference."""
    plain = PlainTranslator(trained.model, trained.config.model)
    decoding, source = trained.config.decoding, trained.tokenizers.source

    def each(search: Callable[[list[int], int], list[int]]) -> Translate:
        def translate(sentences: list[str]) -> list[str]:
            texts = []
            with plainly():
                for ids in source.encode(sentences):
                    longest = int((len(ids) + 1) * decoding.max_length_factor) + 10
                    best = [i for i in search([*ids, EOS], longest) if i != EOS]
                    texts.append(trained.tokenizers.target.decode_with_offsets(best)[0])
            return texts

        return translate

    if beam == 1:
        return {"plain reference": each(plain.greedy)}

    def searching(together: bool) -> Translate:
        penalty = decoding.length_penalty
        return each(
            lambda ids, longest: plain.beam(
                ids, longest, size=beam, penalty=penalty, together=together
            )
        )

    return {
        "plain reference, each hypothesis on its own": searching(False),
        "plain reference, a sentence's hypotheses together": searching(True),
    }


@contextmanager
def plainly() -> Any:
    """torch's default precision, as tutorials use it."""
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(precision)


def report(beam: int, text: Bitext, ways: dict[str, tuple[Translate, bool]]) -> None:
    """One table. A reference translates a sample, a share of it in each window."""
    sample = np.linspace(0, len(text) - 1, SAMPLE).astype(int)
    alone = np.linspace(0, len(text) - 1, SINGLE).astype(int)
    rates: dict[str, list[float]] = {name: [] for name in ways}
    latencies: dict[str, list[float]] = {name: [] for name in ways}
    for translate, _ in ways.values():
        translate(text.sources[:5])
    for window in range(WINDOWS):
        for name, (translate, plain) in ways.items():
            numbers = sample[window::WINDOWS].tolist() if plain else range(len(text))
            sentences = [text.sources[i] for i in numbers]
            rates[name].append(len(sentences) / seconds(translate, sentences))
            for i in alone[window::WINDOWS].tolist():
                latencies[name].append(1000 * seconds(translate, [text.sources[i]]))
    first = statistics.median(next(iter(rates.values())))
    print(f"\n| beam {beam} | sentences/s | ratio | BLEU | one sentence, p50 | p95 |")
    print("|---|---|---|---|---|---|")
    for name, (translate, plain) in ways.items():
        rate = statistics.median(rates[name])
        p50, p95 = np.percentile(latencies[name], [50, 95])
        print(
            f"| {name} | {rate:,.1f} | {rate / first:.1f} | {bleu(translate, text, plain)} "
            f"| {p50:.1f} ms | {p95:.1f} ms |",
            flush=True,
        )


def bleu(translate: Translate, text: Bitext, plain: bool) -> str:
    """BLEU of all sentences; for a reference, which is slow, only of its sample."""
    numbers = np.linspace(0, len(text) - 1, SAMPLE).astype(int).tolist()
    part = Bitext([text.sources[i] for i in numbers], [text.targets[i] for i in numbers])
    sampled = f"{bleu_and_chrf(translate(part.sources), part.targets)[0]:.2f} on {SAMPLE}"
    if plain:
        return sampled
    return f"{bleu_and_chrf(translate(text.sources), text.targets)[0]:.2f} ({sampled})"


def seconds(translate: Translate, sentences: list[str]) -> float:
    started = perf_counter()
    translate(sentences)
    return perf_counter() - started


def cost_of_attention(engines: dict[str, Engine], trained: TrainedModel, text: Bitext) -> None:
    """The cost of returning the attention of the best translations."""
    print("\n| attention, beam 5 | sentences/s | without it | cost |\n|---|---|---|---|")
    for name, engine in engines.items():
        translate = ours(engine, trained, 5)
        taken: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(WINDOWS):
            for kept in taken:
                around: AbstractContextManager[Any] = nullcontext() if kept else forgetful(engine)
                with around:
                    taken[kept].append(seconds(translate, text.sources))
        with_it, without = (statistics.median(taken[kept]) for kept in (True, False))
        print(
            f"| nmt, {name} | {len(text) / with_it:,.1f} | {len(text) / without:,.1f} "
            f"| {100 * (with_it / without - 1):.1f} % |",
            flush=True,
        )


@contextmanager
def forgetful(engine: Engine) -> Any:
    """The engine with sessions that do not return their attention."""
    kind = type(engine.open(np.array([[EOS]]), most=1))
    original = kind.attention

    def nothing(session: Session, steps: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return np.broadcast_to(np.float32(0), (len(steps), 1000))

    kind.attention = nothing  # type: ignore[method-assign]  # only to measure
    try:
        yield
    finally:
        kind.attention = original  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
