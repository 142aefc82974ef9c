"""`nmt export`: write a checkpoint as ONNX graphs, which need no torch, and score them."""

import logging
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nmt.checkpoint.run import Run
from nmt.config import DataConfig
from nmt.data.corpus.types import Bitext
from nmt.data.read import read_corpus
from nmt.decoding.exported import DESCRIPTION, GRAPHS, INSTALL, PRECISIONS, Export
from nmt.decoding.translator import Translator
from nmt.errors import DataError, UsageError
from nmt.files import replacing_folder
from nmt.workflows.inference.load import TrainedModel, load_trained, without_length_limit
from nmt.workflows.inference.run_text import Text, text_of

log = logging.getLogger(__name__)
MOST = 1000  # validation sentences translated for the comparison
CALIBRATING = 200  # sentences translated for the ranges of int8
TOLERATED = 0.1  # BLEU that int8 may lose and still be the precision of `auto`


@dataclass(frozen=True)
class Exported:
    """What was written, and its quality."""

    folder: Path
    megabytes: dict[str, float]
    """The total size of the two graphs of each precision."""
    auto: str
    """The default precision."""
    quality: dict[str, Any] | None
    """The comparison of int8 with float32; None if it was not measured."""


def export(
    run: Run,
    *,
    checkpoint: str = "best",
    output: Path | None = None,
    precision: str = "both",
    measure: bool = True,
) -> Exported:
    """Write an export folder, by default into the run, where `nmt translate` finds it.

    precision: `float32`, `int8`, or `both`. With both, each translates the validation sentences,
    and `auto` is int8 if it loses at most TOLERATED BLEU.

    Raises:
        UsageError: a library is missing, or the output folder holds something else.
        CheckpointError: the checkpoint is incomplete.
    """
    if precision not in (*PRECISIONS, "both"):
        raise UsageError(f"--precision is {precision}: it must be float32, int8 or both")
    if any(find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime")):
        raise UsageError(f"nmt export needs onnx, onnxscript and onnxruntime: {INSTALL}")
    if Export(run.folder).exists:
        raise UsageError(f"{run.folder} is an export itself; name the run that it was made from")
    folder, root = output or run.export, None if output else run.folder
    _refuse_place(folder)
    torch_only = run.read_config().decoding.model_copy(
        update={"engine": "torch", "precision": "float32", "shortlist": 0}
    )
    trained = load_trained(run, checkpoint=checkpoint, device="cpu", decoding=torch_only)
    chosen = PRECISIONS if precision == "both" else (precision,)
    with replacing_folder(folder, root=root) as draft:
        trained.tokenizers.save(draft / run.tokenizer.name)
        shutil.copyfile(run.resolved, draft / run.resolved.name)
        sizes, calibration = _write_graphs(trained, draft, chosen)
        description = {**_description(trained, chosen), "calibration": calibration}
        Export(draft).write(description)
        quality = _compared(trained, draft) if measure and len(chosen) > 1 else None
        if len(chosen) > 1:
            description["auto"] = preferred(quality)
        Export(draft).write({**description, "quality": quality})
    return Exported(folder, sizes, description["auto"], quality)


def _refuse_place(folder: Path) -> None:
    """Refuse a folder whose contents must not be replaced."""
    another = "name another folder with --output"
    if Path.cwd().is_relative_to(folder.resolve()):
        raise UsageError(f"you are in {folder.resolve()}, which cannot be replaced: {another}")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder: {another}")
    if folder.exists() and not (folder / DESCRIPTION).exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} holds something else: {another}")


def _write_graphs(
    trained: TrainedModel, folder: Path, precisions: tuple[str, ...]
) -> tuple[dict[str, float], dict[str, Any] | None]:
    """The sizes in megabytes, and what int8 was calibrated on."""
    from nmt.decoding.graphs import write_graphs

    log.info("writing the graphs of step %d", trained.identity["step"])
    paths = {p: [folder / _name(graph, p) for graph in GRAPHS] for p in PRECISIONS}
    write_graphs(trained.model, *paths["float32"])
    calibration = None
    if "int8" in precisions:
        calibration = _write_int8(trained, paths["float32"], paths["int8"])
    if "float32" not in precisions:
        for path in paths["float32"]:
            path.unlink()
    sizes = {p: sum(path.stat().st_size for path in paths[p]) / 1e6 for p in precisions}
    return sizes, calibration


def _write_int8(trained: TrainedModel, whole: list[Path], small: list[Path]) -> dict[str, Any]:
    """Quantise both graphs by the ranges that they meet while they translate some sentences."""
    from nmt.decoding.int8.calibration import CalibrationEngine
    from nmt.decoding.int8.quantize import quantize

    text = _calibration_text(trained)
    sentences = [text.bitext.sources[n] for n in _spread(len(text.bitext), CALIBRATING)]
    engine = CalibrationEngine(
        *(path.read_bytes() for path in whole), attends_from=trained.engine.attends_from
    )
    Translator(engine, trained.tokenizers, trained.config.decoding).translate_any(sentences)
    for source, target, ranges in zip(
        whole, small, (engine.encoder_ranges, engine.step_ranges), strict=True
    ):
        quantize(source, target, ranges)
    return {"corpus": text.corpus, "sentences": len(sentences)}


def _calibration_text(trained: TrainedModel) -> Text:
    """The validation sentences of the run, or, where they are not available, the phrasebook's."""
    try:
        return text_of(trained.run, trained.config, "validation")
    except DataError as error:
        log.warning("int8 is calibrated on the phrasebook's validation sentences: %s", error)
        corpus = read_corpus(DataConfig(corpus="phrasebook"), seed=1)
        return Text(corpus.validation, corpus.origin.corpus)


def _spread(count: int, most: int) -> list[int]:
    """At most `most` of the numbers below `count`, evenly spread."""
    return [n * count // min(count, most) for n in range(min(count, most))]


def _description(trained: TrainedModel, precisions: tuple[str, ...]) -> dict[str, Any]:
    return {
        "model": trained.identity,
        "attends_from": trained.engine.attends_from,
        "attention": trained.attention,
        "graphs": {p: [_name(graph, p) for graph in GRAPHS] for p in precisions},
        "auto": precisions[0],
    }


def _name(graph: str, precision: str) -> str:
    return f"{graph}.{precision}.onnx"


def _compared(trained: TrainedModel, folder: Path) -> dict[str, Any] | None:
    """BLEU of both precisions on the validation split, and how often their outputs are equal."""
    from nmt.evaluation.metrics import bleu_and_chrf

    try:
        whole = text_of(trained.run, trained.config, "validation").bitext
    except DataError as error:
        log.warning("int8 was not compared with float32, so auto means float32: %s", error)
        return None
    text = Bitext(whole.sources[:MOST], whole.targets[:MOST])
    translations: dict[str, list[str]] = {}
    for precision in PRECISIONS:
        engine = Export(folder).engine(precision)
        translator = Translator(
            engine, trained.tokenizers, without_length_limit(trained.config.decoding)
        )
        translations[precision] = [t.text for t in translator.translate(text.sources)]
    language = trained.config.data.target
    bleu = {
        precision: round(bleu_and_chrf(texts, text.targets, language)[0], 2)
        for precision, texts in translations.items()
    }
    same = sum(a == b for a, b in zip(*translations.values(), strict=True)) / len(text)
    log.info(
        "validation, %d sentences: BLEU %.2f in float32, %.2f in int8; %.1f %% of the "
        "translations are the same",
        len(text), bleu["float32"], bleu["int8"], 100 * same,
    )  # fmt: skip
    return {"split": "validation", "sentences": len(text), "bleu": bleu, "same": round(same, 4)}


def preferred(quality: dict[str, Any] | None) -> str:
    """The precision that `auto` means: int8 if it was measured to be as good."""
    if quality is None:
        return "float32"
    lost = quality["bleu"]["float32"] - quality["bleu"]["int8"]
    return "int8" if round(lost, 2) <= TOLERATED else "float32"
