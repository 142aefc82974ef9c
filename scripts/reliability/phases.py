"""The phases of a command: it reports entering and leaving the functions listed here."""

import functools
import importlib
from typing import Any

from reliability.forks import Mark

PHASES = {
    "reading": "nmt.workflows.train.setup:read_corpus",
    "tokenizer": "nmt.workflows.train.setup:learn",
    "encoding": "nmt.workflows.train.setup:encode",
    "update": "nmt.training.trainer:Trainer.step",
    "validation": "nmt.workflows.train.train:_validate",
    "saving": "nmt.checkpoint.store:save",
    "pruning": "nmt.checkpoint.run:Run.keep",
    "final evaluation": "nmt.workflows.train.train:evaluate_split",
    "model card": "nmt.workflows.train.train:write_card",
    "export: graphs": "nmt.decoding.graphs:write_graphs",
    "export: int8": "nmt.workflows.export:_write_int8",
    "export: comparing": "nmt.workflows.export:_compared",
    "sweep: table": "nmt.workflows.sweep.run:write_table",
    "sweep: pictures": "nmt.workflows.sweep.run:save_league",
    "sweep: page": "nmt.workflows.sweep.run:save_attention",
}
START, END = "start", "end"
"""Before the first of them and after the last, or between them."""


def told(mark: Mark) -> None:
    """Mark the start and end of every phase: `+name` and `-name`."""
    for name, place in PHASES.items():
        module_name, _, path = place.partition(":")
        *outer, attribute = path.split(".")
        owner: Any = importlib.import_module(module_name)
        for part in outer:
            owner = getattr(owner, part)
        setattr(owner, attribute, _telling(getattr(owner, attribute), name, mark))


def _telling(function: Any, name: str, mark: Mark) -> Any:
    @functools.wraps(function)
    def telling(*arguments: Any, **named: Any) -> Any:
        mark(f"+{name}")
        try:
            return function(*arguments, **named)
        finally:
            mark(f"-{name}")

    return telling


def phase(said: list[str]) -> str:
    """The innermost phase after all these marks."""
    inside: list[str] = []
    entered = False
    for text in said:
        if text[0] == "+":
            inside.append(text[1:])
            entered = True
        elif text[0] == "-" and inside:
            inside.pop()
    return inside[-1] if inside else "between" if entered else START
