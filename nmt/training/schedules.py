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
    """The point of a training at which a schedule is evaluated."""

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


def factor(name: str, point: SchedulePoint) -> float:
    """The factor of the learning rate.

    >>> [factor("inverse_sqrt", SchedulePoint(s, warmup=100, total=None)) for s in (50, 100, 400)]
    [0.5, 1.0, 0.5]
    """
    if point.step < point.warmup:
        return point.step / point.warmup
    return schedules[name](point)


def check(name: str, total: int | None) -> None:
    """Refuse a schedule that cannot work.

    Raises:
        ConfigError: it is unknown, or needs an end that the config does not set.
    """
    schedules[name]
    if name in NEEDS_END and total is None:
        raise ConfigError(
            f"training.schedule '{name}' needs to know the end of the training: "
            "set training.epochs or training.max_steps"
        )


@schedules.register("constant")
def constant(point: SchedulePoint) -> float:
    """1"""
    return 1.0


@schedules.register("linear")
def linear(point: SchedulePoint) -> float:
    """From 1 in a line to 0, which is reached after the last update."""
    return 1.0 - point.share


@schedules.register("cosine")
def cosine(point: SchedulePoint) -> float:
    """(1 + cos(pi share)) / 2. Loshchilov and Hutter (2017): https://arxiv.org/abs/1608.03983"""
    return (1 + math.cos(math.pi * point.share)) / 2


@schedules.register("inverse_sqrt")
def inverse_sqrt(point: SchedulePoint) -> float:
    """sqrt(warmup / step). Vaswani et al. (2017), section 5.3: https://arxiv.org/abs/1706.03762"""
    return math.sqrt(max(point.warmup, 1) / max(point.step, 1))


@schedules.register("plateau")
def plateau(point: SchedulePoint) -> float:
    """Half as much after each validation without a better score."""
    return 0.5**point.bad_validations
