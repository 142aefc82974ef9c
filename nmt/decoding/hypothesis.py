"""What a search returns."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Hypothesis:
    """One translation in ids, with everything that is known of its positions."""

    ids: list[int]
    """With EOS at the end, unless it was cut off at the greatest length."""
    token_scores: list[float]
    """Log-probability of each id, in nats."""
    rank_score: float
    """What hypotheses are ranked by: their log-probability / length ** length_penalty."""
    attention: np.ndarray
    """(ids, source): the weights with which each id was chosen."""

    @property
    def score(self) -> float:
        """Log-probability in nats, EOS included."""
        return sum(self.token_scores)
