"""A YAML text of anybody as plain data: bounded in size, depth and number of values.

The scalars are those of the core schema of YAML 1.2. No tag makes an object, and an alias stands
for a copy, so that a text of 400 bytes cannot stand for billions of values.
"""

from dataclasses import dataclass, field
from typing import Any

import yaml

from nmt.config.scalars import Spelled, scalar
from nmt.errors import printable

LARGEST = 250_000
"""Bytes of a config; a parser in Python reads as many in a second."""
DEEPEST = 40
"""Sections in sections."""
MOST_VALUES = 2_000
LONGEST_KEY = 1_000
"""Characters, the sections before it included."""

_CORE = "tag:yaml.org,2002:"
_MERGE = "<<"


class YamlMistake(ValueError):
    """A text that is not YAML, or not the YAML of a config."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(printable(problem))
        self.line = line


@dataclass(frozen=True)
class Document:
    """The data of a text: dicts, lists, texts, `Spelled` and None."""

    value: Any
    lines: dict[str, int]
    """`model.dropout` -> its line, counted from 1."""


def parse(text: str, *, inside: str = "") -> Document:
    """Read a text with one YAML document.

    inside: the section that it is the value of, with a dot after it, for the names of its keys

    Raises:
        YamlMistake: it is not YAML, a key is written twice, a tag asks for an object, or it is
            too large, too deep, or holds too many values.
    """
    if len(text) > LARGEST:
        raise YamlMistake(f"it is longer than {LARGEST:,} characters, which no config is")
    try:
        return _Composer(_Events(text)).document(inside)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlMistake(f"the character U+{error.character:04X} is not allowed", line) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise YamlMistake(error.problem or "not YAML", _line(mark) if mark else None) from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # such as "\UFFFFFFFF"
        if isinstance(error, YamlMistake):
            raise
        raise YamlMistake(f"not YAML: {error}") from None


class _Events:
    """The steps of a parser through a text, and which step each alias leads back to."""

    def __init__(self, text: str) -> None:
        self.all: list[Any] = []
        self.targets: dict[int, int] = {}
        self._anchors: dict[str, int] = {}
        self._open: list[str | None] = []  # the anchors of the sections around
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            self._take(event)

    def _take(self, event: Any) -> None:
        if len(self.all) > 3 * MOST_VALUES:  # a start and an end for each, at most
            raise _too_many(event)
        anchor = getattr(event, "anchor", None)
        if isinstance(event, yaml.AliasEvent):
            self._lead_back(event)
        elif anchor is not None:
            self._anchors[anchor] = len(self.all)
        if isinstance(event, yaml.CollectionStartEvent):
            self._open.append(anchor)
            _refuse_depth(len(self._open), event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
        elif isinstance(event, yaml.DocumentEndEvent):
            self._anchors.clear()
        self.all.append(event)

    def _lead_back(self, event: Any) -> None:
        line = _line(event.start_mark)
        if event.anchor in self._open:
            raise YamlMistake("a section holds itself, by an alias; write it out", line)
        if event.anchor not in self._anchors:
            raise YamlMistake(f"there is no anchor '&{event.anchor}' before this alias", line)
        self.targets[len(self.all)] = self._anchors[event.anchor]


@dataclass
class _Composer:
    """Builds the data; an alias is built once more from the steps of what it stands for."""

    events: _Events
    lines: dict[str, int] = field(default_factory=dict)
    values: int = 0

    def document(self, prefix: str) -> Document:
        starts = [
            at
            for at, event in enumerate(self.events.all)
            if isinstance(event, yaml.DocumentStartEvent)
        ]
        if not starts:
            return Document(None, {})
        if len(starts) > 1:
            second = self.events.all[starts[1]]
            raise YamlMistake("a config is one YAML document", _line(second.start_mark))
        value, _ = self._node(starts[0] + 1, prefix=prefix, depth=0)
        return Document(value, self.lines)

    def _node(self, at: int, *, prefix: str | None, depth: int) -> tuple[Any, int]:
        """The value that begins at a step, and the step after it.

        prefix: the sections around, each with a dot; None in a list, where keys have no name
        """
        event = self.events.all[at]
        self.values += 1
        if self.values > MOST_VALUES:
            raise _too_many(event)
        _refuse_depth(depth, event)
        if isinstance(event, yaml.AliasEvent):
            value, _ = self._node(self.events.targets[at], prefix=prefix, depth=depth)
            return value, at + 1
        if isinstance(event, yaml.ScalarEvent):
            return _scalar_of(event), at + 1
        if isinstance(event, yaml.SequenceStartEvent):
            _refuse_tag(event, "seq")
            return self._list(at + 1, depth=depth + 1)
        _refuse_tag(event, "map")
        return self._section(at + 1, prefix=prefix, depth=depth + 1)

    def _list(self, at: int, *, depth: int) -> tuple[list[Any], int]:
        found = []
        while not isinstance(self.events.all[at], yaml.SequenceEndEvent):
            value, at = self._node(at, prefix=None, depth=depth)
            found.append(value)
        return found, at + 1

    def _section(self, at: int, *, prefix: str | None, depth: int) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        own: dict[str, int] = {}
        merged: list[dict[str, Any]] = []
        while not isinstance(self.events.all[at], yaml.MappingEndEvent):
            key, line = self._key(at, prefix or "")
            name = f"{prefix or ''}{key}"
            if key in own:
                raise YamlMistake(f"'{name}' is written twice, first in line {own[key]}", line)
            own[key] = line
            if self._merges(at):
                some, at = self._node(at + 1, prefix=None, depth=depth)
                merged += _sections(some, line)
                continue
            inner = None
            if prefix is not None:
                self.lines[name], inner = line, f"{name}."
            found[key], at = self._node(at + 1, prefix=inner, depth=depth)
        for section in merged:  # what is written here goes before, then the first of several
            for key in section.keys() - found.keys():
                found[key] = section[key]
                if prefix is not None:
                    self.lines[f"{prefix}{key}"] = own[_MERGE]
        return found, at + 1

    def _merges(self, at: int) -> bool:
        """Whether a key is the `<<` that YAML 1.1 has, without quotes."""
        event = self.events.all[at]
        return isinstance(event, yaml.ScalarEvent) and event.value == _MERGE and event.implicit[0]

    def _key(self, at: int, prefix: str) -> tuple[str, int]:
        """A key, and the line where it is written, or its alias is."""
        line = _line(self.events.all[at].start_mark)
        event = self.events.all[self.events.targets.get(at, at)]
        if not isinstance(event, yaml.ScalarEvent):
            raise YamlMistake("a key is one word, not a list or a section", line)
        if len(prefix) + len(event.value) > LONGEST_KEY:
            raise YamlMistake(f"a key has more than {LONGEST_KEY:,} characters", line)
        return str(event.value), line


def _sections(value: Any, line: int) -> list[dict[str, Any]]:
    """The sections that a `<<` names: one, or a list of them."""
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(section, dict) for section in found):
        raise YamlMistake("'<<' takes a section, or a list of sections, to copy keys from", line)
    return found


def _scalar_of(event: yaml.ScalarEvent) -> Spelled | str | None:
    plain, _ = event.implicit  # letters without quotes and without a tag
    text = str(event.value)
    if plain and event.tag is None:
        return scalar(text)
    kind = _kind(event)
    if kind in (None, "str"):
        return text
    found = scalar(text)
    value = found.value if isinstance(found, Spelled) else found
    if kind in _TYPES and _is(kind, value):
        return found
    if kind in _TYPES:
        raise YamlMistake(f"'{text}' is not of the type !!{kind}", _line(event.start_mark))
    raise _no_constructor(event)


_TYPES: dict[str, Any] = {"int": int, "float": (int, float), "bool": bool, "null": type(None)}


def _is(kind: str, value: object) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "bool" or not isinstance(value, bool))


def _refuse_tag(event: Any, kind: str) -> None:
    if _kind(event) not in (None, kind):
        raise _no_constructor(event)


def _kind(event: Any) -> str | None:
    """`int` of the tag `!!int`; None without a tag, or of `!`, which asks for no type."""
    if event.tag in (None, "!"):
        return None
    return str(event.tag).removeprefix(_CORE)


def _no_constructor(event: Any) -> YamlMistake:
    problem = f"could not determine a constructor for the tag '{event.tag}': leave it out"
    return YamlMistake(problem, _line(event.start_mark))


def _refuse_depth(depth: int, event: Any) -> None:
    if depth > DEEPEST:
        raise YamlMistake(
            f"more than {DEEPEST} sections within sections: nested without end?",
            _line(event.start_mark),
        )


def _too_many(event: Any) -> YamlMistake:
    problem = f"more than {MOST_VALUES:,} values, aliases followed, which no config has"
    return YamlMistake(problem, _line(event.start_mark))


def _line(mark: Any) -> int:
    return int(mark.line) + 1
