"""`nmt export`: a checkpoint as ONNX graphs, which translate without torch, and how well."""

import logging
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nmt.checkpoint.run import Run
from nmt.data.corpus.types import Bitext
from nmt.decoding.exported import DESCRIPTION, GRAPHS, INSTALL, PRECISIONS, Export
from nmt.decoding.translator import Translator
from nmt.errors import DataError, UsageError
from nmt.files import replacing_folder
from nmt.workflows.inference.load import TrainedModel, load_trained, without_length_limit

log = logging.getLogger(__name__)
MOST = 1000  # validation sentences that are translated to compare
TOLERATED = 0.1  # BLEU that `auto` may lose by int8


@dataclass(frozen=True)
class Exported:
    """What was written, and how good it is."""

    folder: Path
    megabytes: dict[str, float]
    """Of the two graphs of each precision."""
    auto: str
    """The precision that is taken unless another is asked for."""
    quality: dict[str, Any] | None
    """Of int8 against float32; None where it was not measured."""


def export(
    run: Run,
    *,
    checkpoint: str = "best",
    output: Path | None = None,
    precision: str = "both",
    measure: bool = True,
) -> Exported:
    """Write an export folder, by default into the run, where `nmt translate` finds it.

    precision: `float32`, `int8`, or `both`; with both, the validation sentences are translated by
    each, and `auto` is int8 where that costs no BLEU to speak of.

    Raises:
        UsageError: a library is missing, or something else lies where the export is to be.
        CheckpointError: the checkpoint is incomplete.
    """
    if precision not in (*PRECISIONS, "both"):
        raise UsageError(f"--precision is {precision}: it is float32, int8 or both")
    if any(find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime")):
        raise UsageError(f"nmt export needs onnx, onnxscript and onnxruntime: {INSTALL}")
    if Export(run.folder).exists:
        raise UsageError(f"{run.folder} is an export already; name the run that it was made from")
    folder, root = output or run.export, None if output else run.folder
    _refuse_place(folder)
    torch_only = run.read_config().decoding.model_copy(
        update={"engine": "torch", "precision": "float32"}
    )
    trained = load_trained(run, checkpoint=checkpoint, device="cpu", decoding=torch_only)
    chosen = PRECISIONS if precision == "both" else (precision,)
    with replacing_folder(folder, root=root) as draft:
        trained.tokenizers.save(draft / run.tokenizer.name)
        shutil.copyfile(run.resolved, draft / run.resolved.name)
        sizes = _write_graphs(trained, draft, chosen)
        description = _description(trained, chosen)
        Export(draft).write(description)
        quality = _compared(trained, draft) if measure and len(chosen) > 1 else None
        if len(chosen) > 1:
            description["auto"] = preferred(quality)
        Export(draft).write({**description, "quality": quality})
    return Exported(folder, sizes, description["auto"], quality)


def _refuse_place(folder: Path) -> None:
    """What is there would be replaced."""
    another = "name another folder with --output"
    if Path.cwd().is_relative_to(folder.resolve()):
        raise UsageError(f"you are in {folder.resolve()}, which cannot be replaced: {another}")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder: {another}")
    if folder.exists() and not (folder / DESCRIPTION).exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} holds something else: {another}")


def _write_graphs(
    trained: TrainedModel, folder: Path, precisions: tuple[str, ...]
) -> dict[str, float]:
    from nmt.decoding.graphs import quantize, write_graphs

    log.info("writing the graphs of step %d", trained.identity["step"])
    paths = {p: [folder / _name(graph, p) for graph in GRAPHS] for p in PRECISIONS}
    write_graphs(trained.model, *paths["float32"])
    if "int8" in precisions:
        for whole, small in zip(paths["float32"], paths["int8"], strict=True):
            quantize(whole, small)
    if "float32" not in precisions:
        for path in paths["float32"]:
            path.unlink()
    return {p: sum(path.stat().st_size for path in paths[p]) / 1e6 for p in precisions}


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
    """BLEU of both precisions on the validation split, and how often they say the same."""
    from nmt.evaluation.metrics import bleu_and_chrf
    from nmt.workflows.inference.run_text import text_of

    try:
        whole = text_of(trained.run, trained.config, "validation").bitext
    except DataError as error:
        log.warning("int8 was not compared with float32, so auto stays with that: %s", error)
        return None
    text = Bitext(whole.sources[:MOST], whole.targets[:MOST])
    found: dict[str, list[str]] = {}
    for precision in PRECISIONS:
        engine = Export(folder).engine(precision)
        translator = Translator(
            engine, trained.tokenizers, without_length_limit(trained.config.decoding)
        )
        found[precision] = [t.text for t in translator.translate(text.sources)]
    language = trained.config.data.target
    bleu = {
        precision: round(bleu_and_chrf(texts, text.targets, language)[0], 2)
        for precision, texts in found.items()
    }
    same = sum(a == b for a, b in zip(*found.values(), strict=True)) / len(text)
    log.info(
        "validation, %d sentences: BLEU %.2f in float32, %.2f in int8; %.1f %% of the "
        "translations are the same",
        len(text), bleu["float32"], bleu["int8"], 100 * same,
    )  # fmt: skip
    return {"split": "validation", "sentences": len(text), "bleu": bleu, "same": round(same, 4)}


def preferred(quality: dict[str, Any] | None) -> str:
    """The precision that `auto` takes: int8 where it was measured to be as good."""
    if quality is None:
        return "float32"
    lost = quality["bleu"]["float32"] - quality["bleu"]["int8"]
    return "int8" if round(lost, 2) <= TOLERATED else "float32"
