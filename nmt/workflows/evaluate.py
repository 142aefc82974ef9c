"""`nmt evaluate`: scores with signatures, hypotheses, and the attention of every sentence."""

import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from nmt.checkpoint.run import Run
from nmt.checkpoint.state import read_state
from nmt.config import DecodingConfig
from nmt.data.corpus.cleaning import normalized
from nmt.data.corpus.types import SPLITS, Bitext, SplitName
from nmt.data.formats.local import read_split
from nmt.decoding.exported import Export
from nmt.errors import DataError, UsageError
from nmt.evaluation.metrics import Scores, measure
from nmt.evaluation.records import write_records
from nmt.files import read_json, write_json, write_text
from nmt.workflows.inference.attention_scores import attention_scores
from nmt.workflows.inference.load import TrainedModel, load_trained, without_length_limit
from nmt.workflows.inference.long_lines import warn_of_lengths
from nmt.workflows.inference.run_text import Text, text_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evaluation:
    """The scores of a text, and the folder with its hypotheses and attention."""

    split: str
    folder: Path
    scores: Scores
    extras: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return {"split": self.split, **self.scores.as_dict(), **self.extras}

    def __str__(self) -> str:
        scores = self.scores
        lines = [
            f"{self.split}: {scores.sentences} sentences",
            f"  BLEU {scores.bleu.value:.2f}  {scores.bleu.signature}",
            f"  chrF {scores.chrf.value:.2f}  {scores.chrf.signature}",
            f"  TER  {scores.ter.value:.2f}  {scores.ter.signature}",
        ]
        links = self.extras.get("gold_links")
        if links:
            error = 100 * self.extras["alignment"]["aer"]
            lines.append(
                f"  gold links found by the attention: {100 * links['found']:.1f} %, "
                f"alignment error rate {error:.1f} %"
            )
        return "\n".join(lines)


def evaluate_split(
    run: Run,
    split: SplitName,
    *,
    text: Text | None = None,
    checkpoint: str = "best",
    device: str | None = None,
    decoding: DecodingConfig | None = None,
) -> Evaluation:
    """Translate a split of the run's corpus and save everything in `evaluation/SPLIT`.

    That folder holds the run's own result: its best checkpoint, run by torch, with the search of
    its config. Other measurements go into subfolders named after the difference.

    Raises:
        UsageError: this is a standalone export.
        DataError: the corpus is no longer the one of the run.
    """
    if Export(run.folder).exists:
        raise UsageError(
            f"{run.folder} is an export, which does not know the {split} split of its run: "
            "evaluate files with --input and --reference"
        )
    trained = load_trained(run, checkpoint=checkpoint, device=device, decoding=decoding)
    if text is None:
        text = text_of(run, trained.config, split)
    extras = {"corpus": text.corpus, **attention_scores(trained, text)}
    return _evaluate(trained, split, text.bitext, decoding, extras)


def evaluate_files(
    run: Run,
    source: Path,
    reference: Path,
    *,
    checkpoint: str = "best",
    device: str | None = None,
    decoding: DecodingConfig | None = None,
) -> Evaluation:
    """Translate one of two aligned text files; the results are named after the source file.

    Raises:
        DataError: the files are empty, or have different numbers of lines.
    """
    trained = load_trained(run, checkpoint=checkpoint, device=device, decoding=decoding)
    raw = read_split((str(source), str(reference)), trained.config.data).whole()
    sources = [normalized(line or "", Counter()) for line in raw.sources]
    bitext = Bitext(sources, [line or "" for line in raw.targets])
    if not len(bitext):
        raise DataError(f"{source} and {reference} are empty: there is nothing to evaluate")
    name = _name_of_files(run, source, bitext)
    extras = {"corpus": f"{source.name} and {reference.name}"}
    return _evaluate(trained, name, bitext, decoding, extras)


def _name_of_files(run: Run, source: Path, bitext: Bitext) -> str:
    """Name the result after the source file, plus a digest if another text has that name."""
    name = f"files-{source.stem}" if source.stem in SPLITS else source.stem
    others = [_scores_in(path) for path in run.evaluation(name).glob("**/scores.json")]
    if all(scores.get("text") == bitext.fingerprint() for scores in others):
        return name
    return f"{name}-{bitext.fingerprint()[:8]}"


def _scores_in(path: Path) -> dict[str, Any]:
    try:
        scores = read_json(path)
    except (OSError, ValueError):
        return {}
    return scores if isinstance(scores, dict) else {}


def difference(trained: TrainedModel, decoding: DecodingConfig) -> str:
    """A folder name for how a measurement differs from the run's own; empty if it does not.

    For example `beam-1`, or `step-300+onnxruntime-int8`.
    """
    own = trained.config.decoding
    parts = [
        f"{SHORT.get(name, name.replace('_', '-'))}-{getattr(decoding, name):g}"
        for name in SEARCH
        if getattr(decoding, name) != getattr(own, name)
    ]
    if trained.checkpoint is None:
        return "+".join(parts)  # a standalone export has no other checkpoint or engine
    if trained.identity["step"] != read_state(trained.run.checkpoint("best"))["step"]:
        parts.append(f"step-{trained.identity['step']}")
    engine = trained.engine.name
    if engine != "torch":
        parts.append(engine)
    elif decoding.precision not in (own.precision, "auto"):
        parts.append(decoding.precision)
    return "+".join(parts)


SEARCH = ("beam_size", "length_penalty", "max_length_factor", "shortlist")
"""The decoding options that change translations, besides engine and precision."""
SHORT = {"beam_size": "beam"}


def _evaluate(
    trained: TrainedModel,
    name: str,
    bitext: Bitext,
    decoding: DecodingConfig | None,
    extras: dict[str, Any],
) -> Evaluation:
    decoding = decoding or trained.config.decoding
    started = monotonic()
    translations = trained.translator(without_length_limit(decoding)).translate_any(bitext.sources)
    seconds = monotonic() - started
    numbered = list(enumerate(translations, start=1))
    warn_of_lengths(
        [number for number, each in numbered if each.parts],
        [number for number, each in numbered if each.skipped],
    )
    hypotheses = [translated.text for translated in translations]
    scores = measure(hypotheses, bitext.targets, trained.config.data.target)
    folder, root = trained.run.evaluation(name) / difference(trained, decoding), trained.run.folder
    write_records(
        folder / "attention.jsonl",
        (
            record
            for number, translated in enumerate(translations, start=1)
            for record in trained.records(translated, f"{name}-{number}")
        ),
        root=root,
    )
    write_text(folder / "hypotheses.txt", "".join(f"{text}\n" for text in hypotheses), root=root)
    extras = {
        **extras,
        "text": bitext.fingerprint(),
        "decoding": decoding.model_dump(mode="json"),
        "engine": str(trained.engine),
        "model": trained.identity,
        "seconds": round(seconds, 3),
        "sentences_per_second": round(len(bitext) / max(seconds, 1e-9), 2),
    }
    evaluation = Evaluation(name, folder, scores, extras)
    write_json(folder / "scores.json", evaluation.as_dict(), root=root)
    for line in str(evaluation).split("\n"):
        log.info("%s", line)
    log.info("  hypotheses and attention of every sentence: %s", folder)
    return evaluation
