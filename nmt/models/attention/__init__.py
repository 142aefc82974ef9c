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
from nmt.models.attention.normalizers import Normalizer, normalizers
from nmt.models.attention.scopes import Scope, Window, scopes
from nmt.models.attention.scores import Score, scores
from nmt.models.attention.selection import Selected, Selection, selections

__all__ = [
    "AttentionOutput",
    "Attention",
    "Selection",
    "Selected",
    "MultiHead",
    "NoAttention",
    "Normalizer",
    "Query",
    "Scope",
    "Score",
    "SingleHead",
    "Window",
    "attention_of",
    "selections",
    "normalizers",
    "scopes",
    "scores",
]
