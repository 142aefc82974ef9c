"""BLEU, chrF and TER, each with the sacrebleu signature of how it was computed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sacrebleu.metrics import BLEU, CHRF, TER

from nmt.evaluation.segmentation import Segmentation, segmentation


@dataclass(frozen=True)
class MetricScore:
    """A value and the sacrebleu signature to reproduce it."""

    value: float
    signature: str


@dataclass(frozen=True)
class Scores:
    """Cased scores of detokenised hypotheses against raw references."""

    bleu: MetricScore
    chrf: MetricScore
    ter: MetricScore
    sentences: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure(hypotheses: Sequence[str], references: Sequence[str], language: str = "") -> Scores:
    """Score hypotheses with one reference each. Post (2018): https://aclanthology.org/W18-6319

    language: the target language as a tag, code or name. It decides what BLEU and TER count:
        words between spaces, or, in a language without spaces, the units of `segmentation`
    """
    assert len(hypotheses) == len(references), "each hypothesis has its reference"
    cut = segmentation(language, references)
    bleu, chrf = (_score(metric, hypotheses, references) for metric in (_bleu(cut), CHRF()))
    return Scores(bleu, chrf, _ter(cut, hypotheses, references), len(hypotheses))


def bleu_and_chrf(
    hypotheses: Sequence[str], references: Sequence[str], language: str = ""
) -> tuple[float, float]:
    """The two scores that validation reports, computed as in `measure`."""
    metrics = (_bleu(segmentation(language, references)), CHRF())
    bleu, chrf = (_score(metric, hypotheses, references).value for metric in metrics)
    return bleu, chrf


def _bleu(cut: Segmentation) -> BLEU:
    return BLEU(tokenize=cut.bleu)


def _ter(cut: Segmentation, hypotheses: Sequence[str], references: Sequence[str]) -> MetricScore:
    """TER over words, or over characters in a language without spaces; cased like the others."""
    asian = cut.ter == "asian"
    metric = TER(case_sensitive=True, normalized=asian, asian_support=asian)
    if cut.ter != "char":
        return _score(metric, hypotheses, references)
    spaced = [
        [" ".join("".join(line.split())) for line in side] for side in (hypotheses, references)
    ]
    score = _score(metric, *spaced)
    return MetricScore(score.value, score.signature.replace("tok:tercom", "tok:char"))


def _score(
    metric: BLEU | CHRF | TER, hypotheses: Sequence[str], references: Sequence[str]
) -> MetricScore:
    result = metric.corpus_score(list(hypotheses), [list(references)])
    return MetricScore(float(result.score), str(metric.get_signature()))
