"""The complete explanation of a component, as text or JSON."""

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from math import prod
from typing import Any

from torch import Tensor

from nmt.config import Loaded, ModelConfig, load, shipped
from nmt.errors import ConfigError
from nmt.training.schedules import SchedulePoint
from nmt.workflows.explain.components import Component, named
from nmt.workflows.explain.configs import configs_with, setting, with_piece
from nmt.workflows.explain.flops import Reader, Widths, formulas, products
from nmt.workflows.explain.probes import (
    BATCH,
    KINDS,
    LETTERS,
    ROWS,
    SOURCE,
    TARGET,
    elements_of_a_row,
    probe,
)

BASIS = "quickstart"
SHOWN = 3  # lecture configs listed
EXAMPLE = {"encoder": -1}  # use the last config, which has the most parts; otherwise the first
WIDTH = 92
GROWING = {
    "": "once per sentence",
    "S": "for each source position",
    "T": "for each target position",
    "S T": "for each pair of a source and a target position",
    "S S": "for each pair of source positions",
    "T T": "for each pair of target positions",
}
COURSE = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Parameter:
    """One learned tensor."""

    name: str
    shape: tuple[int, ...]
    count: int


@dataclass(frozen=True)
class Cost:
    """Multiply-adds in the matrix products for one sentence, forward pass only."""

    grows: str
    """The lengths it is proportional to: `S`, `T`, `S T` ..., or empty for a constant."""
    formula: str
    """A formula in the widths; empty if none fits."""
    count: int
    """The number for the widths of the example."""


@dataclass(frozen=True)
class Explanation:
    """Everything that is known about a component."""

    name: str
    kind: str
    where: str
    """Its class or function."""
    formula: str
    paper: str
    notes: list[str]
    config: str
    """The config line that selects it."""
    lecture: list[str]
    """Shipped configs that show it."""
    example: str
    """The config whose sizes are used."""
    widths: Mapping[str, int]
    shapes: Mapping[str, str]
    parameters: list[Parameter]
    cost: list[Cost]
    remarks: list[str]
    """The cost in another unit than multiply-adds; or the values of a schedule."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def explain(name: str, chosen: Loaded | None = None) -> list[Explanation]:
    """Explain each component with this name, in the sizes of `chosen` or of a config that shows it.

    Raises:
        UsageError: no component has this name.
        ConfigError: the component does not fit into the config.
    """
    return [_explained(component, chosen) for component in named(name)]


def _explained(component: Component, chosen: Loaded | None) -> Explanation:
    showing = configs_with(component)
    order: list[tuple[str, Loaded | None]] = [*showing.items()]
    name, loaded = order[EXAMPLE.get(component.kind, 0)] if order else (BASIS, None)
    loaded = chosen or loaded or load(shipped()[BASIS])
    config = with_piece(component, loaded.config)
    return Explanation(
        name=component.name,
        kind=component.title,
        where=component.where,
        formula=component.formula,
        paper=component.paper,
        notes=component.notes,
        config=setting(component, config),
        lecture=list(showing)[:SHOWN],
        example=loaded.config.name if chosen else name,
        **_measured(component, config.model),
    )


def _measured(component: Component, model: ModelConfig) -> dict[str, Any]:
    """Widths, shapes, parameters and cost, measured by building and running the module."""
    if component.kind not in KINDS:
        empty: dict[str, Any] = {"widths": {}, "shapes": {}, "parameters": [], "cost": []}
        return {
            **empty,
            "remarks": [COURSES[component.kind](component)] if component.kind in COURSES else [],
        }
    kind = component.kind
    try:
        widths = KINDS[kind].widths(model)
        trial = probe(kind, model, widths)
    except ConfigError as error:
        raise ConfigError(f"{component.title} '{component.name}' in this config: {error}") from None
    shapes = {name: _shape(tensor) for name, tensor in trial.run(BATCH, SOURCE, TARGET)}
    parameters = [
        Parameter(name, tuple(parameter.shape), parameter.numel())
        for name, parameter in trial.module.named_parameters()
    ]
    remarks = []
    if kind in ROWS:
        remarks.append(
            f"no matrix products; {elements_of_a_row(kind, model)} numbers written for a row of S "
            "scores, in training"
        )
    heads = model.attention.heads
    if kind in ("scope", "heads") or (kind in ("score", "coverage") and heads > 1):
        several = f", {heads} heads" if heads > 1 else ""
        remarks.append(f"of the whole attention, by score '{model.attention.score}'{several}")
    return {
        "widths": widths,
        "shapes": shapes,
        "parameters": parameters,
        "cost": _cost(kind, model, widths),
        "remarks": remarks,
    }


def _cost(kind: str, model: ModelConfig, widths: Widths) -> list[Cost]:
    if kind in ROWS:
        return []

    def reader(sizes: Widths) -> Reader:
        trial = probe(kind, model, sizes)

        def read(source: int, target: int) -> None:
            trial.run(1, source, target)

        return read

    counts = products(reader(widths))
    formulas_of = _formulas(reader, widths)
    return [Cost(grows, formulas_of.get(grows, ""), count) for grows, count in counts.items()]


def _formulas(reader: Callable[[Widths], Reader], widths: Widths) -> dict[str, str]:
    """Formulas in as many letters as can differ: a component may need some widths to be equal."""
    letters = list(widths)
    for shared in _partitions(letters):

        def build(sizes: Widths, shared: Mapping[str, str] = shared) -> Reader:
            return reader({letter: sizes[shared[letter]] for letter in letters})

        try:
            return formulas(build, sorted(set(shared.values()), key=letters.index))
        except ConfigError:
            continue
    return {}


def _partitions(letters: list[str]) -> Iterator[dict[str, str]]:
    """Partitions of the letters: all different, then two of them equal, then all equal."""
    yield {letter: letter for letter in letters}
    for number, letter in enumerate(letters):
        for other in letters[number + 1 :]:
            yield {a: letter if a == other else a for a in letters}
    yield dict.fromkeys(letters, letters[0]) if letters else {}


def _forcing(component: Component) -> str:
    values = [component.made_by(passed) for passed in COURSE]
    return f"weight of the start value, the rest is the end value: {_values(values)}"


def _learning_rate(component: Component) -> str:
    warmup, total = 100, 1100
    moments = [
        SchedulePoint(round(warmup + passed * (total - warmup)), warmup, total) for passed in COURSE
    ]
    return f"factor of learning_rate after the warm-up: {_values(map(component.made_by, moments))}"


def _values(values: Any) -> str:
    points = zip(COURSE, values, strict=True)
    return ", ".join(f"{value:.2f} at {100 * passed:.0f} %" for passed, value in points)


COURSES = {"teacher-forcing": _forcing, "learning-rate": _learning_rate}
"""For each kind of schedule: its values at every quarter of training."""


def _shape(tensor: Tensor) -> str:
    names = {BATCH: "batch", SOURCE: "source", TARGET: "target"}
    return f"({', '.join(names.get(size, str(size)) for size in tensor.shape)})"


def _lines(of: Explanation) -> Iterator[str]:
    yield f"{of.name}: {of.kind} ({of.where})"
    yield from _field("formula", of.formula)
    yield from _field("paper", of.paper)
    for number, note in enumerate(of.notes):
        yield from _field("" if number else "notes", note)
    yield from _field("config", of.config)
    yield from _field("shown in", ", ".join(f"configs/lecture/{name}.yaml" for name in of.lecture))
    yield from _field("shapes", _shapes(of), wrapped=False)
    yield from _field("parameters", _parameters(of), wrapped=False)
    yield from _field("cost" if of.shapes else "course", _costs(of), wrapped=False)


def _field(label: str, text: str, *, wrapped: bool = True) -> Iterator[str]:
    """The lines of a labelled text; none if the text is empty."""
    lines = (
        textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
        if wrapped
        else text.split("\n")
    )
    for number, line in enumerate(lines if text else []):
        yield f"  {'' if number else label:<12}{line}"


def _shapes(of: Explanation) -> str:
    return "\n".join(f"{name} {shape}" for name, shape in of.shapes.items())


def _parameters(of: Explanation) -> str:
    if not of.shapes:
        return "none"
    counts: dict[tuple[str, tuple[int, ...]], int] = {}  # layers that differ only by number
    for parameter in of.parameters:
        key = re.sub(r"\blayers\.\d+\b", "layers.N", parameter.name), parameter.shape
        counts[key] = counts.get(key, 0) + 1
    rows = [
        f"{name} {' x '.join(map(str, shape)) or 'a number'}"
        + (f" = {prod(shape):,}" if len(shape) > 1 else "")
        + (f", {count} times" if count > 1 else "")
        for (name, shape), count in counts.items()
    ]
    total = sum(parameter.count for parameter in of.parameters)
    return "\n".join([*rows, f"{total:,} in all, in the sizes of {of.example}"])


def _costs(of: Explanation) -> str:
    rows = [
        f"{cost.count:>12,}  {GROWING[cost.grows]}{f': {cost.formula}' if cost.formula else ''}"
        for cost in of.cost
    ]
    if rows:
        rows.insert(0, "multiply-adds in matrix products, counted on the module (forward)")
        used = {letter for cost in of.cost for letter in cost.formula.split()}
        rows += [f"{letter} = {n}: {LETTERS[letter]}" for letter, n in of.widths.items()
                 if letter in used]  # fmt: skip
    elif of.widths:
        rows = ["no matrix products"]
    return "\n".join([*rows, *of.remarks])
