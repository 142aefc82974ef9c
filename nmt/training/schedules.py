"""The learning rate over time, as a factor of the configured one: one registered function each.

Every schedule rises in a line to 1 over the warm-up; what follows is the registered function's.
None keeps state, so that a resumed training continues on the same curve.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from nmt.errors import ConfigError
from nmt.registry import Registry


@dataclass(frozen=True)
class SchedulePoint:
    """Where a training stands."""

    step: int
    """The update that is about to happen, from 1."""
    warmup: int
    total: int | None
    """Updates of the whole training, where that is known."""
    bad_validations: int = 0
    """Validations so far without a better score."""

    @property
    def share(self) -> float:
        """How much of the way from the warm-up to the end is done before this update, 0 to 1.

        It is 0 in the first update after the warm-up and 1 only after the last, so that no update
        has a learning rate of 0.
        """
        assert self.total is not None
        done = max(self.step - 1 - self.warmup, 0)
        return min(done / max(self.total - self.warmup, 1), 1.0)


schedules: Registry[Callable[[SchedulePoint], float]] = Registry("learning-rate schedule")
NEEDS_END = {"linear", "cosine"}


def factor(name: str, moment: SchedulePoint) -> float:
    """What the learning rate is multiplied by.

    >>> [factor("inverse_sqrt", SchedulePoint(s, warmup=100, total=None)) for s in (50, 100, 400)]
    [0.5, 1.0, 0.5]
    """
    if moment.step < moment.warmup:
        return moment.step / moment.warmup
    return schedules[name](moment)


def check(name: str, total: int | None) -> None:
    """Refuse a schedule that cannot work.

    Raises:
        ConfigError: it is unknown, or falls towards an end that the config does not set.
    """
    schedules[name]
    if name in NEEDS_END and total is None:
        raise ConfigError(
            f"training.schedule '{name}' falls towards the end of the training: "
            "set training.epochs or training.max_steps"
        )


@schedules.register("constant")
def constant(moment: SchedulePoint) -> float:
    """1"""
    return 1.0


@schedules.register("linear")
def linear(moment: SchedulePoint) -> float:
    """From 1 in a line to 0, which is reached after the last update."""
    return 1.0 - moment.share


@schedules.register("cosine")
def cosine(moment: SchedulePoint) -> float:
    """(1 + cos(pi share)) / 2. Loshchilov and Hutter (2017): https://arxiv.org/abs/1608.03983"""
    return (1 + math.cos(math.pi * moment.share)) / 2


@schedules.register("inverse_sqrt")
def inverse_sqrt(moment: SchedulePoint) -> float:
    """sqrt(warmup / step). Vaswani et al. (2017), section 5.3: https://arxiv.org/abs/1706.03762"""
    return math.sqrt(max(moment.warmup, 1) / max(moment.step, 1))


@schedules.register("plateau")
def plateau(moment: SchedulePoint) -> float:
    """Half as much after each validation without a better score."""
    return 0.5**moment.bad_validations
