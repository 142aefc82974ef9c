"""The run folder, which holds all the files of one training run."""

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nmt.checkpoint.shareable import shareable
from nmt.checkpoint.state import read_state
from nmt.config import Config, Loaded, load
from nmt.errors import CheckpointError, ConfigError, UsageError, WriteError
from nmt.files import (
    draft_path,
    drafted_name,
    make_link,
    os_errors_as_write_error,
    read_json,
    remove_drafts,
    resolve_link,
    restore_folder,
    settle_folders,
    write_json,
    write_text,
)
from nmt.locks import only_process

log = logging.getLogger(__name__)
LATEST = Path("runs") / "latest"
FORMAT = "nmt.run/1"
EXPORT_DESCRIPTION = "export.json"  # marks a standalone export, which can be opened like a run


@dataclass(frozen=True)
class Run:
    """The paths in `runs/NAME`."""

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
    def texts(self) -> Path:
        """The validation and test text, after cleaning."""
        return self.folder / "data"

    @property
    def export(self) -> Path:
        return self.folder / "export"

    @property
    def shortlist(self) -> Path:
        """The likeliest target pieces of each source piece."""
        return self.folder / "shortlist.safetensors"

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
        names = (path.name.removeprefix("step-") for path in self.checkpoints.glob("step-*"))
        return sorted(int(name) for name in names if _is_number(name) and self._holds(name))

    def _holds(self, step: str) -> bool:
        return self.step(int(step)).is_dir()

    def checkpoint(self, which: str = "best") -> Path:
        """The folder of `best`, `last`, or a step's number.

        Raises:
            CheckpointError: there is none.
        """
        folder = self.step(int(which)) if _is_number(which) else self._pointed(which)
        restore_folder(folder)
        if not which or Path(which).name != which or not folder.is_dir():
            known = ", ".join(map(str, self.steps())) or "none"
            raise CheckpointError(
                f"{self.folder} has no checkpoint '{which}' (steps there: {known}); "
                "train it, or wait for its first validation"
            )
        return folder

    def _pointed(self, which: str) -> Path:
        """The checkpoint that `best` or `last` names, even if copying the run lost the links."""
        folder = resolve_link(self.checkpoints / which)
        steps = self.steps()
        if folder.is_dir() or not steps or which not in ("best", "last"):
            return folder
        newest = self.step(steps[-1])
        if which == "last":
            return newest
        try:
            return self.step(int(read_state(newest)["best_step"]))
        except (CheckpointError, KeyError, TypeError, ValueError):
            return folder

    def keep(self, *, newest: int, best: int) -> None:
        """Point `last` and `best` at their steps, and delete the older checkpoints.

        Raises:
            WriteError: a link cannot be made, or a checkpoint cannot be deleted.
        """
        for which in ("last", "best"):
            self._restore_link(which)
        steps = self.steps()
        make_link(self.checkpoints / "last", f"step-{steps[-1]}", root=self.folder)
        if best in steps:
            make_link(self.checkpoints / "best", f"step-{best}", root=self.folder)
        for number in steps[:-newest]:
            if number != best:
                self._delete(self.step(number))

    def _restore_link(self, which: str) -> None:
        """Turn a link that a copy replaced by a folder back into the folder of its step."""
        link = self.checkpoints / which
        if link.is_dir() and not link.is_symlink():
            original = self.step(int(read_state(link)["step"]))
            if not original.exists():
                with os_errors_as_write_error(link):
                    link.rename(original)

    def _delete(self, checkpoint: Path) -> None:
        """Rename the checkpoint before deleting it, so that half of it never passes for whole."""
        doomed = draft_path(checkpoint)
        with os_errors_as_write_error(checkpoint):
            checkpoint.rename(doomed)
            shutil.rmtree(doomed)

    @property
    def exists(self) -> bool:
        """Whether the folder is a run: it has nmt's manifest, whether or not training finished."""
        try:
            self._manifest()
        except CheckpointError:
            return False
        return True

    def why_not(self) -> str:
        """Why a folder that has a manifest is still not a run, in brackets; empty otherwise."""
        try:
            self._manifest()
        except CheckpointError as error:
            return f" ({error})" if self.manifest.exists() else ""
        return ""

    @property
    def empty(self) -> bool:
        """Whether the folder is missing, or holds only what a killed process left."""
        if not self.folder.exists():
            return True
        if not self.folder.is_dir():
            return False
        return all(
            path.name == LOCK or drafted_name(path.name) is not None
            for path in self.folder.iterdir()
        )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only process that trains in this folder, and clean up after a killed one.

        Folders created only for the lock are removed again.

        Raises:
            UsageError: another process trains in it; the message names host, process id and time.
            WriteError: the folder cannot be made or written.
        """
        missing = [path for path in (self.folder, *self.folder.parents) if not path.exists()]
        try:
            with os_errors_as_write_error(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
            with _lock_errors(self.folder), only_process(self.folder / LOCK, str(self.folder)):
                self._clear()
                yield
        finally:
            for folder in missing:
                with suppress(OSError):  # something was written into it
                    folder.rmdir()

    def clear(self) -> None:
        """Clean up after a killed process, unless the run is in use or cannot be written."""
        with suppress(UsageError, WriteError), self.locked():
            pass

    def _clear(self) -> None:
        """Remove drafts, and restore folders that were set aside."""
        for folder in (self.folder, *self.folder.rglob("*")):
            if folder.is_dir() and not folder.is_symlink():
                remove_drafts(folder)
                settle_folders(folder)

    def delete(self) -> None:
        """Delete all files that nmt writes into a run, before a new one; other files stay."""
        own = (
            self.config, self.resolved, self.tokenizer, self.checkpoints, self.metrics, self.log,
            self.tensorboard, self.samples, self.card, self.translations.parent, self.texts,
            self.export, self.shortlist, self.folder / "evaluation", self.manifest,
        )  # fmt: skip
        with os_errors_as_write_error(self.folder):
            for path in own:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)

    def finish(self) -> None:
        """Point `runs/latest` here, the run that commands use when none is named.

        If the link cannot be written, only a warning is logged: the run itself is complete.
        """
        try:
            if LATEST.is_dir() and not LATEST.is_symlink():
                raise WriteError(f"{LATEST} is a folder, not a link: rename it")
            make_link(LATEST, os.path.relpath(self.folder, LATEST.parent))
        except WriteError as error:
            log.warning(
                "the run is finished, but runs/latest does not point to it (%s); use --run %s",
                error,
                self.folder,
            )

    def read_config(self) -> Config:
        """The resolved config.

        Raises:
            CheckpointError: it is missing or not a config of this version.
        """
        if not self.resolved.exists():
            raise CheckpointError(
                f"{self.folder} is not a complete run: {self.resolved.name} is missing"
            )
        try:
            return load(self.resolved, whole=True).config
        except ConfigError as error:
            raise CheckpointError(f"this version of nmt cannot read the run: {error}") from None

    def read_manifest(self) -> dict[str, Any]:
        """How the run was made: versions, host, seed and corpus.

        Raises:
            CheckpointError: it is missing, cut short, or was not written by nmt.
        """
        manifest = self._manifest()
        lacking = next((key for key, kind in MANIFEST.items() if not _has(manifest, key, kind)), "")
        if lacking:
            raise CheckpointError(
                f"{self.manifest} has no valid value for '{lacking}': it was changed, or written "
                "by another version of nmt"
            )
        return manifest

    def _manifest(self) -> dict[str, Any]:
        try:
            manifest = read_json(self.manifest)
        except FileNotFoundError:
            raise CheckpointError(
                f"{self.folder} is not a run folder: manifest.json is missing"
            ) from None
        except (OSError, ValueError):
            raise CheckpointError(
                f"{self.manifest} is not JSON, or was cut short: retrain the run"
            ) from None
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise CheckpointError(
                f"{self.manifest} was not written by this version of nmt ({FORMAT})"
            )
        return manifest

    def write_config(self, loaded: Loaded) -> None:
        """Save the config as it was given, and with all values; home folders become `~`."""
        write_text(self.config, shareable(loaded.text), root=self.folder)
        write_text(self.resolved, shareable(loaded.resolved()), root=self.folder)

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        write_json(self.manifest, {"format": FORMAT, **manifest}, root=self.folder)


LOCK = ".lock"
MANIFEST: dict[str, type | tuple[type, ...]] = {
    "nmt": str, "versions": dict, "versions.torch": str, "host.system": str, "created": str,
    "seed": int, "compute": str, "parameters": dict, "corpus.corpus": str,
    "corpus.config": (str, type(None)), "corpus.revision": (str, type(None)),
    "corpus.instead_of": (str, type(None)), "corpus.because": (str, type(None)),
    "corpus.pairs": dict, "corpus.splits": dict, "corpus.fingerprints.train": str,
    "corpus.fingerprints.validation": str, "corpus.fingerprints.test": str,
}  # fmt: skip
"""The manifest keys that the program reads, and the type of each value."""


def _has(manifest: dict[str, Any], key: str, kind: type | tuple[type, ...]) -> bool:
    value: Any = manifest
    for name in key.split("."):
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    if isinstance(value, dict) and key in ("parameters", "corpus.pairs"):
        return all(type(count) is int for count in value.values())
    return isinstance(value, kind) and (
        not isinstance(value, dict) or all(isinstance(text, str) for text in value.values())
    )


@contextmanager
def _lock_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if Path(str(error.filename)).name != LOCK:
            raise
        with os_errors_as_write_error(folder):
            raise


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def open_run(folder: Path | None) -> Run:
    """The run, or export, in `folder`, or the latest finished run.

    Raises:
        UsageError: there is none.
    """
    if folder is not None:
        for place in (folder, Path("runs") / folder):
            run = Run(resolve_link(place))
            if run.exists or (run.folder / EXPORT_DESCRIPTION).exists():
                return run
        raise UsageError(
            f"{folder} is not a run folder; train one: nmt train configs/luong.yaml"
            + Run(resolve_link(folder)).why_not()
        )
    if LATEST.exists():
        return Run(_relative(resolve_link(LATEST)))
    finished = [run for run in map(Run, sorted(LATEST.parent.glob("*"))) if _finished(run)]
    if len(finished) == 1:  # a copy that dropped the link
        return finished[0]
    if finished:
        names = ", ".join(run.folder.as_posix() for run in finished)
        raise UsageError(f"{LATEST} is missing, and there are several runs: name one of {names}")
    raise UsageError(
        f"no trained run here ({LATEST} is missing); train one: nmt train configs/luong.yaml, "
        "or name a run folder"
    )


def _finished(run: Run) -> bool:
    return run.card.exists() and run.exists


def _relative(folder: Path) -> Path:
    """The folder relative to the current one, if it lies below it."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder
