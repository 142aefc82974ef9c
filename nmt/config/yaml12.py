"""YAML as its version 1.2 reads it: https://yaml.org/spec/1.2.2/#103-core-schema.

PyYAML reads version 1.1, in which 010 is 8, 10:30 is 630, a date is an object and `no` is false.
Here a number is decimal unless it begins with 0x or 0o, whatever its zeros; dates and times are
text; and a number remembers how it was written, since a field of text wants that: the revision
0123456, or 1e10 of a commit.

Whoever wrote the text, reading it takes bounded time and memory: its size, its depth, and what its
aliases add up to are limited, and it makes plain values alone.
"""

import re
from typing import Any

import yaml

LARGEST = 1 << 20  # characters of a text
DEEPEST = 40  # sections within sections
MOST = 20_000  # nodes, those behind aliases counted each time
LONGEST_NUMBER = 40  # characters


class Mistake(Exception):
    """The text cannot be read; `line` counts from 1, where it is known."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem)
        self.problem, self.line = problem, line


class WrittenInt(int):
    """A whole number, and how it was written."""

    text: str

    def __repr__(self) -> str:
        return self.text


class WrittenFloat(float):
    """A number, and how it was written."""

    text: str

    def __repr__(self) -> str:
        return self.text


def parse(text: str) -> tuple[yaml.Node | None, Any]:
    """The tree of a text, for its lines, and its value.

    Raises:
        Mistake: it is not YAML, asks for an object, or is too large, too deep, or endless.
    """
    if len(text) > LARGEST:
        raise Mistake(f"it is longer than {LARGEST:,} characters, which no config is")
    try:
        loader = _Loader(text)  # which looks for characters that YAML has not
    except yaml.YAMLError as error:
        raise _mistake(error) from None
    try:
        tree = loader.get_single_node()
        if tree is None:
            return None, None
        _measure(tree, {}, 1)
        return tree, loader.construct_document(tree)
    except yaml.YAMLError as error:
        raise _mistake(error) from None
    except RecursionError:
        raise Mistake("it is nested without end; write it out") from None
    except ValueError as error:  # such as an impossible date behind an explicit tag
        raise Mistake(" ".join(str(error).split())) from None
    finally:
        loader.dispose()


def _measure(node: yaml.Node, known: dict[int, int], depth: int) -> int:
    """How many nodes there are, an alias counted with all that it stands for."""
    line = node.start_mark.line + 1
    if id(node) in known:
        if not known[id(node)]:
            raise Mistake("a section holds itself, by an alias; write it out", line)
        return known[id(node)]
    if depth > DEEPEST:
        raise Mistake(f"more than {DEEPEST} sections within sections: nested without end?", line)
    known[id(node)] = 0
    size = 1
    for child in _children(node):
        size += _measure(child, known, depth + 1)
        if size > MOST:
            raise Mistake(f"more than {MOST:,} values, aliases followed; write less", line)
    known[id(node)] = size
    return size


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _mistake(error: yaml.YAMLError) -> Mistake:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or " ".join(str(error).split())
    return Mistake(str(problem), None if mark is None else mark.line + 1)


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, with the core schema of version 1.2 in place of 1.1's."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag.endswith(":merge")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_SCALARS = {
    "null": (r"null|Null|NULL|~|", ["n", "N", "~", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?[0-9][0-9_]*|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    "float": (
        r"[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
}
for _name, (_pattern, _first) in _SCALARS.items():
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}", re.compile(rf"(?:{_pattern})\Z"), _first
    )


def _number(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> WrittenInt | WrittenFloat | str:
    """What is too long for a number of a config stays text, which says so where it matters."""
    text = str(node.value)
    plain = text.replace("_", "").lower()
    if len(text) > LONGEST_NUMBER:
        return text
    number: WrittenInt | WrittenFloat
    try:
        if plain[:2] in ("0x", "0o"):
            number = WrittenInt(plain, 0)
        elif node.tag.endswith(":int"):
            number = WrittenInt(plain)
        else:
            number = WrittenFloat(plain.replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        raise Mistake(f"'{text}' is not a number", node.start_mark.line + 1) from None
    number.text = text
    return number


def _text(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
    return str(node.value)


_Loader.add_constructor("tag:yaml.org,2002:int", _number)
_Loader.add_constructor("tag:yaml.org,2002:float", _number)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _text)
