"""Turn YAML files and `section.key=value` overrides into a validated `Config`.

We record where each value was written, so that an error message names its file and line.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from nmt.config.document import DEEPEST, LONGEST_KEY, YamlMistake, parse
from nmt.config.finding import find, find_base, is_stream, read_file, read_text, told
from nmt.config.mistakes import explain, where
from nmt.config.scalars import Spelled
from nmt.config.sections import Config, Section
from nmt.errors import ConfigError, printable

AnySection = TypeVar("AnySection", bound=Section)
COMMAND_LINE = "command line"
MOST_FILES = 20
"""Length of a chain in which each config extends the next."""


@dataclass(frozen=True)
class Loaded:
    """A config, together with where each of its values was written."""

    config: Config
    sources: Mapping[str, str]  # "model.dropout" -> "configs/luong.yaml:9"
    text: str  # of the file that was loaded, unchanged

    def located(self, error: ConfigError, key: str) -> ConfigError:
        """The same error with the file and line of `key`, and with the key if it lacks it."""
        message = str(error) if str(error).startswith(key) else f"{key}: {error}"
        return ConfigError(f"{where(self.sources, key)}{message}")

    def resolved(self) -> str:
        """All values as YAML, including the defaults."""
        return to_yaml(self.config)


def to_yaml(config: Config) -> str:
    """All values of a config as YAML that `load` reads back."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def load(path: Path, overrides: Iterable[str] = (), *, whole: bool = False) -> Loaded:
    """Load a config. Overrides win over the file, and the file over what it extends.

    path: a file, the name of a shipped config, a pipe, or `-` for standard input
    whole: the file is the resolved config of a run, perhaps from somebody else: an ordinary file
        that extends no other; its mistakes are reported in one line

    Raises:
        ConfigError: a file is missing or is not YAML, or a key or value is wrong.
    """
    if not whole:
        path = find(path)
    text = read_file(path) if whole else read_text(path)
    values, sources = _parsed(path, text) if whole else _with_bases(path, text)
    if "extends" in values:
        raise ConfigError(
            f"{where(sources, 'extends')}the config of a run extends nothing: it was edited, so do "
            "not trust this run"
        )
    for override in overrides:
        _apply(values, sources, override)
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        lines = explain(error, values, sources, start=f"{told(path)}: ")
        raise ConfigError(*(["; ".join(lines)] if whole else lines)) from None
    return Loaded(config, sources, text)


def section(kind: type[AnySection], values: dict[str, Any]) -> AnySection:
    """One section from values that were given separately, such as command-line options.

    Raises:
        ConfigError: a value is wrong.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise ConfigError(*explain(error, values, sources={}, start="")) from None


def _with_bases(path: Path, text: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The values of a config, merged over those of the files that it extends."""
    chain = [_parsed(path, text)]
    seen = [path]
    while (base := _base(*chain[-1], seen[-1])) is not None:
        if any(base.samefile(known) for known in seen if not is_stream(known)):
            links = " -> ".join(map(told, seen))
            raise ConfigError(f"{base}: extends itself, through {links}")
        if len(seen) == MOST_FILES:
            raise ConfigError(
                f"{told(seen[0])}: extends a chain of more than {MOST_FILES - 1} files: endless?"
            )
        seen.append(base)
        chain.append(_parsed(base, read_file(base)))
    values, sources = chain.pop()
    for over, over_sources in reversed(chain):
        values, sources = _merge(values, over), {**sources, **over_sources}
    return values, sources


def _base(values: dict[str, Any], sources: dict[str, str], path: Path) -> Path | None:
    """The file that a config extends; `extends` is removed from its values."""
    base, place = values.pop("extends", None), sources.pop("extends", told(path))
    if isinstance(base, Spelled):
        base = base.text
    if base is not None and not isinstance(base, str):
        raise ConfigError(f"{place}: extends: must be the name of one file")
    return None if base is None else find_base(path, base)


def _parsed(path: Path, text: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The values of one file as written, and the file and line of each."""
    try:
        document = parse(text)
    except YamlMistake as mistake:
        place = told(path) if mistake.line is None else f"{told(path)}:{mistake.line}"
        raise ConfigError(f"{place}: {mistake}") from None
    if not isinstance(document.value, dict):
        raise ConfigError(
            f"{told(path)}: a config has sections such as 'data:', but this file has none"
        )
    return document.value, {key: f"{told(path)}:{line}" for key, line in document.lines.items()}


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            value = _merge(old, value)
        merged[key] = value
    return merged


def _apply(values: dict[str, Any], sources: dict[str, str], override: str) -> None:
    """Set the value of a `section.key=value` override."""
    *sections, last = _path(override)
    key, _, text = override.partition("=")
    place = values
    for depth, section in enumerate(sections, start=1):
        if place.get(section) is None:
            place[section] = {}
            sources.setdefault(".".join(sections[:depth]), COMMAND_LINE)
        inner = place[section]
        if not isinstance(inner, dict):
            raise ConfigError(f"command line: {key}: '{section}' is a value, not a section")
        place = inner
    place[last] = _value(key, text)
    for inner in [name for name in sources if name.startswith(f"{key}.")]:
        del sources[inner]  # the override replaced the whole section
    sources[key] = COMMAND_LINE


def _path(override: str) -> list[str]:
    """The nested sections and, last, the key that an override names."""
    key, equals, _ = override.partition("=")
    names = key.split(".")
    if not equals or not all(names) or len(names) > DEEPEST or len(key) > LONGEST_KEY:
        raise ConfigError(f"'{printable(override)}' is not an override; write section.key=value")
    return names


def _value(key: str, text: str) -> Any:
    try:
        return parse(text, inside=f"{key}.").value
    except YamlMistake as mistake:
        raise ConfigError(
            f"command line: {key}: cannot read '{printable(text, most=60)}': {mistake}"
        ) from None
