"""Parse untrusted YAML into plain data, with limits on size, depth and number of values.

Scalars follow the core schema of YAML 1.2. No tag creates an object, and an alias counts as a copy,
so that a text of 400 bytes cannot expand to billions of values.
"""

from dataclasses import dataclass, field
from typing import Any

import yaml

from nmt.config.scalars import Spelled, scalar
from nmt.errors import printable

LARGEST = 250_000
"""Bytes of a config; about what a parser in pure Python reads in a second."""
DEEPEST = 40
"""Levels of nested sections."""
MOST_VALUES = 2_000
LONGEST_KEY = 1_000
"""Characters, including the names of the sections before it."""

_CORE = "tag:yaml.org,2002:"
_MERGE = "<<"


class YamlMistake(ValueError):
    """The text is not YAML, or not the YAML of a config."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(printable(problem))
        self.line = line


@dataclass(frozen=True)
class Document:
    """The parsed text: dicts, lists, strings, `Spelled` and None."""

    value: Any
    lines: dict[str, int]
    """Key, such as `model.dropout` -> its line, counted from 1."""


def parse(text: str, *, inside: str = "") -> Document:
    """Parse a text that holds one YAML document.

    inside: prefix for the names of the keys: the section that the text is the value of, with a dot

    Raises:
        YamlMistake: it is not YAML, a key is written twice, a tag asks for an object, or it is too
            large, nested too deeply, or holds too many values.
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
    """The parser's events for a text, and the event that each alias points back to."""

    def __init__(self, text: str) -> None:
        self.all: list[Any] = []
        self.targets: dict[int, int] = {}
        self._anchors: dict[str, int] = {}
        self._open: list[str | None] = []  # the anchors of the enclosing sections
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            self._take(event)

    def _take(self, event: Any) -> None:
        if len(self.all) > 3 * MOST_VALUES:  # a value has at most a start and an end event
            raise _too_many(event)
        anchor = getattr(event, "anchor", None)
        if isinstance(event, yaml.AliasEvent):
            self._resolve_alias(event)
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

    def _resolve_alias(self, event: Any) -> None:
        line = _line(event.start_mark)
        if event.anchor in self._open:
            raise YamlMistake("a section contains itself through an alias; write it out", line)
        if event.anchor not in self._anchors:
            raise YamlMistake(f"there is no anchor '&{event.anchor}' before this alias", line)
        self.targets[len(self.all)] = self._anchors[event.anchor]


@dataclass
class _Composer:
    """Builds the data from events; for an alias, the events of its anchor are composed again."""

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
        """The value that begins at an event, and the index of the event after it.

        prefix: the enclosing sections, each with a dot; None in a list, whose keys have no names
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
        items = []
        while not isinstance(self.events.all[at], yaml.SequenceEndEvent):
            value, at = self._node(at, prefix=None, depth=depth)
            items.append(value)
        return items, at + 1

    def _section(self, at: int, *, prefix: str | None, depth: int) -> tuple[dict[str, Any], int]:
        values: dict[str, Any] = {}
        own: dict[str, int] = {}
        merged: list[dict[str, Any]] = []
        while not isinstance(self.events.all[at], yaml.MappingEndEvent):
            key, line = self._key(at, prefix or "")
            name = f"{prefix or ''}{key}"
            if key in own:
                raise YamlMistake(f"'{name}' is written twice, first in line {own[key]}", line)
            own[key] = line
            if self._merges(at):
                copied, at = self._node(at + 1, prefix=None, depth=depth)
                merged += _sections(copied, line)
                continue
            inner = None
            if prefix is not None:
                self.lines[name], inner = line, f"{name}."
            values[key], at = self._node(at + 1, prefix=inner, depth=depth)
        for section in merged:  # keys written here win, then the first of several sections
            for key in section.keys() - values.keys():
                values[key] = section[key]
                if prefix is not None:
                    self.lines[f"{prefix}{key}"] = own[_MERGE]
        return values, at + 1

    def _merges(self, at: int) -> bool:
        """Whether a key is YAML 1.1's merge key, an unquoted `<<`."""
        event = self.events.all[at]
        return isinstance(event, yaml.ScalarEvent) and event.value == _MERGE and event.implicit[0]

    def _key(self, at: int, prefix: str) -> tuple[str, int]:
        """A key, and the line of the key or of the alias that stands for it."""
        line = _line(self.events.all[at].start_mark)
        event = self.events.all[self.events.targets.get(at, at)]
        if not isinstance(event, yaml.ScalarEvent):
            raise YamlMistake("a key is one word, not a list or a section", line)
        if len(prefix) + len(event.value) > LONGEST_KEY:
            raise YamlMistake(f"a key has more than {LONGEST_KEY:,} characters", line)
        return str(event.value), line


def _sections(value: Any, line: int) -> list[dict[str, Any]]:
    """The sections that a `<<` names: one, or a list of them."""
    sections = value if isinstance(value, list) else [value]
    if not all(isinstance(section, dict) for section in sections):
        raise YamlMistake("'<<' takes a section, or a list of sections, to copy keys from", line)
    return sections


def _scalar_of(event: yaml.ScalarEvent) -> Spelled | str | None:
    plain, _ = event.implicit  # neither quoted nor tagged
    text = str(event.value)
    if plain and event.tag is None:
        return scalar(text)
    kind = _kind(event)
    if kind in (None, "str"):
        return text
    parsed = scalar(text)
    value = parsed.value if isinstance(parsed, Spelled) else parsed
    if kind in _TYPES and _is(kind, value):
        return parsed
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
    """`int` for the tag `!!int`; None without a tag or for `!`, which asks for no type."""
    if event.tag in (None, "!"):
        return None
    return str(event.tag).removeprefix(_CORE)


def _no_constructor(event: Any) -> YamlMistake:
    problem = f"could not determine a constructor for the tag '{event.tag}': leave it out"
    return YamlMistake(problem, _line(event.start_mark))


def _refuse_depth(depth: int, event: Any) -> None:
    if depth > DEEPEST:
        raise YamlMistake(
            f"sections nested more than {DEEPEST} deep, which no config needs",
            _line(event.start_mark),
        )


def _too_many(event: Any) -> YamlMistake:
    problem = f"more than {MOST_VALUES:,} values, with aliases expanded, which no config has"
    return YamlMistake(problem, _line(event.start_mark))


def _line(mark: Any) -> int:
    return int(mark.line) + 1
