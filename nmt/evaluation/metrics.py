"""BLEU, chrF and TER, each with the signature that says how it was computed (sacrebleu)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sacrebleu.metrics import BLEU, CHRF, TER


@dataclass(frozen=True)
class Score:
    """One number, and how to compute it again."""

    value: float
    signature: str


@dataclass(frozen=True)
class Scores:
    """Of detokenised hypotheses against raw references, cased."""

    bleu: Score
    chrf: Score
    ter: Score
    sentences: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure(hypotheses: Sequence[str], references: Sequence[str]) -> Scores:
    """Score hypotheses with one reference each. Post (2018): https://aclanthology.org/W18-6319"""
    assert len(hypotheses) == len(references), "each hypothesis has its reference"
    bleu, chrf, ter = (_score(metric, hypotheses, references) for metric in (BLEU(), CHRF(), TER()))
    return Scores(bleu, chrf, ter, len(hypotheses))


def bleu_and_chrf(hypotheses: Sequence[str], references: Sequence[str]) -> tuple[float, float]:
    """The two values that a validation reports."""
    metrics = (BLEU(), CHRF())
    bleu, chrf = (_score(metric, hypotheses, references).value for metric in metrics)
    return bleu, chrf


def _score(
    metric: BLEU | CHRF | TER, hypotheses: Sequence[str], references: Sequence[str]
) -> Score:
    found = metric.corpus_score(list(hypotheses), [list(references)])
    return Score(float(found.score), str(metric.get_signature()))
