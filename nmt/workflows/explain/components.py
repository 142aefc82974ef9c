"""All components that a config can name, and what their docstrings say about them."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nmt.config import NO_ATTENTION
from nmt.errors import UsageError, unknown
from nmt.models.attention import MultiHead, NoAttention, normalizers, scores
from nmt.models.attention.positions import LearnedPositions, rotated, sinusoids
from nmt.models.attention.scopes import scopes
from nmt.models.attention.scores import TanhScore
from nmt.models.attention.selection import selections
from nmt.models.cells import cells
from nmt.models.decoders import decoders
from nmt.models.encoders import encoders
from nmt.registry import Registry
from nmt.training import teacher_forcing_schedule
from nmt.training.coverage import coverage_loss
from nmt.training.schedules import schedules

ATTENTIONS = ("model.attention", "model.encoder.self_attention", "model.decoder.self_attention")
REGISTRIES: dict[str, tuple[Registry[Any], tuple[str, ...]]] = {
    "score": (scores, tuple(f"{section}.score" for section in ATTENTIONS)),
    "normalizer": (normalizers, tuple(f"{section}.normalizer" for section in ATTENTIONS)),
    "scope": (scopes, ("model.attention.scope",)),
    "selection": (selections, ("model.attention.selection",)),
    "cell": (cells, ("model.decoder.cell", "model.encoder.cell")),
    "encoder": (encoders, ("model.encoder.kind",)),
    "decoder": (decoders, ("model.decoder.kind",)),
    "teacher-forcing": (teacher_forcing_schedule.curves, ("training.teacher_forcing_schedule",)),
    "learning-rate": (schedules, ("training.schedule",)),
}
"""For each kind of component: its registry, and the keys that select one, the usual key first."""


@dataclass(frozen=True)
class Component:
    """One class or function, and how a config selects it."""

    kind: str
    name: str
    made_by: Any
    title: str
    """The name of its kind in error messages, such as `attention score`."""
    keys: tuple[str, ...]
    """The config keys that select it."""
    value: str | float
    """The value of such a key, usually the name."""
    above: float | None = None
    """Values greater than this select it too; None: only `value` does."""

    def chosen_by(self, value: Any) -> bool:
        """Whether a key with this value selects it."""
        return bool(value == self.value if self.above is None else value > self.above)

    @property
    def where(self) -> str:
        return f"{self.made_by.__module__}.{self.made_by.__qualname__}"

    @property
    def formula(self) -> str:
        """The first paragraph of its docstring."""
        return self._paragraphs()[0]

    @property
    def paper(self) -> str:
        """The paragraph of its docstring that cites a publication, if there is one."""
        return next(filter(_cites, self._paragraphs()[1:]), "")

    @property
    def notes(self) -> list[str]:
        """The other paragraphs of its docstring."""
        return [text for text in self._paragraphs()[1:] if text != self.paper]

    def _paragraphs(self) -> list[str]:
        docstring = inspect.cleandoc(self.made_by.__doc__)
        return [text for text in docstring.split("\n\n") if not text.startswith("Raises:")]


def _position(name: str, made_by: Any) -> Component:
    keys = tuple(f"{section}.positions" for section in ATTENTIONS[1:])
    return Component("positions", name, made_by, "positions", keys, name)


SWITCHES = (
    Component("score", NO_ATTENTION, NoAttention, scores.kind, ("model.attention.score",),
          NO_ATTENTION),
    Component("heads", "multi-head", MultiHead, "attention heads",
          tuple(f"{section}.heads" for section in ATTENTIONS), 4, above=1),
    Component("coverage", "coverage", TanhScore, "attention coverage",
          ("model.attention.coverage",), True, above=False),
    Component("coverage-loss", "coverage-loss", coverage_loss, "coverage loss",
          ("training.coverage_loss",), 1.0, above=0.0),
    _position("sinusoidal", sinusoids),
    _position("learned", LearnedPositions),
    _position("rotary", rotated),
)  # fmt: skip
"""The components that a config turns on without naming a registry entry."""


def components() -> Iterator[Component]:
    """All components, kind by kind."""
    for kind, (registry, keys) in REGISTRIES.items():
        for name in registry:
            yield Component(kind, name, registry[name], registry.kind, keys, name)
    yield from SWITCHES


def listed() -> dict[str, dict[str, str]]:
    """The first line of each component's formula, by kind and name."""
    formulas: dict[str, dict[str, str]] = {}
    for component in components():
        key = f"{component.title} ({component.keys[0]})"
        formulas.setdefault(key, {})[component.name] = component.formula.split("\n")[0].rstrip(",")
    return formulas


def named(name: str) -> list[Component]:
    """The components with this name, usually one.

    Raises:
        UsageError: there is none; the message suggests the nearest name.
    """
    known = list(components())
    matches = [component for component in known if component.name == name]
    if not matches:
        raise UsageError(unknown("component", name, {component.name for component in known}))
    return matches


def _cites(paragraph: str) -> bool:
    return re.search(r"\(\d{4}\)|https?://", paragraph) is not None
