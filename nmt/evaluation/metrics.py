"""BLEU, chrF and TER, each with the signature that says how it was computed (sacrebleu)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sacrebleu.metrics import BLEU, CHRF, TER

from nmt.evaluation.segmentation import Segmentation, segmentation


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


def measure(hypotheses: Sequence[str], references: Sequence[str], language: str = "") -> Scores:
    """Score hypotheses with one reference each. Post (2018): https://aclanthology.org/W18-6319

    language: of the target, a tag, code or name, which decides what BLEU and TER count: words
        between spaces, or, where there are none, what `segmentation` says
    """
    assert len(hypotheses) == len(references), "each hypothesis has its reference"
    cut = segmentation(language, references)
    bleu, chrf = (_score(metric, hypotheses, references) for metric in (_bleu(cut), CHRF()))
    return Scores(bleu, chrf, _ter(cut, hypotheses, references), len(hypotheses))


def bleu_and_chrf(
    hypotheses: Sequence[str], references: Sequence[str], language: str = ""
) -> tuple[float, float]:
    """The two values that a validation reports, as `measure` computes them."""
    metrics = (_bleu(segmentation(language, references)), CHRF())
    bleu, chrf = (_score(metric, hypotheses, references).value for metric in metrics)
    return bleu, chrf


def _bleu(cut: Segmentation) -> BLEU:
    return BLEU(tokenize=cut.bleu)


def _ter(cut: Segmentation, hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """Edits of words, or of letters where no spaces tell words: cased, as the others are."""
    asian = cut.ter == "asian"
    metric = TER(case_sensitive=True, normalized=asian, asian_support=asian)
    if cut.ter != "char":
        return _score(metric, hypotheses, references)
    apart = [
        [" ".join("".join(line.split())) for line in side] for side in (hypotheses, references)
    ]
    found = _score(metric, *apart)
    return Score(found.value, found.signature.replace("tok:tercom", "tok:char"))


def _score(
    metric: BLEU | CHRF | TER, hypotheses: Sequence[str], references: Sequence[str]
) -> Score:
    found = metric.corpus_score(list(hypotheses), [list(references)])
    return Score(float(found.score), str(metric.get_signature()))
