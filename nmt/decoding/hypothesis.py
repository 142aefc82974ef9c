"""The result of a search."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Hypothesis:
    """One translation in ids, with the score and the attention of each position."""

    ids: list[int]
    """With EOS at the end, unless the search reached its greatest length."""
    token_scores: list[float]
    """Log-probability of each id, in nats."""
    rank_score: float
    """By which hypotheses are ranked: log-probability / length ** length_penalty."""
    attention: np.ndarray
    """(ids, source): the weights with which each id was chosen."""

    @property
    def score(self) -> float:
        """Log-probability in nats, EOS included."""
        return sum(self.token_scores)
