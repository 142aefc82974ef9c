"""Attention: a score of each key, normalised to weights, by which the values are averaged."""

from nmt.models.attention.attend import (
    Attention,
    AttentionOutput,
    MultiHead,
    NoAttention,
    Query,
    SingleHead,
    attention_of,
)
from nmt.models.attention.choices import Choice, Chosen, choices
from nmt.models.attention.normalizers import Normalizer, normalizers
from nmt.models.attention.scopes import Scope, Window, scopes
from nmt.models.attention.scores import Score, scores

__all__ = [
    "AttentionOutput",
    "Attention",
    "Choice",
    "Chosen",
    "MultiHead",
    "NoAttention",
    "Normalizer",
    "Query",
    "Scope",
    "Score",
    "SingleHead",
    "Window",
    "attention_of",
    "choices",
    "normalizers",
    "scopes",
    "scores",
]
