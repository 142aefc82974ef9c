"""What may change between a run and its resumption: little that the weights depend on."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nmt.checkpoint.shareable import shareable_values
from nmt.config import Config, TrainingConfig
from nmt.errors import ConfigError
from nmt.training.schedules import NEEDS_END

log = logging.getLogger(__name__)

ENDS = ("training.epochs", "training.max_steps")
FREE = (
    "name", "device", "decoding", "evaluation", "training.epochs", "training.max_steps",
    "training.max_minutes", "training.patience", "training.log_every", "training.samples",
    "training.tensorboard", "training.keep_checkpoints", "training.checkpoint_every",
)  # fmt: skip


def check_changes(
    before: Config,
    now: Config,
    path: Path,
    *,
    otherwise: str = "retrain with --overwrite or another --run-dir",
) -> None:
    """Say what changed that may, and refuse what may not.

    otherwise: what else to do than to change it back.

    Raises:
        ConfigError: lists every key that would make it another training.
    """
    changed = list(_differences(_as_kept(before), _as_kept(now), ""))
    fixed = [text for key, text in changed if not key.startswith(FREE)]
    if fixed:
        raise ConfigError(
            f"the config is not the one of the run ({path}): {'; '.join(fixed)}; change it back "
            f"to resume, or {otherwise}"
        )
    for key, text in changed:
        log.info("changed since the run began: %s", text)
        if key in ENDS:
            for schedule in _towards_the_end(now.training):
                log.warning(
                    "the %s leads to the end, which moves: the run goes on, but not to the weights "
                    "that it would have had",
                    schedule,
                )


def same_config(one: Config, other: Config) -> bool:
    """Whether two configs ask for the same, one of them perhaps as a run keeps it."""
    return _as_kept(one) == _as_kept(other)


def _as_kept(config: Config) -> Any:
    """The values of a config as a run keeps them: without the user's home folder."""
    return shareable_values(config.model_dump(mode="json"))


def check_budget(before: Config, now: Config, path: Path, *, otherwise: str) -> None:
    """Refuse a budget that its run has not had and will not have: a table would tell of it.

    Raises:
        ConfigError: it ends earlier, or moves the end that a schedule led to.
    """
    for key in (*ENDS, "training.max_minutes"):
        name = key.removeprefix("training.")
        old, new = getattr(before.training, name), getattr(now.training, name)
        if old == new:
            continue
        moved = [*_towards_the_end(before.training)] if key in ENDS else []
        if moved or (new is not None and (old is None or new < old)):
            why = f"the {moved[0]} led to that end" if moved else "it may have had more than that"
            raise ConfigError(
                f"{key} is {new}, but the run ({path}) was trained with {old}, and {why}: set it "
                f"back, or {otherwise}"
            )


def _towards_the_end(training: TrainingConfig) -> Iterator[str]:
    if training.schedule in NEEDS_END:
        yield f"learning-rate schedule '{training.schedule}'"
    if training.teacher_forcing_schedule != "constant":
        yield f"teacher-forcing schedule '{training.teacher_forcing_schedule}'"


def _differences(before: Any, now: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(before, dict) and isinstance(now, dict):
        for name in before:
            yield from _differences(before[name], now.get(name), f"{key}.{name}".lstrip("."))
    elif before != now:
        yield key, f"{key} was {before}, is {now}"
