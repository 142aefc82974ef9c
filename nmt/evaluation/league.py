"""A league table: the results of several training runs on one corpus, best first."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from nmt.errors import CheckpointError, printable

SCHEMA = "nmt.sweep/1"

FINISHED, FAILED, UNFINISHED = "finished", "failed", "unfinished"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One training run; None for what is unknown, or what a model without attention lacks."""

    name: str
    run: str
    """The run folder."""
    mechanism: str
    """Score, normalizer, scope and decoder in one line."""
    budget: str
    """What ends the training, and the size of an update."""
    state: str
    """`finished`, `failed` or `unfinished`."""
    reason: str | None = None
    """Why it failed, or how far it got."""
    bleu: float | None = None
    chrf: float | None = None
    aer: float | None = None
    """Alignment error rate against gold links, from 0 (none wrong) to 1."""
    precision: float | None = None
    recall: float | None = None
    entropy: float | None = None
    """The mean entropy of an attention row, in nats: 0 attends to one position only."""
    parameters: int | None = None
    tokens_per_second: float | None = None
    """Target tokens in training: the median over the lines of the log."""
    sentences_per_second: float | None = None
    """Translation speed when the split was evaluated."""
    minutes: float | None = None
    """Time for training and validation, over all resumptions."""
    epochs: float | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        """Raise CheckpointError if a value from the run's files is not a valid number."""
        for name in NUMBERS:
            value = getattr(self, name)
            if value is not None and (
                type(value) not in (int, float) or not 0 <= value < MOST  # nor is nan
            ):
                raise CheckpointError(
                    f"{self.run}: its {name} is {printable(repr(value), most=40)}, which is "
                    f"impossible: measure it again with nmt evaluate {self.run}, or retrain it"
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
    """The number of sentence pairs of each split."""
    split: str
    """The split on which all were evaluated."""
    compute: str
    """The device, and the precision of its matrix products."""
    system: str
    versions: Mapping[str, str]
    date: str
    signatures: Mapping[str, str] = field(default_factory=dict)
    """How BLEU and chrF were computed (sacrebleu)."""

    @property
    def budget(self) -> str:
        """The common budget, or the budget of each row if they differ."""
        names: dict[str, list[str]] = {}
        for row in self.rows:
            names.setdefault(row.budget, []).append(row.name)
        if len(names) == 1:
            return f"{next(iter(names))}, the same for all"
        budgets = "; ".join(f"{budget}: {', '.join(rows)}" for budget, rows in names.items())
        return f"NOT equal: {budgets}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON: `schema`, what all have in common, and `rows`."""
        return {"schema": SCHEMA, "budget": self.budget, **asdict(self)}


def ranked(rows: Iterable[Row]) -> list[Row]:
    """Rows by BLEU, best first, then by chrF; those without a score come last, by name."""

    def place(row: Row) -> tuple[bool, float, float, str]:
        return (row.bleu is None, -(row.bleu or 0), -(row.chrf or 0), row.name)

    return sorted(rows, key=place)
