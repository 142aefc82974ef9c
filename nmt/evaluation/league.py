"""A league table: what several trainings on one corpus reached, best first."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from nmt.errors import CheckpointError, printable

SCHEMA = "nmt.sweep/1"

FINISHED, FAILED, UNFINISHED = "finished", "failed", "unfinished"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One training; None is what is not known, or what a model without attention lacks."""

    name: str
    run: str
    """Its folder."""
    mechanism: str
    """Score, normalizer, scope and decoder in a line."""
    budget: str
    """What ends the training, and the size of an update."""
    state: str
    """`finished`, `failed` or `unfinished`."""
    reason: str | None = None
    """Why it failed, or how far it came."""
    bleu: float | None = None
    chrf: float | None = None
    aer: float | None = None
    """Alignment error rate against gold links, from 0 (none wrong) to 1."""
    precision: float | None = None
    recall: float | None = None
    entropy: float | None = None
    """Of a row of the attention, in nats, on average: 0 looks at one position alone."""
    parameters: int | None = None
    tokens_per_second: float | None = None
    """Target tokens learned from: the median of the log's lines."""
    sentences_per_second: float | None = None
    """Translated when the split was measured."""
    minutes: float | None = None
    """Of training and validating, over all resumptions."""
    epochs: float | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        """Raise CheckpointError where a file of the run says what is not a number."""
        for name in NUMBERS:
            value = getattr(self, name)
            if value is not None and (
                type(value) not in (int, float) or not 0 <= value < MOST  # nor is nan
            ):
                raise CheckpointError(
                    f"{self.run}: its {name} is {printable(repr(value), most=40)}, which no "
                    f"training has: measure it again by nmt evaluate {self.run}, or retrain it"
                )


NUMBERS = (
    "bleu", "chrf", "aer", "precision", "recall", "entropy", "parameters", "tokens_per_second",
    "sentences_per_second", "minutes", "epochs", "steps",
)  # fmt: skip
MOST = 1e18


@dataclass(frozen=True, kw_only=True)
class League:
    """The rows, and what they have in common."""

    rows: list[Row]
    corpus: str
    pairs: Mapping[str, int]
    """Of each split."""
    split: str
    """On which all were measured."""
    compute: str
    """The device, and what its products are computed in."""
    system: str
    versions: Mapping[str, str]
    date: str
    signatures: Mapping[str, str] = field(default_factory=dict)
    """How BLEU and chrF were computed (sacrebleu)."""

    @property
    def budget(self) -> str:
        """The budget of all, or of each, where they are not equal."""
        names: dict[str, list[str]] = {}
        for row in self.rows:
            names.setdefault(row.budget, []).append(row.name)
        if len(names) == 1:
            return f"{next(iter(names))}, the same for all"
        told = "; ".join(f"{budget}: {', '.join(who)}" for budget, who in names.items())
        return f"NOT equal: {told}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON: `schema`, what all have in common, and `rows`."""
        return {"schema": SCHEMA, "budget": self.budget, **asdict(self)}


def ranked(rows: Iterable[Row]) -> list[Row]:
    """By BLEU, best first, then by chrF; those without a score last, by their names."""

    def place(row: Row) -> tuple[bool, float, float, str]:
        return (row.bleu is None, -(row.bleu or 0), -(row.chrf or 0), row.name)

    return sorted(rows, key=place)
