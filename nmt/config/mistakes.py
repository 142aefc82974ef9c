"""Explain pydantic's validation errors: one line each, with the file and line of the value."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Any

from pydantic import BaseModel, ValidationError

from nmt.config.sections import Config
from nmt.errors import LONGEST_NAME, printable

MOST_TOLD = 20
"""Mistakes that are listed; the rest are only counted."""


def explain(
    error: ValidationError, values: dict[str, Any], sources: Mapping[str, str], start: str
) -> list[str]:
    """One line for each mistake: file, line, key, what is wrong.

    start: how a line begins if its key was not written anywhere
    """
    lines = _lines(error, values, sources, start)
    shown = list(islice(lines, MOST_TOLD))
    more = sum(1 for _ in lines)
    return [*shown, f"{start}there are {more} more mistakes"] if more else shown


def where(sources: Mapping[str, str], key: str) -> str:
    """`configs/luong.yaml:9: ` for the key, or for the section that lacks it."""
    while key:
        if key in sources:
            return f"{sources[key]}: "
        key = key.rpartition(".")[0]
    return ""


def _lines(
    error: ValidationError, values: dict[str, Any], sources: Mapping[str, str], start: str
) -> Iterator[str]:
    reported = set()
    for mistake in error.errors(include_url=False):
        steps = [str(step) for step in mistake["loc"]]
        key = _longest_written(steps, values)
        kind = mistake["type"]
        if kind == "extra_forbidden":
            message = _unknown_key(steps)
        elif kind == "missing":
            message = f"{'.'.join(steps)} is missing"
        elif kind == "value_error":
            message = f"{key}: {mistake['ctx']['error']}" if key else f"{mistake['ctx']['error']}"
        else:
            place = f"{key}: " if key else ""
            message = f"{place}{mistake['msg'][0].lower()}{mistake['msg'][1:]}"
            message += f" (got {printable(repr(mistake['input']), most=100)})"
            scalar = not isinstance(mistake["input"], dict | list | None)
            message += "; put it in quotes" if kind == "string_type" and scalar else ""
        mark = (key or tuple(steps), kind)
        if mark not in reported:  # a union reports one error for each of its members
            reported.add(mark)
            yield f"{where(sources, key) or start}{message}"


RENAMED = {"choice": "selection"}
"""Old key -> new key; configs and run folders of earlier versions may still use the old one."""


def _unknown_key(steps: list[str]) -> str:
    *section, name = steps
    name, names = printable(name, most=LONGEST_NAME), _fields(section)
    close = [RENAMED[name]] if RENAMED.get(name) in names else get_close_matches(name, names, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else f"; there are: {', '.join(names)}"
    return f"{'.'.join(section) or 'config'}: unknown key '{name}'{hint}"


def _longest_written(steps: list[str], values: Any) -> str:
    """The part of an error's path that the user wrote; the rest is from pydantic's unions."""
    written = []
    for step in steps:
        if not isinstance(values, dict) or step not in values:
            break
        written.append(step)
        values = values[step]
    return ".".join(written)


def _fields(section: list[str]) -> list[str]:
    model: type[BaseModel] = Config
    for name in section:
        annotation = model.model_fields[name].annotation
        inner = [annotation, *getattr(annotation, "__args__", ())]  # Section, or Section | None
        model = next(m for m in inner if isinstance(m, type) and issubclass(m, BaseModel))
    return list(model.model_fields)
