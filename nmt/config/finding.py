"""Where a config lies, and its text: of a file, a pipe, standard input, or shipped with nmt."""

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
"""Where a user may believe a shipped config to be."""

STANDARD_INPUT = Path("-")
SUFFIXES = (".yaml", ".yml")


def shipped() -> dict[str, Path]:
    """The configs that come with nmt, those of the lecture too, by name."""
    return {file.stem: file for folder in CONFIG_FOLDERS for file in sorted(folder.rglob("*.yaml"))}


def find(path: Path) -> Path:
    """The file or pipe that a user means, whose own files go before those that come with nmt.

    Raises:
        ConfigError: there is none.
    """
    if path == STANDARD_INPUT:
        return path
    for likely in _likely(path):
        if _exists(likely) and not likely.is_dir():
            return likely
    known = shipped()
    found = _shipped_as(path, known)
    if found is not None:
        return found
    if path.is_dir():
        raise ConfigError(f"{_shown(path)} is a folder, not a config file")
    raise ConfigError(f"no config file {_shown(path)}; {unknown('config', path.stem, known)}")


def find_base(path: Path, base: str) -> Path:
    """The ordinary file that `extends: base` in the config at `path` means.

    Raises:
        ConfigError: there is none.
    """
    folder = Path() if is_stream(path) else path.parent
    named = folder / base
    for likely in _likely(named):
        if _exists(likely) and likely.is_file() and not _same(likely, path):
            return likely
    found = _shipped_as(Path(base), shipped())
    if found is not None and not _same(found, path):
        return found
    if not _exists(named):
        raise ConfigError(f"{path}: extends {printable(base)}, but there is no {_shown(named)}")
    if not named.is_file():
        raise ConfigError(f"{path}: extends {printable(base)}, which is not an ordinary file")
    return named  # the config itself, which the caller refuses


def read_text(path: Path) -> str:
    """The text of a config that a user named, from a pipe or a device as well.

    Raises:
        ConfigError: it cannot be read, is too large, or is not UTF-8.
    """
    try:
        if path == STANDARD_INPUT:
            found = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with path.open("rb") as file:
                found = file.read(LARGEST + 1)
    except (OSError, AttributeError) as error:  # standard input may be closed
        why = error.strerror if isinstance(error, OSError) else "it is closed"
        raise ConfigError(f"cannot read {told(path)}: {why}") from error
    return _decoded(path, found)


def read_file(path: Path) -> str:
    """The text of a config that another file named, and so an ordinary file: no pipe or device.

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
    """Whether a config can be read only once and has no folder of its own, such as a pipe."""
    return path == STANDARD_INPUT or (path.exists() and not path.is_file())


def told(path: Path) -> str:
    """How messages name it."""
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


def _likely(path: Path) -> list[Path]:
    """A path as it is written, and with the suffix that was left out."""
    if path.suffix or not path.name:
        return [path]
    return [path, *(path.with_name(f"{path.name}{suffix}") for suffix in SUFFIXES)]


def _shipped_as(path: Path, known: Mapping[str, Path]) -> Path | None:
    """The shipped config of that name, if it may be meant: nmt may lie elsewhere, installed."""
    if path.parent.as_posix() in SHIPPED_IN and path.suffix in ("", *SUFFIXES):
        return known.get(path.stem)
    return None


def _exists(path: Path) -> bool:
    """Whether there is such a file or folder; a name that no system allows is not a file.

    Raises:
        ConfigError: the system does not let us look.
    """
    try:
        return path.exists()
    except ValueError:  # a zero in the name, or half a surrogate pair
        return False
    except OSError as error:
        raise ConfigError(f"cannot read {_shown(path)}: {error.strerror}") from None


def _same(one: Path, other: Path) -> bool:
    return not is_stream(other) and one.exists() and one.samefile(other)


def _shown(path: Path) -> str:
    return printable(str(path))
