"""Find the config of a data set, and the files of each of its splits, with `datasets`."""

import logging
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from nmt.config import DataConfig
from nmt.data.corpus.types import SplitName
from nmt.data.formats.languages import primary
from nmt.data.hub.client import quiet_libraries
from nmt.errors import DataError, unknown

log = logging.getLogger(__name__)


USUAL_NAMES: dict[SplitName, tuple[str, ...]] = {
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "devtest"),
}


@dataclass(frozen=True)
class Listing:
    """One config of a data set."""

    name: str
    files: dict[str, list[str]]
    """Split -> paths in the repository."""
    declared: dict[str, int]
    """Split -> number of rows, if the data set's card declares it."""
    builder: Any
    """The `datasets` builder, for files other than Parquet."""
    configs: list[str]
    """The declared configs."""
    folders: list[str]
    """The top-level folders that hold data."""

    @property
    def all_parquet(self) -> bool:
        return all(path.endswith(".parquet") for paths in self.files.values() for path in paths)


def list_files(config: DataConfig, commit: str, paths: list[str], scratch: Path) -> Listing:
    """Find the requested config, or the only one that fits, and its files.

    Raises:
        DataError: there is no such config, no file, or only a script.
    """
    _refuse_script(config.corpus, paths)
    import datasets  # takes a second, and is not needed if there is a local copy

    quiet_libraries()
    corpus, options = config.corpus, {"revision": commit, "cache_dir": str(scratch)}
    declared = datasets.get_dataset_config_names(corpus, **options)
    folders = _folders(paths)
    name = choose_config(config, declared, folders)
    if config.config is not None and name != config.config:
        log.warning("%s: no config '%s', using '%s'", corpus, config.config, name)
    part = {"name": name} if name in declared else {"data_dir": name}
    builder = datasets.load_dataset_builder(corpus, **part, **options)
    if name not in declared:
        log.info("%s: no config '%s' is declared; reading its folder", corpus, name)
    rows = {split: info.num_examples for split, info in (builder.info.splits or {}).items()}
    files = {
        str(split): [_path(url, commit) for url in urls]
        for split, urls in builder.config.data_files.items()
    }
    known = {split: n for split, n in rows.items() if n}
    return Listing(name, files, known, builder, declared, folders)


def choose_config(config: DataConfig, declared: list[str], folders: list[str]) -> str:
    """The config to read: the requested one, the same with languages swapped, or one that fits.

    Raises:
        DataError: there is none, or the choice is ambiguous; the message lists the configs.
    """
    pair = _pair(config)
    available = declared if declared != ["default"] else [*declared, *folders]
    if config.config is not None:
        for name in (config.config, _swapped(config.config, pair)):
            if name in available:
                return name
        raise DataError(
            f"{unknown('config', config.config, _shortened(available))}; set data.config"
        )
    plain = (primary(config.source), primary(config.target))
    spelled = [pair, (f"{plain[0]}-{plain[1]}", f"{plain[1]}-{plain[0]}")]
    exact = [name for names in spelled for name in names if name in available]
    fitting = exact[:1] or [
        name for name in available if any(_swapped(name, names) != name for names in spelled)
    ]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting and (len(declared) == 1 or "default" in declared):
        return "default" if "default" in declared else declared[0]
    names = ", ".join(_shortened(sorted(fitting or available)))
    raise DataError(f"several configs would do; set data.config to one of: {names}")


def choose_splits(config: DataConfig, available: list[str]) -> dict[SplitName, str]:
    """Which split of the data set to use as which; validation and test may be missing.

    Raises:
        DataError: the data set lacks a split that the config names.
    """
    names = config.splits
    named = {"train": names.train, "validation": names.validation, "test": names.test}
    for key, name in named.items():
        if name is not None and name not in available:
            raise DataError(
                f"no split '{name}'; there are: {', '.join(_shortened(available))}; "
                f"set data.splits.{key}"
            )
    free = [name for name in available if name not in named.values()]
    chosen: dict[SplitName, str] = {"train": names.train}
    for split, usual in USUAL_NAMES.items():
        name = named[split] or next((name for name in usual if name in free), None)
        if name is not None:
            chosen[split] = name
    return chosen


def _pair(config: DataConfig) -> tuple[str, str]:
    return f"{config.source}-{config.target}", f"{config.target}-{config.source}"


def _swapped(name: str, pair: tuple[str, str]) -> str:
    """`fr-en` for `en-fr`, even inside a longer name."""
    forward, back = pair
    return re.sub(
        rf"(?<![a-z])({re.escape(forward)}|{re.escape(back)})(?![a-z])",
        lambda match: back if match[0] == forward else forward,
        name,
    )


def _shortened(names: list[str], most: int = 30) -> list[str]:
    return names if len(names) <= most else [*names[:most], f"and {len(names) - most} more"]


def _folders(paths: list[str]) -> list[str]:
    """The top-level folders that hold data: the configs of a converted script data set."""
    parts = (PurePosixPath(path).parts for path in paths if path.endswith(".parquet"))
    return sorted({folders[0] for folders in parts if len(folders) > 1})


def _refuse_script(corpus: str, paths: list[str]) -> None:
    script = f"{corpus.split('/')[-1]}.py"
    if script in paths:
        raise DataError(
            f"it is loaded by a script ({script}), which datasets 4 and later do not run; "
            "try data.revision: refs/convert/parquet, or choose another data set"
        )


def _path(url: str, commit: str) -> str:
    """`data/train.parquet` out of `hf://datasets/owner/name@commit/data/train.parquet`."""
    return url.split(f"@{commit}/", 1)[-1]
