"""Shared by the tests of attention: sizes, components by name, and their formulas as loops.

The formulas are written one query, one key and one number at a time, in Python and NumPy alone.
A new score, normaliser or scope needs its formula here; a test asks for it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nmt.config import AttentionConfig
from nmt.errors import ConfigError
from nmt.models.attention import Attention, Normalizer, Query, Score, attention_of
from nmt.models.attention import normalizers as all_normalizers
from nmt.models.attention import scores as all_scores

# sizes all different, so that no transposed axis can pass
BATCH, TARGET, SOURCE, QUERY, MEMORY, SIZE, WORDS, POSITIONS = 2, 3, 5, 7, 8, 4, 6, 9

Vector = Sequence[float] | NDArray[Any]
Weights = Mapping[str, NDArray[Any]]


def config_of(score: str = "general", **options: Any) -> AttentionConfig:
    options = {"size": SIZE, "max_positions": POSITIONS, **options}
    return AttentionConfig(score=score, **options)


def memory_of(score: str) -> int:
    """The width of encoder states, different from that of queries unless the score refuses it."""
    try:
        all_scores[score](config_of(score), query=QUERY, memory=MEMORY)
    except ConfigError:
        return QUERY
    return MEMORY


def query_of(score: str) -> int:
    return QUERY + (WORDS if all_scores[score].reads_words else 0)


def score_of(name: str, **options: Any) -> Score:
    """In float64, so that a formula written differently gives the same numbers."""
    config = config_of(name, **options)
    return all_scores[name](config, query=query_of(name), memory=memory_of(name)).double()


def normalizer_of(name: str, **options: Any) -> Normalizer:
    """As after some training: parameters that start as 0 or 1 are neither."""
    normalizer = all_normalizers[name](config_of(normalizer=name, **options)).double()
    return learned(normalizer)


def attending_of(score: str, **options: Any) -> Attention:
    attention = attention_of(
        config_of(score, **options), query=QUERY, memory=memory_of(score), words=WORDS
    )
    return learned(attention.double())


Piece = TypeVar("Piece", bound=nn.Module)


def learned(piece: Piece) -> Piece:
    with torch.no_grad():
        for parameter in piece.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return piece


def asked(batch: int = BATCH, target: int = TARGET) -> Query:
    return Query(
        states=torch.randn(batch, target, QUERY, dtype=torch.double),
        positions=torch.arange(target).expand(batch, -1),
        words=torch.randn(batch, target, WORDS, dtype=torch.double),
    )


def plain_query(states: Tensor) -> Query:
    """For an attention that reads neither positions nor words."""
    positions = torch.arange(states.size(1)).expand(len(states), -1)
    return Query(states, positions, words=states)


def states_of(score: str, batch: int = BATCH, source: int = SOURCE) -> Tensor:
    return torch.randn(batch, source, memory_of(score), dtype=torch.double)


def mask_of(lengths: Sequence[int], source: int = SOURCE) -> Tensor:
    """(batch, 1, source)"""
    return (torch.arange(source) < torch.tensor(lengths).unsqueeze(1)).unsqueeze(1)


def numbers(piece: nn.Module) -> Weights:
    return {name: value.detach().numpy() for name, value in piece.named_parameters()}


def formula_of(kind: str, name: str) -> Callable[..., Any]:
    """The formula of a registered component, or a failure that says where to write it."""
    table = {"score": SCORES, "normalizer": NORMALIZERS, "scope": SCOPES}[kind]
    if name not in table:
        pytest.fail(
            f"the {kind} '{name}' is registered, but has no formula to be tested against: write "
            f"it as loops into {kind.upper()}S of tests/support/attention_pieces.py"
        )
    return table[name]


# Scores: the weights, a query, a key, and its position


def inner(a: Vector, b: Vector) -> float:
    return sum(float(x) * float(y) for x, y in zip(a, b, strict=True))


def times(matrix: NDArray[Any], vector: Vector) -> list[float]:
    return [inner(row, vector) for row in matrix]


def dot(w: Weights, q: Vector, k: Vector, j: int) -> float:
    return inner(q, k)


def scaled_dot(w: Weights, q: Vector, k: Vector, j: int) -> float:
    return inner(q, k) / math.sqrt(len(k))


def general(w: Weights, q: Vector, k: Vector, j: int) -> float:
    return inner(q, times(w["W.weight"], k))


Function = Callable[[float], float]


def additive(
    w: Weights, q: Vector, k: Vector, j: int, covered: float = 0, f: Function = math.tanh
) -> float:
    total = 0.0
    for i, v in enumerate(w["v.weight"][0]):
        mixed = inner(w["W.weight"][i], q) + inner(w["U.weight"][i], k) + w["U.bias"][i]
        total += v * f(mixed + (w["V.weight"][i, 0] * covered if covered else 0))
    return total


def concat(
    w: Weights, q: Vector, k: Vector, j: int, covered: float = 0, f: Function = math.tanh
) -> float:
    total = 0.0
    for i, v in enumerate(w["v.weight"][0]):
        mixed = inner(w["W.weight"][i], [*q, *k])
        total += v * f(mixed + (w["V.weight"][i, 0] * covered if covered else 0))
    return total


def cosine(w: Weights, q: Vector, k: Vector, j: int) -> float:
    return float(w["t"]) * inner(q, k) / math.sqrt(inner(q, q) * inner(k, k))


def qkv(w: Weights, q: Vector, k: Vector, j: int) -> float:
    return inner(times(w["W_q.weight"], q), times(w["W_k.weight"], k)) / math.sqrt(SIZE)


def location(w: Weights, q: Vector, k: Vector, j: int) -> float:
    return inner(w["W.weight"][j], q) + float(w["W.bias"][j])


SCORES: dict[str, Callable[..., float]] = {
    "dot": dot,
    "scaled_dot": scaled_dot,
    "general": general,
    "additive": additive,
    "concat": concat,
    "cosine": cosine,
    "qkv": qkv,
    "location": location,
}

FUNCTIONS: dict[str, Function] = {
    "tanh": math.tanh,
    "relu": lambda x: max(0.0, x),
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "gelu": lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2,
    "identity": lambda x: x,
}


def value_of(score: str, w: Weights, k: Vector) -> list[float]:
    """The vectors that are averaged: the encoder states themselves, except for qkv."""
    return times(w["W_v.weight"], k) if score == "qkv" else [float(x) for x in k]


# Normalisers: the weights, and the scores of real positions (divided by the temperature)


def softmax(w: Weights, s: Vector) -> list[float]:
    powers = [math.exp(x) for x in s]
    return [power / sum(powers) for power in powers]


def weighted_softmax(w: Weights, s: Vector) -> list[float]:
    if w["w"].ndim == 0:
        return softmax(w, [float(w["w"]) * x for x in s])
    powers = [math.exp(w["w"][j]) * math.exp(x) for j, x in enumerate(s)]  # position_weights
    return [power / sum(powers) for power in powers]


def relu(w: Weights, s: Vector) -> list[float]:
    return [max(0.0, x) for x in s]


def sparsemax(w: Weights, s: Vector) -> list[float]:
    return by_bisection(lambda tau: [max(0.0, x - tau) for x in s], s)


def entmax15(w: Weights, s: Vector) -> list[float]:
    return by_bisection(lambda tau: [max(0.0, x / 2 - tau) ** 2 for x in s], s)


def by_bisection(weights: Callable[[float], list[float]], s: Vector) -> list[float]:
    """The weights at the threshold for which they sum to one."""
    low, high = -max(map(abs, s)) - 1, max(map(abs, s))
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(weights(middle)) > 1 else (low, middle)
    return weights(low)


NORMALIZERS: dict[str, Callable[..., list[float]]] = {
    "softmax": softmax,
    "weighted_softmax": weighted_softmax,
    "relu": relu,
    "sparsemax": sparsemax,
    "entmax15": entmax15,
}


# Scopes: the weights, a query, its position, the source's length and the window; the positions
# attended to, each with the factor of its weight


def everywhere(w: Weights, q: Vector, t: int, length: int, window: int) -> dict[int, float]:
    return dict.fromkeys(range(length), 1.0)


def local_m(w: Weights, q: Vector, t: int, length: int, window: int) -> dict[int, float]:
    centre = min(t, length - 1)
    return {j: 1.0 for j in range(length) if abs(j - centre) <= window}


def local_p(w: Weights, q: Vector, t: int, length: int, window: int) -> dict[int, float]:
    hidden = [math.tanh(x) for x in times(w["W_p.weight"], q)]
    p = length / (1 + math.exp(-inner(w["v_p.weight"][0], hidden)))
    centre = min(round(p), length - 1)
    sigma = window / 2
    return {
        j: math.exp(-((j - p) ** 2) / (2 * sigma**2))
        for j in range(length)
        if abs(j - centre) <= window
    }


SCOPES: dict[str, Callable[..., dict[int, float]]] = {
    "global": everywhere,
    "local-m": local_m,
    "local-p": local_p,
}


def averages(weights: Tensor, values: NDArray[Any]) -> NDArray[Any]:
    """The contexts for given weights, in loops: (batch, target, source), (batch, source, width)"""
    batch, target, source = weights.shape
    contexts = np.zeros((batch, target, values.shape[-1]))
    for b in range(batch):
        for t in range(target):
            for j in range(source):
                contexts[b, t] += weights[b, t, j].item() * values[b, j]
    return contexts
