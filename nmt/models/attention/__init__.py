"""Attention: a score of each key, normalised to weights, by which the values are averaged."""

from nmt.models.attention.attend import Attention
from nmt.models.attention.normalizers import Normalizer, normalizers
from nmt.models.attention.scores import Score, scores

__all__ = ["Attention", "Normalizer", "Score", "normalizers", "scores"]
