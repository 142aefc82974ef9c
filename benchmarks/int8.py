"""int8 with the scales of each batch against scales that a calibration has fixed.

    python benchmarks/int8.py RUN [SENTENCES]

RUN has an export (nmt export RUN). Quantises its float32 graphs by onnxruntime's quantize_dynamic
and by nmt, and translates the run's test split, the engines taking turns, each in one thread.
Prints a Markdown table: sentences a second and the median of one sentence (by the processor's
time, which other programs disturb less), BLEU, the share of float32's translations, and how many
sentences get another hypothesis when batches of 7 and 64 in random order replace batches of one.
"""

import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import thread_time

import numpy as np
import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic

from nmt.checkpoint.run import Run, open_run
from nmt.data.corpus.types import Bitext
from nmt.data.tokenizers.learn import Tokenizers
from nmt.decoding.exported import GRAPHS, Export
from nmt.decoding.int8.calibration import CalibrationEngine
from nmt.decoding.int8.quantize import quantize
from nmt.decoding.onnx_engine import OnnxEngine
from nmt.decoding.translator import Translator
from nmt.evaluation.metrics import bleu_and_chrf
from nmt.workflows.export import CALIBRATING
from nmt.workflows.inference.run_text import text_of

WINDOWS, SINGLE, BATCHES = 5, 60, (7, 64)


def main() -> None:
    run = open_run(Path(sys.argv[1]))
    text = text_of(run, run.read_config(), "test").bitext
    most = int(sys.argv[2]) if len(sys.argv) > 2 else len(text)
    text = Bitext(text.sources[:most], text.targets[:most])
    with tempfile.TemporaryDirectory() as folder:
        report(run, text, translators_of(run, Path(folder)))


def translators_of(run: Run, folder: Path) -> dict[str, Translator]:
    config, export = run.read_config(), Export(run.export)
    tokenizers = Tokenizers.load(run.tokenizer)
    whole = [run.export / f"{graph}.float32.onnx" for graph in GRAPHS]
    attends_from = export.description["attends_from"]

    def translator(engine: OnnxEngine) -> Translator:
        engine.workers = 1
        return Translator(engine, tokenizers, config.decoding)

    def loaded(quantized: Callable[[int, Path, Path], None]) -> Translator:
        for number, path in enumerate(whole):
            quantized(number, path, folder / path.name)
        graphs = [(folder / path.name).read_bytes() for path in whole]
        return translator(OnnxEngine(*graphs, attends_from=attends_from, precision="int8"))

    calibrating = CalibrationEngine(
        *(path.read_bytes() for path in whole), attends_from=attends_from
    )
    validation = text_of(run, config, "validation").bitext.sources
    chosen = np.linspace(0, len(validation) - 1, CALIBRATING).astype(int).tolist()
    translator(calibrating).translate([validation[number] for number in chosen])
    ranges = calibrating.encoder_ranges, calibrating.step_ranges
    return {
        "float32": translator(export.engine("float32")),
        "int8, scales of the batch": loaded(lambda _, source, target: dynamic(source, target)),
        "int8, fixed scales": loaded(lambda n, source, target: quantize(source, target, ranges[n])),
    }


def dynamic(source: Path, target: Path) -> None:
    model = onnx.load(source)
    del model.graph.value_info[:]
    quantize_dynamic(model, target, weight_type=QuantType.QInt8, per_channel=True)


def report(run: Run, text: Bitext, translators: dict[str, Translator]) -> None:
    rates: dict[str, list[float]] = {name: [] for name in translators}
    latencies: dict[str, list[float]] = {name: [] for name in translators}
    for window in range(WINDOWS):
        for name, translator in translators.items():
            rates[name].append(len(text) / seconds(translator, text.sources))
        for number in np.linspace(0, len(text) - 1, SINGLE).astype(int)[window::WINDOWS].tolist():
            for name, translator in translators.items():
                alone = seconds(translator, text.sources[number : number + 1])
                latencies[name].append(1000 * alone)
    beam = run.read_config().decoding.beam_size
    print(f"| {run.folder.name}, {len(text):,} sentences, beam {beam} | sentences/s | one sentence,"
          " p50 | BLEU | as float32 | another in batches of 7 / 64 |")  # fmt: skip
    print("|---|---|---|---|---|---|")
    texts = {name: translated(each, text.sources) for name, each in translators.items()}
    for name, translator in translators.items():
        bleu = bleu_and_chrf(texts[name], text.targets, run.read_config().data.target)[0]
        same = np.mean([a == b for a, b in zip(texts[name], texts["float32"], strict=True)])
        others = " / ".join(str(other_hypotheses(translator, text, batch)) for batch in BATCHES)
        print(
            f"| {name} | {statistics.median(rates[name]):,.1f} | "
            f"{statistics.median(latencies[name]):.2f} ms | {bleu:.2f} | {100 * same:.1f} % | "
            f"{others} |",
            flush=True,
        )


def translated(translator: Translator, sentences: list[str]) -> list[str]:
    return [each.text for each in translator.translate(sentences)]


def seconds(translator: Translator, sentences: list[str]) -> float:
    """Of the processor, in this thread: the only one, of an engine with one worker."""
    started = thread_time()
    translator.translate(sentences)
    return thread_time() - started


def other_hypotheses(translator: Translator, text: Bitext, batch: int) -> int:
    """Sentences that are translated otherwise in a random batch than alone."""
    ids = translator.tokenizers.source.encode(list(text.sources))
    order = np.random.default_rng(batch).permutation(len(ids))
    alone = {n: translator.search([ids[n]])[0][0].ids for n in order.tolist()}
    together = {}
    for some in np.split(order, range(batch, len(order), batch)):
        rows = translator.search([ids[n] for n in some.tolist()])
        together |= {n: row[0].ids for n, row in zip(some.tolist(), rows, strict=True)}
    return sum(alone[n] != together[n] for n in alone)


if __name__ == "__main__":
    main()
