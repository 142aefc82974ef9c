"""`nmt align`: word links between texts and their translations, from a model's attention."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nmt.checkpoint.run import Run
from nmt.config import Config
from nmt.data.formats.lines import lines
from nmt.decoding.exported import Export
from nmt.errors import DataError, UsageError, unknown
from nmt.evaluation import baselines
from nmt.evaluation.alignment import AlignmentScores, Counts, alignment_error
from nmt.evaluation.linking import Links, above, column_maxima, flipped, row_maxima
from nmt.evaluation.pharaoh import Gold, pharaoh, read_gold
from nmt.evaluation.words import Floats
from nmt.workflows.inference.attention_scores import SHIFT
from nmt.workflows.inference.load import TrainedModel, load_trained
from nmt.workflows.inference.long_lines import counted_lines
from nmt.workflows.inference.teacher_forcing import (
    Pair,
    plain,
    refuse_no_attention,
    teacher_force,
    tokenised,
)

log = logging.getLogger(__name__)

METHODS = ("maxima", "threshold", "intersection")
THRESHOLD = 0.3


@dataclass(frozen=True)
class AlignOptions:
    """How links are made; impossible combinations are refused.

    Raises:
        UsageError: an option is unknown, impossible, or would be ignored.
    """

    method: str = "maxima"
    threshold: float | None = None
    """The threshold of that method; None means THRESHOLD."""
    shift: int = SHIFT
    """The row that links word t: 0, row t, which predicts it; 1, row t + 1, which reads it."""
    plain: bool = False
    """The text is not tokenised: the words to link are those of `split_words`."""
    checkpoint: str = "best"
    device: str | None = None
    strict: bool = False
    """Whether a pair that is too long is an error; otherwise it gets no links."""

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UsageError(unknown("link method", self.method, METHODS))
        if self.shift not in (0, 1):
            raise UsageError(f"--shift is {self.shift}: it must be 0 (row t) or 1 (row t + 1)")
        if self.threshold is not None:
            if self.method != "threshold":
                raise UsageError(f"--threshold is for --links threshold, not for {self.method}")
            if not 0 < self.threshold <= 1:
                raise UsageError(
                    f"--threshold is {self.threshold}: it must be above 0 and at most 1"
                )


@dataclass(frozen=True)
class Measured:
    """Scores of the links against gold, and of two baselines that use position alone."""

    scores: AlignmentScores
    diagonal: AlignmentScores
    uniform: AlignmentScores
    sure: int
    possible: int
    """Includes the sure ones."""

    def as_dict(self) -> dict[str, Any]:
        others = {"diagonal": self.diagonal.as_dict(), "uniform": self.uniform.as_dict()}
        gold = {"sure": self.sure, "possible": self.possible}
        return {**self.scores.as_dict(), "baselines": others, "gold": gold}

    def __str__(self) -> str:
        rows = {"attention": self.scores, "diagonal": self.diagonal, "uniform": self.uniform}
        lines = [f"{'':9}  precision  recall     AER"]
        lines += [
            f"{name:9}  {row.precision:9.4f}  {row.recall:6.4f}  {row.aer:6.4f}"
            for name, row in rows.items()
        ]
        return "\n".join(lines)


@dataclass(frozen=True)
class Alignment:
    """The links of all pairs, and how they were made."""

    links: list[Links]
    settings: dict[str, Any]
    measured: Measured | None = None

    @property
    def lines(self) -> list[str]:
        """Pharaoh format, one line per pair."""
        return [pharaoh(links) for links in self.links]

    def as_dict(self) -> dict[str, Any]:
        return {
            **(self.measured.as_dict() if self.measured else {}),
            "sentences": len(self.links),
            "links": sum(map(len, self.links)),
            **self.settings,
            "alignments": self.lines,
        }


def align(
    run: Run,
    source: Path,
    target: Path,
    *,
    options: AlignOptions,
    gold: Path | None = None,
    reverse: Run | None = None,
) -> Alignment:
    """Link the words of two aligned texts.

    Raises:
        UsageError: a run is a standalone export or has no attention, or `reverse` translates in
            the wrong direction.
        DataError: a file is missing or broken, or their lines do not match.
    """
    if reverse is not None and options.method != "intersection":
        raise UsageError(f"--reverse is for --links intersection, not for {options.method}")
    pairs = read_pairs(source, target, plainly=options.plain)
    gold_links = None if gold is None else read_gold_file(gold, pairs)
    trained = _load(run, options)
    backward = None if reverse is None else _load(reverse, options)
    if backward is not None:
        _refuse_same_direction(trained, backward)
    links = _links(trained, pairs, options, _method(options, alone=backward is None))
    settings = _settings(trained, options, backward)
    if backward is not None:
        swapped = [(target, source) for source, target in pairs]
        others = _links(backward, swapped, options, row_maxima)
        links = [one & flipped(other) for one, other in zip(links, others, strict=True)]
    measured = None if gold_links is None else measure(links, gold_links, pairs)
    return Alignment(links, settings, measured)


def read_pairs(source: Path, target: Path, *, plainly: bool) -> list[Pair]:
    """Two aligned texts, one pair per line; empty lines stay.

    Raises:
        DataError: one is missing, they have different numbers of lines, or both are empty.
    """
    mark = plain if plainly else tokenised
    sides = [[mark(line) for line in _lines_of(path)] for path in (source, target)]
    sources, targets = sides
    if len(sources) != len(targets):
        raise DataError(
            f"{source} has {len(sources):,} lines and {target} has {len(targets):,}: each line "
            "needs its translation on the same line of the other file"
        )
    if not sources:
        raise DataError(f"{source} and {target} are empty: there is nothing to align")
    return list(zip(sources, targets, strict=True))


def read_gold_file(path: Path, pairs: Sequence[Pair]) -> list[Gold]:
    """Gold links, one line per pair.

    Raises:
        DataError: a link is broken or out of range, or lines are missing.
    """
    rows = _lines_of(path)
    if len(rows) != len(pairs):
        raise DataError(
            f"{path} has {len(rows):,} lines for {len(pairs):,} pairs: write one line per pair, an "
            "empty one if nothing is linked"
        )
    gold = []
    for number, (line, pair) in enumerate(zip(rows, pairs, strict=True), start=1):
        try:
            gold.append(_within(read_gold(line), pair))
        except DataError as error:
            raise DataError(f"{path}:{number}: {error}") from None
    if not any(each.sure for each in gold):
        log.warning("%s has no sure link: recall cannot be measured", path)
    return gold


def measure(links: Sequence[Links], gold: Sequence[Gold], pairs: Sequence[Pair]) -> Measured:
    """Score links and baselines against gold."""
    sizes = [(len(source.words), len(target.words)) for source, target in pairs]
    diagonal = [baselines.diagonal(*size) for size in sizes]
    uniform = [baselines.uniform(*size, each) for size, each in zip(sizes, gold, strict=True)]
    return Measured(
        alignment_error(zip(links, gold, strict=True)),
        alignment_error(zip(diagonal, gold, strict=True)),
        sum(uniform, Counts()).scores(),
        sum(len(each.sure) for each in gold),
        sum(len(each.possible) for each in gold),
    )


def _within(gold: Gold, pair: Pair) -> Gold:
    sizes = tuple(len(side.words) for side in pair)
    for source, target in sorted(gold.possible):
        if source >= sizes[0] or target >= sizes[1]:
            raise DataError(
                f"link {source}-{target} is out of range: the pair has {sizes[0]} and {sizes[1]} "
                "words, counted from 0"
            )
    return gold


def _lines_of(path: Path) -> list[str]:
    if path.is_dir():
        raise DataError(f"{path} is a folder: give a text file, one sentence per line")
    if not path.exists():
        raise DataError(
            f"no file {path} (looked in {Path.cwd()}): give text files, one sentence per line"
        )
    return [line for block in lines(path) for line in block]


def _load(run: Run, options: AlignOptions) -> TrainedModel:
    if Export(run.folder).exists:
        raise UsageError(
            f"{run.folder} is an export, which cannot read a given translation: align with the "
            "run that it was made from"
        )
    by_torch = {"engine": "torch", "precision": "float32", "shortlist": 0}
    decoding = run.read_config().decoding.model_copy(update=by_torch)
    trained = load_trained(
        run, checkpoint=options.checkpoint, device=options.device, decoding=decoding
    )
    refuse_no_attention(trained)
    return trained


def _refuse_same_direction(trained: TrainedModel, backward: TrainedModel) -> None:
    def direction(config: Config) -> tuple[str, str]:
        return config.data.source, config.data.target

    forth, back = direction(trained.config), direction(backward.config)
    if back != forth[::-1]:
        raise UsageError(
            f"--reverse {backward.run.folder} translates {back[0]} to {back[1]}, not {forth[1]} "
            f"to {forth[0]}: train one on data.source={forth[1]} data.target={forth[0]}"
        )
    corpus, other = (each.run.read_manifest()["corpus"] for each in (trained, backward))
    if corpus["fingerprints"] == other["fingerprints"]:
        raise UsageError(
            f"--reverse {backward.run.folder} learned from the same text as {trained.run.folder} "
            "without swapping its sides, so that both translate in the same direction: swap the "
            "files or columns of data.files, too"
        )


def _method(options: AlignOptions, *, alone: bool) -> Callable[[Floats], Links]:
    if options.method == "threshold":
        threshold = options.threshold or THRESHOLD
        return lambda weights: above(weights, threshold)
    if options.method == "intersection" and alone:
        return lambda weights: row_maxima(weights) & column_maxima(weights)
    return row_maxima


def _links(
    trained: TrainedModel,
    pairs: Sequence[Pair],
    options: AlignOptions,
    method: Callable[[Floats], Links],
) -> list[Links]:
    links, refused = [], []
    for number, pair in enumerate(teacher_force(trained, pairs, strict=options.strict), start=1):
        links.append(method(pair.between_words(options.shift)))
        if pair.refused:
            refused.append(number)
    if refused:
        log.warning("%s too long for %s: no links", counted_lines(refused), trained.run.folder)
    return links


def _settings(
    trained: TrainedModel, options: AlignOptions, backward: TrainedModel | None
) -> dict[str, Any]:
    """How the links were made, for JSON."""
    settings: dict[str, Any] = {"method": options.method, "shift": options.shift}
    if options.method == "threshold":
        settings["threshold"] = options.threshold or THRESHOLD
    if options.method == "intersection":
        settings["of"] = "row and column maxima" if backward is None else "both runs' row maxima"
    settings["words"] = "split" if options.plain else "as given"
    settings["model"] = trained.identity
    if backward is not None:
        settings["reverse"] = backward.identity
    return settings
