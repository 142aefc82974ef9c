"""The members of a sweep: comparable configs, each with its run."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nmt.checkpoint.run import Run
from nmt.config import Config, Loaded, load
from nmt.config.differences import differences
from nmt.data.corpus.types import SplitName
from nmt.errors import UsageError
from nmt.files import resolve_link
from nmt.models.wording import counted
from nmt.workflows.train.resume import check_budget, check_changes, same_config
from nmt.workflows.train.validate import check_model


@dataclass(frozen=True)
class Member:
    """One config of a sweep."""

    run: Run
    config: Config
    written: Path
    """The file of the config."""
    loaded: Loaded | None = None
    """The config with its sources, for training; None if only the run is known."""

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def as_trained(self) -> "Member":
        """The same with the config of its run, if there is one."""
        return replace(self, config=self.run.read_config()) if self.started else self

    @property
    def started(self) -> bool:
        """Whether there is a run, finished or not."""
        return self.run.resolved.exists()

    @property
    def finished(self) -> bool:
        """Whether the run is finished and evaluated, with exactly this config."""
        return self.run.card.exists() and same_config(self.run.read_config(), self.config)


def members(paths: Sequence[Path], overrides: Sequence[str], folder: Path) -> list[Member]:
    """Read and check all configs, before the first of them is trained.

    Raises:
        ConfigError: a config is wrong, or differs from the one that its run was started with.
        UsageError: the configs do not fit each other, or a folder is in the way.
    """
    by_name: dict[str, Member] = {}
    for path in paths:
        loaded = load(path, overrides)
        check_model(loaded)
        name = loaded.config.name
        if name in by_name:
            raise UsageError(
                f"{by_name[name].written} and {path} are both named '{name}', so their runs would "
                "be one folder: give each config a name of its own"
            )
        run = Run(resolve_link(folder / name))
        by_name[name] = Member(run, loaded.config, path, loaded)
    chosen = list(by_name.values())
    refuse_other_corpora(chosen)
    measured_split(chosen)
    for member in chosen:
        _refuse_other_run(member)
    return chosen


def members_found(folder: Path) -> list[Member]:
    """The runs in a folder, each by its own config.

    Raises:
        UsageError: there is none.
    """
    runs = [Run(path.parent) for path in sorted(folder.glob("*/config.resolved.yaml"))]
    if not runs:
        raise UsageError(f"{folder} holds no runs: name the configs to train, or another --folder")
    members = [Member(run, run.read_config(), run.folder) for run in runs]
    refuse_other_corpora(members)
    return members


def refuse_other_corpora(chosen: Sequence[Member]) -> None:
    """Refuse different corpora: a leaderboard of them would compare the corpora.

    Raises:
        UsageError: names the first two members that differ, and in what.
    """
    first, *others = chosen
    for other in others:
        for key, mine, theirs in differences(_corpus(first.config), _corpus(other.config)):
            raise UsageError(
                f"{first.written} and {other.written} use different corpora: {key} is "
                f"{json.dumps(mine)} and {json.dumps(theirs)}; make them equal, or override it for "
                "all on the command line"
            )


def measured_split(chosen: Sequence[Member]) -> SplitName:
    """The split that all are evaluated on: test, if it is one of them.

    Raises:
        UsageError: there is none.
    """
    common = [
        split
        for split in chosen[0].config.evaluation.splits
        if all(split in member.config.evaluation.splits for member in chosen)
    ]
    if not common:
        listing = "; ".join(
            f"{member.written}: [{', '.join(member.config.evaluation.splits)}]" for member in chosen
        )
        raise UsageError(
            "there is no split that all configs evaluate: add evaluation.splits=[test] "
            f"(evaluation.splits of {listing})"
        )
    return "test" if "test" in common else common[0]


def _corpus(config: Config) -> dict[str, Any]:
    """Everything that decides which sentences are in which split."""
    values: dict[str, Any] = {"data": config.data.model_dump(mode="json")}
    if config.data.max_pairs is not None:
        values["seed"] = config.seed  # it selects the pairs
    return values


def _refuse_other_run(member: Member) -> None:
    folder = member.run.folder
    if not folder.exists():
        return
    if not member.run.empty and not member.run.exists:
        raise UsageError(
            f"{folder} is not a run of nmt{member.run.why_not()}, and is left as it is: "
            "name another --folder"
        )
    if member.started:
        for check in (check_changes, check_budget):
            check(
                member.run.read_config(),
                member.config,
                member.run.resolved,
                otherwise=f"delete {folder} to retrain it, or sweep into another --folder",
            )


def budget(config: Config) -> str:
    """What ends a training, and the tokens per update."""
    training = config.training
    limits = (
        (training.epochs, "epoch"),
        (training.max_steps, "step"),
        (training.max_minutes, "minute"),
    )
    ends = [counted(count, unit) for count, unit in limits if count is not None]
    update = training.batch_tokens * training.accumulate
    return f"at most {' or '.join(ends)}, updates of {update:,} tokens"
