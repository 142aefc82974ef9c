"""From YAML files and `section.key=value` overrides to a checked `Config`.

Every value remembers where it came from, so that a mistake is answered with its file and line.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from nmt.config.sections import Config
from nmt.config.yaml12 import LARGEST, Mistake, parse
from nmt.errors import ConfigError, printable, unknown

COMMAND_LINE = "command line"
LONGEST_CHAIN = 20  # configs that extend each other
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


def load(path: Path, overrides: Iterable[str] = (), *, whole: bool = False) -> Loaded:
    """Read a config file, what it extends, and the overrides, in rising order of precedence.

    path: a file, a pipe, `-` for standard input, or the name of a shipped config.
    whole: the file is the resolved config of a run, perhaps of somebody else: it extends nothing.

    Raises:
        ConfigError: a file is missing or is not YAML, or a key or value is wrong.
    """
    path = _find(path)
    text = _text(path)
    values, sources = _read(path, text, seen=() if not whole else None)
    for override in overrides:
        _apply(values, sources, override)
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(error, values, sources, path))) from None
    return Loaded(config, sources, text)


def shipped() -> dict[str, Path]:
    """The configs that come with nmt, those of the lecture too, by name."""
    return {file.stem: file for folder in CONFIG_FOLDERS for file in sorted(folder.rglob("*.yaml"))}


def _find(path: Path) -> Path:
    if str(path) == "-":
        return Path("/dev/stdin")
    if path.is_dir():
        raise ConfigError(f"{printable(str(path))} is a folder, not a config file")
    if path.exists():
        return path
    if (ours := _shipped(path)) is not None:
        return ours  # nmt is installed, and its checkout is elsewhere
    hint = unknown("config", path.stem, shipped())
    raise ConfigError(f"no config file {printable(str(path))}; {printable(hint)}")


def _shipped(path: Path) -> Path | None:
    """The config that comes with nmt under this name, wherever a user believes it to be."""
    named = path.parent.as_posix() in SHIPPED_IN and path.suffix in ("", ".yaml", ".yml")
    return shipped().get(path.stem) if named else None


def _text(path: Path) -> str:
    """The content of a config; it may come out of a pipe, and is read once.

    Raises:
        ConfigError: it cannot be read, is not UTF-8, or is too large for a config.
    """
    name = printable(str(path))
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {name}: {error.strerror}") from error
    if len(content) > LARGEST:
        raise ConfigError(f"{name} is larger than {LARGEST:,} bytes, which no config is")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: not UTF-8 (byte {error.start}); save it as UTF-8") from error


def _read(
    path: Path, text: str, seen: tuple[Path, ...] | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """The values of a file over those of the file that it extends.

    seen: the files that extend this one; None: it may not extend another.
    """
    name = printable(str(path))
    if seen is not None and (path.resolve() in seen or len(seen) > LONGEST_CHAIN):
        raise ConfigError(f"{name}: extends itself, through {' -> '.join(map(str, seen[:3]))}")
    try:
        tree, values = parse(text)
    except Mistake as mistake:
        place = name if mistake.line is None else f"{name}:{mistake.line}"
        raise ConfigError(f"{place}: {printable(mistake.problem)}") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{name}: a config has sections such as 'data:', this file has none")
    sources = dict(_marks(tree, name, ""))
    base = values.pop("extends", None)
    sources.pop("extends", None)
    if base is None:
        return values, sources
    if seen is None:
        raise ConfigError(f"{name}: the config of a run extends nothing: it was changed")
    parent = _base(path, base)
    base_values, base_sources = _read(parent, _text(parent), (*seen, path.resolve()))
    return _merge(base_values, values), {**base_sources, **sources}


def _base(path: Path, base: object) -> Path:
    """The file that a config extends: a file near it, or else one that comes with nmt."""
    name = Path(str(getattr(base, "text", base)))
    near = path.parent / name
    ours = _shipped(name)
    if near.is_file():
        return near
    if ours is not None:
        return ours
    raise ConfigError(
        f"{printable(str(path))}: extends {printable(str(name))}, but there is no "
        f"{printable(str(near))}"
    )


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            value = _merge(old, value)
        merged[key] = value
    return merged


def _marks(node: yaml.Node | None, name: str, prefix: str) -> Iterator[tuple[str, str]]:
    """Each key of a YAML tree with its line; a key written twice is refused."""
    if not isinstance(node, yaml.MappingNode):
        return
    lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        key, line = str(key_node.value), key_node.start_mark.line + 1
        if key in lines:
            raise ConfigError(
                f"{name}:{line}: '{printable(prefix + key)}' is written twice, first in line "
                f"{lines[key]}"
            )
        lines[key] = line
        yield f"{prefix}{key}", f"{name}:{line}"
        yield from _marks(value_node, name, f"{prefix}{key}.")


def _apply(values: dict[str, Any], sources: dict[str, str], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not all(key.split(".")):
        raise ConfigError(f"'{printable(override)}' is not an override; write section.key=value")
    *sections, last = key.split(".")
    place = values
    for depth, section in enumerate(sections, start=1):
        if place.get(section) is None:
            place[section] = {}
            sources.setdefault(".".join(sections[:depth]), COMMAND_LINE)
        inner = place[section]
        if not isinstance(inner, dict):
            raise ConfigError(
                f"command line: {printable(key)}: '{printable(section)}' is a value, not a section"
            )
        place = inner
    try:
        tree, place[last] = parse(text)
        dict(_marks(tree, COMMAND_LINE, f"{key}."))
    except Mistake as mistake:
        shown = printable(text, most=60)
        raise ConfigError(
            f"command line: {printable(key)}: cannot read '{shown}': {printable(mistake.problem)}"
        ) from None
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
            message = f"{'.'.join(section) or 'config'}: unknown key '{printable(name)}'{hint}"
        elif kind == "missing":
            message = f"{'.'.join(steps)} is missing"
        elif kind == "value_error":
            said = printable(str(mistake["ctx"]["error"]))
            message = f"{key}: {said}" if key else said
        else:
            place = f"{key}: " if key else ""
            message = f"{place}{mistake['msg'][0].lower()}{mistake['msg'][1:]}"
            message += f" (got {printable(repr(mistake['input']), most=100)})"
            scalar = not isinstance(mistake["input"], dict | list | None)
            message += "; put it in quotes" if kind == "string_type" and scalar else ""
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
