"""Teacher forcing: how often a model reads the reference's last word while it learns, not its own.

Scheduled sampling, Bengio et al. (2015), section 2.4: https://arxiv.org/abs/1506.03099. At first a
model cannot learn from its own words, which are noise; in the end it should, because in
translation it has nothing else (exposure bias). The share of the reference goes from
`training.teacher_forcing` in the first update to `training.teacher_forcing_end` in the last, on
one of the curves below, a registered function each. None keeps state, so that a resumed training
continues on the same curve.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from nmt.config import TrainingConfig
from nmt.errors import ConfigError
from nmt.registry import Registry

curves: Registry[Callable[[float], float]] = Registry("teacher-forcing schedule")
"""From the share of the training that is over to the weight of the start; 1 minus it is that of
the end."""


def ratio(config: TrainingConfig, steps: int, total: int | None) -> float:
    """The share of positions, or of sentences, that read the reference in the next update.

    steps: updates so far; total: those of the whole training, if known

    >>> config = TrainingConfig(teacher_forcing_schedule="linear", teacher_forcing_end=0.2)
    >>> [round(ratio(config, steps, 101), 3) for steps in (0, 25, 100)]
    [1.0, 0.8, 0.2]
    """
    passed = 0.0 if total is None else min(steps / max(total - 1, 1), 1.0)
    weight = curves[config.teacher_forcing_schedule](passed)
    return weight * config.teacher_forcing + (1 - weight) * config.teacher_forcing_end


def draw(ratio: float, target_in: Tensor, *, per: str) -> Tensor | None:
    """Which positions read the reference: all (None), or a draw for each token or sentence.

    Drawing per sentence is common in tutorials. For ratios 0 and 1 no random number is drawn.
    """
    if ratio == 1:
        return None
    if ratio == 0:
        return torch.zeros_like(target_in, dtype=torch.bool)
    width = target_in.size(1) if per == "token" else 1
    drawn = torch.rand(len(target_in), width, device=target_in.device) < ratio
    return drawn.expand_as(target_in)


def check(config: TrainingConfig) -> None:
    """Refuse a schedule that cannot work.

    Raises:
        ConfigError: it is unknown, leads to an end that the config does not set, or to none.
    """
    name = config.teacher_forcing_schedule
    curves[name]
    if name == "constant" and config.teacher_forcing_end:
        raise ConfigError(
            f"'constant' never reaches training.teacher_forcing_end, which is "
            f"{config.teacher_forcing_end:g}: leave that out, or use "
            f"{', '.join(other for other in curves if other != name)}"
        )
    if name != "constant" and config.epochs is None and config.max_steps is None:
        raise ConfigError(
            f"'{name}' needs to know the end of the training: set training.epochs or "
            "training.max_steps"
        )


def how_read(config: TrainingConfig, forced: str, own: str) -> str:
    """How the target is read in training, for the log.

    forced, own: how the model reads where all is forced, and where it chooses some words itself
    """
    start, end = config.teacher_forcing, config.teacher_forcing_end
    if config.teacher_forcing_schedule == "constant":
        return forced if start == 1 else f"{own}, with teacher forcing {start:g}"
    course = f"teacher forcing from {start:g} to {end:g}, {config.teacher_forcing_schedule}"
    if max(start, end) < 1 or forced == own:
        return f"{own}, with {course}"
    return f"{forced} while all of it is forced, else by {own}, with {course}"


def _between(curve: Callable[[float], float], passed: float) -> float:
    """A falling curve, moved and stretched so that it is 1 at the start and 0 at the end."""
    first, last = curve(0.0), curve(1.0)
    return (curve(passed) - last) / (first - last)


@curves.register("constant")
def constant(passed: float) -> float:
    """1"""
    return 1.0


@curves.register("linear")
def linear(passed: float) -> float:
    """1 - passed

    Bengio et al. (2015), section 2.4: https://arxiv.org/abs/1506.03099
    """
    return 1.0 - passed


@curves.register("exponential")
def exponential(passed: float) -> float:
    """(k^passed - k) / (1 - k), k = 1/100: falls fast first, to a tenth or so at half time.

    The k^i of Bengio et al. (2015), section 2.4, with the k that leaves a hundredth at the end,
    which is taken away: https://arxiv.org/abs/1506.03099
    """
    return _between(lambda x: 0.01**x, passed)


@curves.register("inverse_sigmoid")
def inverse_sigmoid(passed: float) -> float:
    """f(passed) between f(0) and f(1), f(x) = k / (k + k^2x), k = 100: falls slowly, fast, slowly.

    The k / (k + exp(i/k)) of Bengio et al. (2015), section 2.4, with the unit of i such that half
    is reached at half time: https://arxiv.org/abs/1506.03099
    """
    return _between(lambda x: 100 / (100 + 100 ** (2 * x)), passed)
