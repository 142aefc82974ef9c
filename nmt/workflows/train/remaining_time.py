"""The time that a training still needs, from how fast it has been of late."""

import statistics
from collections import deque
from dataclasses import dataclass
from math import lcm

from nmt.config import TrainingConfig

WARM_UP = 10  # updates in which memory is first touched and most code is generated
BLOCK_UPDATES, BLOCK_SECONDS = 10, 1.0  # a block has at least both
BLOCKS, ENOUGH = 20, 3  # blocks of the window, and those of the first estimate
PAUSES = 3  # validations and checkpoints that are remembered


class RecentPace:
    """Seconds per update, over a window of recent ones.

    The window consists of blocks of consecutive updates, and the pace is the median of the blocks'
    means: a stretch in which the machine did something else changes little while it is shorter than
    half of the window. A mean within a block, because short and long batches take turns.
    """

    def __init__(self) -> None:
        self._seen, self._updates, self._seconds = 0, 0, 0.0
        self._blocks = deque[float](maxlen=BLOCKS)

    def add(self, seconds: float) -> None:
        self._seen += 1
        if self._seen <= WARM_UP:
            return
        self._updates += 1
        self._seconds += seconds
        if self._updates >= BLOCK_UPDATES and self._seconds >= BLOCK_SECONDS:
            self._blocks.append(self._seconds / self._updates)
            self._updates, self._seconds = 0, 0.0

    @property
    def seconds_per_update(self) -> float | None:
        """None until there are enough blocks."""
        return statistics.median(self._blocks) if len(self._blocks) >= ENOUGH else None


@dataclass(frozen=True)
class Remaining:
    """An estimate: the work to come and its time."""

    seconds: float
    updates: int
    validations: int
    """Early stopping may spare some of the updates and validations."""
    validations_timed: bool
    """Whether `seconds` includes the validations: there was one to time."""


class RemainingTime:
    """Updates, validations and checkpoints are timed apart: each has its own number to come."""

    def __init__(
        self, config: TrainingConfig, *, updates_per_epoch: int, updates: int | None
    ) -> None:
        self.config, self.updates = config, updates
        self.validate_every = config.validate_every or updates_per_epoch
        self._pace = RecentPace()
        self._validations = deque[float](maxlen=PAUSES)
        self._checkpoints = deque[float](maxlen=PAUSES)

    def updated(self, seconds: float) -> None:
        self._pace.add(seconds)

    def validated(self, seconds: float) -> None:
        self._validations.append(seconds)

    def saved(self, seconds: float) -> None:
        self._checkpoints.append(seconds)

    def estimate(self, step: int, *, validated: int) -> Remaining | None:
        """The time from `step` to the last update; None if that or the pace is not known yet.

        validated: the step of the last validation
        """
        pace = self._pace.seconds_per_update
        if pace is None or self.updates is None:
            return None
        updates = max(self.updates - step, 0)
        validations = self._validations_to_come(self.updates, step, validated)
        checkpoints = validations + self._checkpoints_between_validations(self.updates, step)
        seconds = (
            updates * pace
            + validations * _typical(self._validations)
            + checkpoints * _typical(self._checkpoints)
        )
        return Remaining(seconds, updates, validations, bool(self._validations))

    def _validations_to_come(self, updates: int, step: int, validated: int) -> int:
        """The one due at `step` included, and the one that follows the last update."""
        every = self.validate_every
        done = step if validated == step else step - 1
        final = updates % every != 0 and done < updates
        return max(updates // every - done // every, 0) + final

    def _checkpoints_between_validations(self, updates: int, step: int) -> int:
        """A validation saves anyway, also where a checkpoint is due."""
        every = self.config.checkpoint_every
        if every is None or step >= updates:
            return 0
        together = lcm(every, self.validate_every)
        last = updates % every == 0 and updates % together != 0
        return (updates // every - step // every) - (updates // together - step // together) - last


def _typical(seconds: deque[float]) -> float:
    return statistics.median(seconds) if seconds else 0.0
