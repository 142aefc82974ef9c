"""From YAML files and `section.key=value` overrides to a checked `Config`.

Every value remembers where it came from, so that a mistake is answered with its file and line.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from nmt.config.sections import Config
from nmt.errors import ConfigError, unknown

COMMAND_LINE = "command line"
CONFIG_FOLDERS = (  # beside the package in a checkout, inside it in a wheel
    Path(__file__).parents[2] / "configs",
    Path(__file__).parents[1] / "configs",
)

SHIPPED_IN = (".", "configs", "lecture", "configs/lecture", "configs/lecture/vectors")
"""Where a user may believe a shipped config to be."""


@dataclass(frozen=True)
class Loaded:
    """A config, and where each of its values was written."""

    config: Config
    sources: Mapping[str, str]  # "model.dropout" -> "configs/luong.yaml:9"
    text: str  # of the file named, as given

    def located(self, error: ConfigError, key: str) -> ConfigError:
        """The same error, naming the file and line of `key`, and the key if it does not itself."""
        message = str(error) if str(error).startswith(key) else f"{key}: {error}"
        return ConfigError(f"{_where(self.sources, key)}{message}")

    def resolved(self) -> str:
        """All values as YAML, defaults included."""
        return to_yaml(self.config)


def to_yaml(config: Config) -> str:
    """All values of a config as YAML that `load` reads back."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def load(path: Path, overrides: Iterable[str] = ()) -> Loaded:
    """Read a config file, what it extends, and the overrides, in rising order of precedence.

    Raises:
        ConfigError: a file is missing or is no YAML, or a key or value is wrong.
    """
    path = _find(path)
    values, sources = _read(path, seen=())
    for override in overrides:
        _apply(values, sources, override)
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(error, values, sources, path))) from None
    return Loaded(config, sources, path.read_text(encoding="utf-8"))


def shipped() -> dict[str, Path]:
    """The configs that come with nmt, those of the lecture too, by name."""
    return {file.stem: file for folder in CONFIG_FOLDERS for file in sorted(folder.rglob("*.yaml"))}


def _find(path: Path) -> Path:
    if path.is_file():
        return path
    known = shipped()
    if path.parent.as_posix() in SHIPPED_IN and path.stem in known:
        return known[path.stem]  # nmt is installed, and its checkout is elsewhere
    if path.is_dir():
        raise ConfigError(f"{path} is a folder, not a config file")
    raise ConfigError(f"no config file {path}; {unknown('config', path.stem, known)}")


def _read(path: Path, seen: tuple[Path, ...]) -> tuple[dict[str, Any], dict[str, str]]:
    """The values of a file over those of the file that it extends."""
    if path.resolve() in seen:
        raise ConfigError(f"{path}: extends itself, through {' -> '.join(map(str, seen))}")
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from error
    try:
        tree, values = yaml.compose(text, Loader=Yaml12), _parsed(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{_yaml_mistake(path, error)}") from None
    except RecursionError:
        raise ConfigError(f"{path}: sections are nested without end; write them out") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: a config has sections such as 'data:', this file has none")
    try:
        sources = dict(_marks(tree, path, ""))
    except RecursionError:
        raise ConfigError(f"{path}: a section holds itself, by an alias; write it out") from None
    base = values.pop("extends", None)
    sources.pop("extends", None)
    if base is None:
        return values, sources
    parent = path.parent / str(base)
    if not parent.is_file():
        raise ConfigError(f"{path}: extends {base}, but there is no {parent}")
    base_values, base_sources = _read(parent, (*seen, path.resolve()))
    return _merge(base_values, values), {**base_sources, **sources}


def _parsed(text: str) -> Any:
    """The value of a YAML text: plain data alone, whatever its tags ask for.

    Raises:
        YAMLError: it is no YAML, or asks for an object of Python.
    """
    loader = Yaml12(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            value = _merge(old, value)
        merged[key] = value
    return merged


def _marks(node: yaml.Node | None, path: Path, prefix: str) -> Iterator[tuple[str, str]]:
    """Each key of a YAML tree with its line; a key written twice is refused."""
    if not isinstance(node, yaml.MappingNode):
        return
    lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        key, line = str(key_node.value), key_node.start_mark.line + 1
        if key in lines:
            raise ConfigError(
                f"{path}:{line}: '{prefix}{key}' is written twice, first in line {lines[key]}"
            )
        lines[key] = line
        yield f"{prefix}{key}", f"{path}:{line}"
        yield from _marks(value_node, path, f"{prefix}{key}.")


def _apply(values: dict[str, Any], sources: dict[str, str], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not all(key.split(".")):
        raise ConfigError(f"'{override}' is no override; write section.key=value")
    *sections, last = key.split(".")
    place = values
    for depth, section in enumerate(sections, start=1):
        if place.get(section) is None:
            place[section] = {}
            sources.setdefault(".".join(sections[:depth]), COMMAND_LINE)
        inner = place[section]
        if not isinstance(inner, dict):
            raise ConfigError(f"command line: {key}: '{section}' is a value, not a section")
        place = inner
    try:
        place[last] = _parsed(text)
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        raise ConfigError(f"command line: {key}: cannot read '{text}': {problem}") from None
    except RecursionError:
        raise ConfigError(f"command line: {key}: nested without end") from None
    for inner in [name for name in sources if name.startswith(f"{key}.")]:
        del sources[inner]  # the whole section was given anew
    sources[key] = COMMAND_LINE


def _explain(
    error: ValidationError, values: dict[str, Any], sources: Mapping[str, str], path: Path
) -> Iterator[str]:
    """One line for each mistake: file, line, key, what is wrong."""
    told = set()
    for mistake in error.errors():
        steps = [str(step) for step in mistake["loc"]]
        key = _longest_written(steps, values)
        kind = mistake["type"]
        if kind == "extra_forbidden":
            *section, name = steps
            names = _fields(section)
            close = get_close_matches(name, names, n=1)
            hint = f"; did you mean '{close[0]}'?" if close else f"; there are: {', '.join(names)}"
            message = f"{'.'.join(section) or 'config'}: unknown key '{name}'{hint}"
        elif kind == "missing":
            message = f"{'.'.join(steps)} is missing"
        elif kind == "value_error":
            message = f"{key}: {mistake['ctx']['error']}" if key else f"{mistake['ctx']['error']}"
        else:
            place = f"{key}: " if key else ""
            message = f"{place}{mistake['msg'][0].lower()}{mistake['msg'][1:]}"
            message += f" (got {mistake['input']!r})"
        mark = (key or tuple(steps), kind)
        if mark not in told:  # a union complains once for each of its members
            told.add(mark)
            yield f"{_where(sources, key) or f'{path}: '}{message}"


def _longest_written(steps: list[str], values: Any) -> str:
    """The part of a mistake's path that the user wrote; the rest names pydantic's unions."""
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


def _where(sources: Mapping[str, str], key: str) -> str:
    """`configs/luong.yaml:9: ` for the key, or for the section that lacks it."""
    while key:
        if key in sources:
            return f"{sources[key]}: "
        key = key.rpartition(".")[0]
    return ""


def _yaml_mistake(path: Path, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or " ".join(str(error).split())
    return f"{path}:{mark.line + 1}: {problem}" if mark else f"{path}: {problem}"


class Yaml12(yaml.SafeLoader):
    """PyYAML's safe loader, with two traps of YAML 1.1 taken out.

    `5e-4` is a number, and only true and false are booleans: the language code `no` is a word.
    """

    yaml_implicit_resolvers = {
        first: [
            (tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":float"))
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


Yaml12.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
Yaml12.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^[-+]?(?:\d[\d_]*\.[\d_]*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+"
        r"|\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
    list("-+0123456789."),
)
