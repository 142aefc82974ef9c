"""Which config changes a resumed run accepts: those on which its weights do not depend."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nmt.checkpoint.shareable import shareable_values
from nmt.config import Config, TrainingConfig
from nmt.config.differences import differences
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
    """Log the changes that are accepted, and refuse the others.

    otherwise: the alternative to undoing the change, for the message

    Raises:
        ConfigError: lists every key that would make it another training.
    """
    changed = [
        (key, f"{key} was {old}, is {new}")
        for key, old, new in differences(_as_kept(before), _as_kept(now))
    ]
    fixed = [text for key, text in changed if not key.startswith(FREE)]
    if fixed:
        raise ConfigError(
            f"the config differs from that of the run ({path}): {'; '.join(fixed)}; undo the "
            f"change to resume, or {otherwise}"
        )
    for key, text in changed:
        log.info("changed since the run began: %s", text)
        if key in ENDS:
            for schedule in _schedules_to_the_end(now.training):
                log.warning(
                    "the %s depends on the end of the training, which changed: the run continues, "
                    "but to other weights than it would have reached",
                    schedule,
                )


def same_config(one: Config, other: Config) -> bool:
    """Whether two configs are equal, also if one was stored in a run."""
    return _as_kept(one) == _as_kept(other)


def _as_kept(config: Config) -> dict[str, Any]:
    """The values of a config as a run stores them: without the user's home folder."""
    return shareable_values(config.model_dump(mode="json"))


def check_budget(before: Config, now: Config, path: Path, *, otherwise: str) -> None:
    """Refuse a budget that a run did not have and cannot get: a leaderboard would report it.

    Raises:
        ConfigError: it ends earlier, or changes an end on which a schedule depends.
    """
    for key in (*ENDS, "training.max_minutes"):
        name = key.removeprefix("training.")
        old, new = getattr(before.training, name), getattr(now.training, name)
        if old == new:
            continue
        moved = [*_schedules_to_the_end(before.training)] if key in ENDS else []
        if moved or (new is not None and (old is None or new < old)):
            why = f"the {moved[0]} depends on it" if moved else "it may have had more than that"
            raise ConfigError(
                f"{key} is {new}, but the run ({path}) was trained with {old}, and {why}: set it "
                f"back, or {otherwise}"
            )


def _schedules_to_the_end(training: TrainingConfig) -> Iterator[str]:
    if training.schedule in NEEDS_END:
        yield f"learning-rate schedule '{training.schedule}'"
    if training.teacher_forcing_schedule != "constant":
        yield f"teacher-forcing schedule '{training.teacher_forcing_schedule}'"
