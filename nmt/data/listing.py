"""Which files of a data set make up which split of which config: asked of `datasets`."""

import logging
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from nmt.config import DataConfig
from nmt.data.network import quiet_libraries
from nmt.errors import DataError, unknown

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Listing:
    """One config of a data set."""

    name: str
    files: dict[str, list[str]]
    """Split -> paths in the repository."""
    declared: dict[str, int]
    """Split -> rows, where the card tells."""
    builder: Any
    """The `datasets` builder, for files that are no Parquet."""

    @property
    def all_parquet(self) -> bool:
        return all(path.endswith(".parquet") for paths in self.files.values() for path in paths)


def list_files(config: DataConfig, commit: str, paths: list[str], scratch: Path) -> Listing:
    """Find the config that is asked for, or the only one that fits, and its files.

    Raises:
        DataError: there is no such config, no file, or only a script.
    """
    _refuse_script(config.corpus, paths)
    import datasets  # takes a second, and is not needed where there is a copy

    quiet_libraries()
    corpus, options = config.corpus, {"revision": commit, "cache_dir": str(scratch)}
    declared = datasets.get_dataset_config_names(corpus, **options)
    name = choose_config(config, declared, _folders(paths))
    part = {"name": name} if name in declared else {"data_dir": name}
    builder = datasets.load_dataset_builder(corpus, **part, **options)
    if name not in declared:
        log.info("%s: no config '%s' is declared; reading its folder", corpus, name)
    rows = {split: info.num_examples for split, info in (builder.info.splits or {}).items()}
    files = {
        str(split): [_path(url, commit) for url in urls]
        for split, urls in builder.config.data_files.items()
    }
    return Listing(name, files, {split: n for split, n in rows.items() if n}, builder)


def choose_config(config: DataConfig, declared: list[str], folders: list[str]) -> str:
    """The config to read: the one asked for, the same with languages swapped, or what fits.

    Raises:
        DataError: it is not there, or several would do; the text lists them.
    """
    pair = (f"{config.source}-{config.target}", f"{config.target}-{config.source}")
    there = declared if declared != ["default"] else [*declared, *folders]
    if config.config is not None:
        for wanted in (config.config, _swapped(config.config, pair)):
            if wanted in there:
                if wanted != config.config:
                    log.warning(
                        "%s: no config '%s', using '%s'", config.corpus, config.config, wanted
                    )
                return wanted
        raise DataError(f"{unknown('config', config.config, _shortened(there))}; set data.config")
    exact = [name for name in pair if name in there]
    fitting = exact[:1] or [name for name in there if _swapped(name, pair) != name]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting and (len(declared) == 1 or "default" in declared):
        return "default" if "default" in declared else declared[0]
    names = ", ".join(_shortened(sorted(fitting or there)))
    raise DataError(f"several configs would do; set data.config to one of: {names}")


def _swapped(name: str, pair: tuple[str, str]) -> str:
    """`fr-en` for `en-fr`, also inside a longer name."""
    there, back = pair
    return re.sub(
        rf"(?<![a-z])({re.escape(there)}|{re.escape(back)})(?![a-z])",
        lambda found: back if found[0] == there else there,
        name,
    )


def _shortened(names: list[str], most: int = 30) -> list[str]:
    return names if len(names) <= most else [*names[:most], f"and {len(names) - most} more"]


def _folders(paths: list[str]) -> list[str]:
    """The top folders that hold data: the configs of a converted script data set."""
    parts = (PurePosixPath(path).parts for path in paths if path.endswith(".parquet"))
    return sorted({folders[0] for folders in parts if len(folders) > 1})


def _refuse_script(corpus: str, paths: list[str]) -> None:
    script = f"{corpus.split('/')[-1]}.py"
    if script in paths:
        raise DataError(
            f"it is made by a script ({script}), and datasets 4 and later run none; "
            "try data.revision: refs/convert/parquet, or choose another data set"
        )


def _path(url: str, commit: str) -> str:
    """`data/train.parquet` out of `hf://datasets/owner/name@commit/data/train.parquet`."""
    return url.split(f"@{commit}/", 1)[-1]
