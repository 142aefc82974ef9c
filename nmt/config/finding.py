"""Find and read a config: a file, a pipe, standard input, or one shipped with nmt."""

import sys
from collections.abc import Mapping
from pathlib import Path

from nmt.config.document import LARGEST
from nmt.errors import ConfigError, printable, unknown
from nmt.files import read_bytes

CONFIG_FOLDERS = (  # next to the package in a checkout, inside it in a wheel
    Path(__file__).parents[2] / "configs",
    Path(__file__).parents[1] / "configs",
)

SHIPPED_IN = (".", "configs", "lecture", "configs/lecture", "configs/lecture/vectors")
"""Folders in which a user may expect a shipped config."""

STANDARD_INPUT = Path("-")
SUFFIXES = (".yaml", ".yml")


def shipped() -> dict[str, Path]:
    """The configs that come with nmt, including those of the lecture, by name."""
    return {file.stem: file for folder in CONFIG_FOLDERS for file in sorted(folder.rglob("*.yaml"))}


def find(path: Path) -> Path:
    """The file or pipe that a user means; their own files win over those that come with nmt.

    Raises:
        ConfigError: there is no such file.
    """
    if path == STANDARD_INPUT:
        return path
    for candidate in _candidates(path):
        if _exists(candidate) and not candidate.is_dir():
            return candidate
    known = shipped()
    shipped_file = _shipped_as(path, known)
    if shipped_file is not None:
        return shipped_file
    if path.is_dir():
        raise ConfigError(f"{_shown(path)} is a folder, not a config file")
    if path.stem in known:
        hint = f"the one that comes with nmt is {path.stem}.yaml, without a folder"
    else:
        hint = unknown("config", path.stem, known)
    raise ConfigError(f"no config file {_shown(path)}; {hint}")


def find_base(path: Path, base: str) -> Path:
    """The ordinary file that `extends: base` refers to in the config at `path`.

    Raises:
        ConfigError: there is no such file, or it is not an ordinary one.
    """
    folder = Path() if is_stream(path) else path.parent
    named = folder / base
    for candidate in _candidates(named):
        if _exists(candidate) and candidate.is_file() and not _same(candidate, path):
            return candidate
    shipped_file = _shipped_as(Path(base), shipped())
    if shipped_file is not None and not _same(shipped_file, path):
        return shipped_file
    if not _exists(named):
        raise ConfigError(f"{path}: extends {printable(base)}, but there is no {_shown(named)}")
    if not named.is_file():
        raise ConfigError(f"{path}: extends {printable(base)}, which is not an ordinary file")
    return named  # the config itself, which the caller rejects


def read_text(path: Path) -> str:
    """The text of a config that a user named; it may be a pipe or a device.

    Raises:
        ConfigError: it cannot be read, is too large, or is not UTF-8.
    """
    try:
        if path == STANDARD_INPUT:
            content = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with path.open("rb") as file:
                content = file.read(LARGEST + 1)
    except (OSError, AttributeError) as error:  # standard input may be closed
        why = error.strerror if isinstance(error, OSError) else "it is closed"
        raise ConfigError(f"cannot read {told(path)}: {why}") from error
    return _decoded(path, content)


def read_file(path: Path) -> str:
    """The text of a config that another file named; it must be an ordinary file.

    Raises:
        ConfigError: it cannot be read, is too large, or is not UTF-8.
    """
    try:
        return _decoded(path, read_bytes(path, largest=LARGEST))
    except OSError as error:
        raise ConfigError(f"cannot read {told(path)}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{told(path)} has {error}, which no config has") from None


def is_stream(path: Path) -> bool:
    """Whether a config, such as a pipe, can be read only once and lies in no folder."""
    return path == STANDARD_INPUT or (path.exists() and not path.is_file())


def told(path: Path) -> str:
    """The name of a config in messages."""
    return "standard input" if path == STANDARD_INPUT else str(path)


def _decoded(path: Path, content: bytes) -> str:
    if len(content) > LARGEST:
        raise ConfigError(f"{told(path)} is larger than {LARGEST:,} bytes, which no config is")
    try:
        return content.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{told(path)}: not UTF-8 (byte {error.start}); save it as UTF-8"
        ) from error


def _candidates(path: Path) -> list[Path]:
    """A path as it is written, and with each suffix that may have been left out."""
    if path.suffix or not path.name:
        return [path]
    return [path, *(path.with_name(f"{path.name}{suffix}") for suffix in SUFFIXES)]


def _shipped_as(path: Path, known: Mapping[str, Path]) -> Path | None:
    """The shipped config that a path may mean, wherever nmt is installed."""
    if path.parent.as_posix() in SHIPPED_IN and path.suffix in ("", *SUFFIXES):
        return known.get(path.stem)
    return None


def _exists(path: Path) -> bool:
    """Whether there is such a file or folder; False for a name that no system allows.

    Raises:
        ConfigError: the system refuses to say.
    """
    try:
        return path.exists()
    except ValueError:  # a null byte or a lone surrogate in the name
        return False
    except OSError as error:
        raise ConfigError(f"cannot read {_shown(path)}: {error.strerror}") from None


def _same(one: Path, other: Path) -> bool:
    return not is_stream(other) and one.exists() and one.samefile(other)


def _shown(path: Path) -> str:
    return printable(str(path))
