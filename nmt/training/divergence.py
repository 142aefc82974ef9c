"""Detects a diverging training from its losses, before a day is lost."""

import logging
import math

from nmt.errors import TrainingError

log = logging.getLogger(__name__)
ABOVE = 1.5
"""Times the loss of guessing, above which a loss counts towards divergence."""
MOST = 8.0
"""The most doublings that one update counts for."""
WARN, STOP = 30.0, 150.0
"""Doublings, summed over updates, at which to warn, and at which to stop."""
RISE = 2.0
"""Nats above the lowest loss, or half of what guessing costs if that is more: a rise to warn of."""
KEPT = 0.99
"""Decay of the running average of losses, per update."""
HOPELESS = 10.0
"""Times the loss of guessing, or MEMORISED if that is more: no model that learns is this bad."""
MEMORISED = 5.0
"""Nats. A model that has memorised its training text may be confident and wrong on any other text,
but float32 limits that confidence to about 20 nats."""
ADVICE = "lower training.learning_rate, raise training.warmup_steps or lower training.clip_norm"


class Divergence:
    """Compares each loss with that of guessing: log(vocabulary), or the first loss if that is more.

    An update whose loss is x times 1.5 guesses counts log2(x), up to 8 and down to -8, and their
    sum starts at 0 and never falls below: a warning comes after 70 updates at twice the guess, and
    after 4 at ten thousand times the guess. A bad batch, or the overshoot of the first few updates,
    is forgotten.
    """

    def __init__(self, vocabulary: int) -> None:
        self.uniform = math.log(vocabulary)
        self.guess: float | None = None
        """Nats; known once there is a first loss."""
        self._sum = 0.0
        self._average: float | None = None
        self._lowest = math.inf
        self._told = False

    def begin(self, loss: float) -> None:
        """Record the first loss of a training: a fresh model may be worse than guessing."""
        if self.guess is None:
            self.guess = max(self.uniform, loss)

    @property
    def starts_high(self) -> bool:
        """Whether a resumed training has to know what its first loss was."""
        return self.guess is not None and self.guess > ABOVE * self.uniform

    def updated(self, step: int, loss: float, *, steady: bool = True) -> None:
        """Check the loss of an update, in nats per token.

        steady: losses are comparable; they are not while teacher forcing is reduced

        Raises:
            TrainingError: the training has diverged.
        """
        self.begin(loss)
        assert self.guess is not None
        doublings = math.log2(max(loss, 1e-9) / (ABOVE * max(self.guess, 1e-9)))
        self._sum = max(self._sum + min(max(doublings, -MOST), MOST), 0.0)
        if self._sum > STOP:
            raise TrainingError(
                f"the training has diverged: {self._compared(step, loss)}; what was saved before "
                f"is kept: {ADVICE}"
            )
        if self._sum > WARN:
            self._tell(f"the training seems to diverge: {self._compared(step, loss)}: {ADVICE}")
        self._watch_rise(step, loss, steady)

    def validated(self, step: int, loss: float) -> None:
        """Check the loss of a validation.

        Raises:
            TrainingError: it is not finite, or the model has diverged.
        """
        guess = self.uniform if self.guess is None else self.guess
        if not math.isfinite(loss) or loss > HOPELESS * max(guess, MEMORISED):
            raise TrainingError(
                f"the training has diverged: in the validation {self._compared(step, loss)}; what "
                f"was saved before is kept: {ADVICE}"
            )

    def _watch_rise(self, step: int, loss: float, steady: bool) -> None:
        assert self.guess is not None
        loss = min(loss, 2 * self.guess)  # one bad batch hardly moves the average
        before = loss if self._average is None or not steady else self._average
        self._average = KEPT * before + (1 - KEPT) * loss
        self._lowest = min(self._lowest, self._average) if steady else self._average
        if self._average > self._lowest + max(RISE, self.uniform / 2):
            self._tell(
                f"the loss has risen from {self._lowest:.2f} to {self._average:.2f} nats a token "
                f"by step {step}: {ADVICE}"
            )

    def _compared(self, step: int, loss: float) -> str:
        return (
            f"the loss is {loss:.3g} nats a token at step {step}, where guessing any word costs "
            f"{self.uniform:.3g}"
        )

    def _tell(self, message: str) -> None:
        if not self._told:
            log.warning("%s", message)
        self._told = True
