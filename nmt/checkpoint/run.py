"""A run's folder: where everything of one training lies."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nmt.config import Config, Loaded, load
from nmt.errors import CheckpointError, ConfigError, UsageError
from nmt.files import make_link, resolve_link, write_json, write_text

LATEST = Path("runs") / "latest"


@dataclass(frozen=True)
class Run:
    """The places in `runs/NAME`."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def resolved(self) -> Path:
        return self.folder / "config.resolved.yaml"

    @property
    def manifest(self) -> Path:
        return self.folder / "manifest.json"

    @property
    def tokenizer(self) -> Path:
        return self.folder / "tokenizer"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def metrics(self) -> Path:
        return self.folder / "metrics.jsonl"

    @property
    def log(self) -> Path:
        return self.folder / "train.log"

    @property
    def tensorboard(self) -> Path:
        return self.folder / "tensorboard"

    @property
    def samples(self) -> Path:
        return self.folder / "samples"

    @property
    def card(self) -> Path:
        return self.folder / "README.md"

    @property
    def translations(self) -> Path:
        """The attention of the last translations."""
        return self.folder / "translations" / "attention.jsonl"

    def evaluation(self, split: str) -> Path:
        return self.folder / "evaluation" / split

    def step(self, number: int) -> Path:
        return self.checkpoints / f"step-{number}"

    def steps(self) -> list[int]:
        """The steps of all checkpoints, oldest first."""
        found = (path.name.removeprefix("step-") for path in self.checkpoints.glob("step-*"))
        return sorted(int(number) for number in found if number.isdigit())

    def checkpoint(self, which: str = "best") -> Path:
        """The folder of `best`, `last`, or a step's number.

        Raises:
            CheckpointError: there is none.
        """
        link = self.checkpoints / which
        folder = self.step(int(which)) if which.isdigit() else resolve_link(link)
        if not folder.is_dir():
            known = ", ".join(map(str, self.steps())) or "none"
            raise CheckpointError(
                f"{self.folder} has no checkpoint '{which}' (steps there: {known}); "
                "train it, or wait for its first validation"
            )
        return folder

    def keep(self, *, newest: int, best: int) -> None:
        """Point `last` and `best` at their steps, and delete the older checkpoints."""
        steps = self.steps()
        make_link(self.checkpoints / "last", f"step-{steps[-1]}")
        if best in steps:
            make_link(self.checkpoints / "best", f"step-{best}")
        for number in steps[:-newest]:
            if number != best:
                shutil.rmtree(self.step(number))

    def finish(self) -> None:
        """Make this `runs/latest`, seen from here: what commands take when no run is named."""
        make_link(LATEST, os.path.relpath(self.folder, LATEST.parent))

    def read_config(self) -> Config:
        """The resolved config.

        Raises:
            CheckpointError: it is missing or no config of this version.
        """
        if not self.resolved.exists():
            raise CheckpointError(f"{self.folder} is no run: it has no {self.resolved.name}")
        try:
            return load(self.resolved).config
        except ConfigError as error:
            raise CheckpointError(f"this version of nmt cannot read the run: {error}") from None

    def read_manifest(self) -> dict[str, Any]:
        """What is known of how the run came about."""
        try:
            found = json.loads(self.manifest.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise CheckpointError(f"{self.folder} is no run: it has no manifest.json") from None
        except ValueError:
            raise CheckpointError(
                f"{self.manifest} is no JSON, or was cut short: train the run anew"
            ) from None
        if not isinstance(found, dict) or "corpus" not in found:
            raise CheckpointError(f"{self.manifest} was not written by nmt: train the run anew")
        return found

    def write_config(self, loaded: Loaded) -> None:
        """Keep the config as it was given, and with all its values."""
        write_text(self.config, loaded.text)
        write_text(self.resolved, loaded.resolved())

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        write_json(self.manifest, manifest)


def open_run(folder: Path | None) -> Run:
    """The run in `folder`, or the latest finished one.

    Raises:
        UsageError: there is none.
    """
    if folder is not None:
        place = resolve_link(folder)
        if not (place / "config.resolved.yaml").exists():
            named = Path("runs") / folder
            if (resolve_link(named) / "config.resolved.yaml").exists():
                return Run(resolve_link(named))
            raise UsageError(f"{folder} is no run folder; train one: nmt train configs/luong.yaml")
        return Run(place)
    if not LATEST.exists():
        raise UsageError(
            f"no trained run here ({LATEST} is missing); train one: nmt train configs/luong.yaml, "
            "or name a run folder"
        )
    return Run(_relative(resolve_link(LATEST)))


def _relative(folder: Path) -> Path:
    """As short as a person would write it."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder
