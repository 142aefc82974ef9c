"""What a shortlist gains in speed and costs in BLEU.

    python benchmarks/shortlist.py RUN ...

Translates the test split of each run with shortlists of several sizes, in float32 and bfloat16, and
without one. Prints a Markdown table: the mean of the candidates that a batch computes and that a
sentence may choose; sentences a second, in batches of decoding.batch_tokens and of LITTLE, and the
latency of one sentence, as medians of windows that take turns with those of the whole vocabulary;
BLEU, and the share of translations that are the same without a shortlist.
"""

import statistics
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

from nmt.checkpoint.run import Run, open_run
from nmt.data.batching.batches import pad
from nmt.data.corpus.types import Bitext
from nmt.data.tokenizers.base import EOS
from nmt.decoding.shortlist import Shortlist
from nmt.decoding.torch_engine import TorchEngine
from nmt.decoding.translator import Translator
from nmt.evaluation.metrics import bleu_and_chrf
from nmt.models.devices import choose
from nmt.workflows.inference.load import TrainedModel, identity_of, load_trained
from nmt.workflows.inference.run_text import text_of
from nmt.workflows.inference.shortlist import candidate_table

SIZES = (25, 50, 100, 200)
PRECISIONS, BEAMS = ("float32", "bfloat16"), (5, 1)
LITTLE = 256  # source tokens of a small batch
WINDOWS, SINGLE = 3, 30  # windows, and sentences that each translates one at a time
HEADER = (
    "vocabulary", "precision", "beam", "shortlist", "per batch", "per sentence", "sentences/s",
    f"batches of {LITTLE}", "one sentence, p50", "BLEU", "same",
)  # fmt: skip


def main() -> None:
    print(f"| {' | '.join(HEADER)} |\n|{'---|' * len(HEADER)}")
    for name in sys.argv[1:]:
        run = open_run(Path(name))
        config = run.read_config().decoding
        plain = {"engine": "torch", "precision": "float32", "shortlist": 0}
        trained = load_trained(run, device="cpu", decoding=config.model_copy(update=plain))
        text = text_of(run, trained.config, "test").bitext
        shortlists = shortlists_of(run, trained)
        for precision in PRECISIONS:
            for beam in BEAMS:
                report(trained, text, shortlists, precision, beam)


def shortlists_of(run: Run, trained: TrainedModel) -> dict[int, Shortlist]:
    identity = identity_of(run, run.checkpoint("best"))
    tokenizers = trained.tokenizers
    table = candidate_table(run, trained.config, trained.model, tokenizers, identity)
    return {size: Shortlist(table, size, len(tokenizers.target)) for size in SIZES}


def report(
    trained: TrainedModel,
    text: Bitext,
    shortlists: dict[int, Shortlist],
    precision: str,
    beam: int,
) -> None:
    """The rows of one precision and beam."""
    compute = choose("cpu", precision)
    ways: dict[int, tuple[Translator, Translator]] = {}
    for size in (0, *SIZES):
        engine = TorchEngine(trained.model, compute, shortlists.get(size))
        ways[size] = (translator(trained, engine, beam), translator(trained, engine, beam, LITTLE))
    alone = [text.sources[i] for i in np.linspace(0, len(text) - 1, SINGLE).astype(int)]
    rates: dict[tuple[int, int], list[float]] = {}
    found: dict[int, list[str]] = {}
    latencies: dict[int, list[float]] = {size: [] for size in ways}
    for _ in range(WINDOWS):
        for size, translators in ways.items():
            for number, each in enumerate(translators):
                taken, found[size] = timed(each, text.sources)
                rates.setdefault((size, number), []).append(len(text) / taken)
            latencies[size] += [1000 * timed(translators[0], [one])[0] for one in alone]
    for size, (each, _) in ways.items():
        same = np.mean([one == other for one, other in zip(found[size], found[0], strict=True)])
        row = [
            f"{len(trained.tokenizers.target):,}", precision, beam, size or "none",
            *counted(shortlists.get(size), each, text.sources),
            *(compared([rates[s, number] for s in (size, 0)]) for number in (0, 1)),
            f"{statistics.median(latencies[size]):.1f} ms",
            f"{bleu_and_chrf(found[size], text.targets)[0]:.2f}", f"{100 * same:.1f} %",
        ]  # fmt: skip
        print(f"| {' | '.join(map(str, row))} |", flush=True)


def translator(
    trained: TrainedModel, engine: TorchEngine, beam: int, batch_tokens: int | None = None
) -> Translator:
    decoding = trained.config.decoding
    tokens = batch_tokens or decoding.batch_tokens
    changes = {"beam_size": beam, "n_best": 1, "batch_tokens": tokens}
    return Translator(engine, trained.tokenizers, decoding.model_copy(update=changes))


def counted(shortlist: Shortlist | None, each: Translator, sentences: list[str]) -> list[str]:
    """The mean numbers of candidates, weighted by sentences: of a batch, and of a sentence."""
    vocabulary = f"{len(each.tokenizers.target):,}"
    if shortlist is None:
        return [vocabulary, vocabulary]
    encoded = each.tokenizers.source.encode(sentences)
    lengths = np.array([len(ids) + 1 for ids in encoded])
    union = own = 0
    for batch in each._plan(lengths):  # the batches that are timed
        rows = [np.asarray(encoded[number], dtype=np.int64) for number in batch]
        ids, others = shortlist.select(pad(rows, after=EOS))
        union += len(batch) * len(ids)
        own += int((~others).sum())
    return [f"{total / len(sentences):,.0f}" for total in (union, own)]


def compared(rates: list[list[float]]) -> str:
    """The first rate, and how many times the second it is."""
    rate, whole = (statistics.median(each) for each in rates)
    return f"{rate:,.0f} ({rate / whole:.2f} x)"


def timed(each: Translator, sentences: list[str]) -> tuple[float, list[str]]:
    """The seconds that translating takes, and the translations."""
    started = perf_counter()
    translations = each.translate(sentences)
    return perf_counter() - started, [translated.text for translated in translations]


if __name__ == "__main__":
    main()
