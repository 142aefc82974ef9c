"""`nmt evaluate`: scores with signatures, hypotheses, and the attention of every sentence."""

import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from nmt.checkpoint.run import Run
from nmt.config import DecodingConfig
from nmt.data.cleaning import normalized
from nmt.data.corpus import SPLITS, Bitext, Corpus, SplitName
from nmt.data.files import read_split
from nmt.data.reading import read_corpus
from nmt.decoding.exported import Export
from nmt.errors import DataError, UsageError
from nmt.evaluation.metrics import Scores, measure
from nmt.evaluation.records import write_records
from nmt.files import write_json, write_text
from nmt.workflows.links import attention_scores
from nmt.workflows.model import Trained, endless, load_trained

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evaluation:
    """What was measured, and where the rest of it lies."""

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
    corpus: Corpus | None = None,
    checkpoint: str = "best",
    decoding: DecodingConfig | None = None,
) -> Evaluation:
    """Translate a split of the run's corpus and keep everything in `evaluation/SPLIT`.

    Raises:
        UsageError: this is an export that stands alone.
        DataError: the corpus is not the run's any more.
    """
    if Export(run.folder).exists:
        raise UsageError(
            f"{run.folder} is an export, which cannot tell its {split} split from another text: "
            "evaluate files with --input and --reference"
        )
    trained = load_trained(run, checkpoint=checkpoint, decoding=decoding)
    if corpus is None:
        corpus = read_corpus(trained.config.data, seed=trained.config.seed)
        refuse_other_text(run, corpus, split)
    extras = {"corpus": corpus.origin.corpus, **attention_scores(trained, corpus, split)}
    return _evaluate(trained, split, corpus.split(split), decoding, extras)


def evaluate_files(
    run: Run,
    source: Path,
    reference: Path,
    *,
    checkpoint: str = "best",
    decoding: DecodingConfig | None = None,
) -> Evaluation:
    """The same for two aligned text files; the results are named after the source file.

    Raises:
        DataError: the files have no or unequally many lines.
    """
    trained = load_trained(run, checkpoint=checkpoint, decoding=decoding)
    raw = read_split((str(source), str(reference)), trained.config.data).whole()
    sources = [normalized(line or "", Counter()) for line in raw.sources]
    bitext = Bitext(sources, [line or "" for line in raw.targets])
    if not len(bitext):
        raise DataError(f"{source} and {reference} are empty: there is nothing to evaluate")
    name = f"files-{source.stem}" if source.stem in SPLITS else source.stem
    return _evaluate(trained, name, bitext, decoding, {"corpus": f"{source} and {reference}"})


def refuse_other_text(run: Run, corpus: Corpus, split: SplitName) -> None:
    """A score on another text than the run's would pass for one on its own."""
    known = run.read_manifest()["corpus"]
    if known["fingerprints"][split] != corpus.split(split).fingerprint():
        raise DataError(
            f"the {split} split is not the one of {run.folder}: that was made from "
            f"{known['corpus']}, now there is {corpus.origin.corpus}; evaluate files of your own "
            "with --input and --reference"
        )


def _evaluate(
    trained: Trained,
    name: str,
    bitext: Bitext,
    decoding: DecodingConfig | None,
    extras: dict[str, Any],
) -> Evaluation:
    decoding = decoding or trained.config.decoding
    started = monotonic()
    found = trained.translator(endless(decoding)).translate(bitext.sources)
    seconds = monotonic() - started
    hypotheses = [translated.text for translated in found]
    scores = measure(hypotheses, bitext.targets)
    folder = trained.run.evaluation(name)
    write_records(
        folder / "attention.jsonl",
        (
            record
            for number, translated in enumerate(found, start=1)
            for record in trained.records(translated, f"{name}-{number}")
        ),
    )
    write_text(folder / "hypotheses.txt", "".join(f"{text}\n" for text in hypotheses))
    extras = {
        **extras,
        "decoding": decoding.model_dump(mode="json"),
        "engine": str(trained.engine),
        "model": trained.identity,
        "seconds": round(seconds, 3),
        "sentences_per_second": round(len(bitext) / max(seconds, 1e-9), 2),
    }
    evaluation = Evaluation(name, folder, scores, extras)
    write_json(folder / "scores.json", evaluation.as_dict())
    for line in str(evaluation).split("\n"):
        log.info("%s", line)
    log.info("  hypotheses and attention of every sentence: %s", folder)
    return evaluation
