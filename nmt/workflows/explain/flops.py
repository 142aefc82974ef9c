"""The cost of a component: FLOP counted on the real module at many sizes, and a fitted formula.

The count is exact, and so is the formula: a polynomial with integer coefficients that fits every
count, or none is given. Only matrix products are counted, which are nearly all of the work.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

Widths = Mapping[str, int]
Reader = Callable[[int, int], None]
"""Runs a component on a number of source positions and a number of target positions."""

TERMS = ("", "S", "T", "S T", "S S", "T T")
LENGTHS = ((1, 1), (2, 1), (1, 2), (2, 2), (3, 1), (1, 3), (3, 2), (4, 1), (1, 4))
FIRST_WIDTH = 48  # divisible by twice every usual number of heads


def products(reader: Reader) -> dict[str, int]:
    """Multiply-adds by the term they grow with: `S` source positions, `T` target ones, pairs.

    Raises:
        ValueError: the counts are no such polynomial.
    """
    counts = [_multiply_adds(reader, source, target) for source, target in LENGTHS]
    rows = [[1, s, t, s * t, s * s, t * t] for s, t in LENGTHS]
    coefficients = _whole(rows, counts)
    if coefficients is None:
        raise ValueError(f"not a polynomial in the lengths: {counts}")
    return {term: count for term, count in zip(TERMS, coefficients, strict=True) if count}


def formulas(build: Callable[[Widths], Reader], letters: Sequence[str]) -> dict[str, str]:
    """The counts as formulas of the widths, `letters`: {"S T": "q + z"}, if they are polynomials.

    build: builds the component with the given widths
    """
    monomials = [(), *((a,) for a in letters), *combinations_with_replacement(letters, 2)]
    samples = list(_widths(letters, len(monomials) + 2))
    counts = [products(build(widths)) for widths in samples]
    rows = [[_product(widths, factors) for factors in monomials] for widths in samples]
    written: dict[str, str] = {}
    for term in TERMS:
        values = [count.get(term, 0) for count in counts]
        fitted = _whole(rows, values)
        if any(values) and fitted is not None:
            written[term] = _written(monomials, fitted)
    return written


class Elements(TorchDispatchMode):
    """Counts the numbers that operations write, except for views."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        if not function.is_view:
            outputs = result if isinstance(result, tuple | list) else (result,)
            self.count += sum(out.numel() for out in outputs if isinstance(out, Tensor))
        return result


def elements(read: Callable[[int], Any]) -> str:
    """How many numbers are written for a row of S positions: `3 S + 1`.

    read: runs the component on one row of the given length
    """
    lengths, counts = (8, 12, 16), []
    for length in lengths:
        with Elements() as counter, torch.no_grad():
            read(length)
        counts.append(counter.count)
    fitted = _whole([[1, length] for length in lengths], counts)
    return _written([(), ("S",)], fitted) if fitted else " / ".join(map(str, counts))


def _multiply_adds(reader: Reader, source: int, target: int) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        reader(source, target)
    return int(counter.get_total_flops()) // 2


def _widths(letters: Sequence[str], count: int) -> Iterator[dict[str, int]]:
    """Sizes that are all different, so that no letter can be mistaken for another."""
    numbers = np.random.default_rng(1).permutation(128)[: count * len(letters)] + 1
    for row in numbers.reshape(count, -1):
        yield {letter: FIRST_WIDTH * int(n) for letter, n in zip(letters, row, strict=True)}


def _product(widths: Widths, factors: Sequence[str]) -> int:
    product = 1
    for factor in factors:
        product *= widths[factor]
    return product


def _whole(rows: Sequence[Sequence[int]], values: Sequence[int]) -> list[int] | None:
    """The integers x with rows @ x = values, exactly; None if there are none."""
    matrix = np.array(rows, dtype=float)
    scale = np.abs(matrix).max(axis=0)  # balances widths and their squares
    solved = np.linalg.lstsq(matrix / scale, np.array(values, dtype=float), rcond=None)[0]
    integers = [round(x) for x in solved / scale]
    exact = all(
        sum(a * x for a, x in zip(row, integers, strict=True)) == value
        for row, value in zip(rows, values, strict=True)
    )
    return integers if exact else None


def _written(monomials: Sequence[Sequence[str]], numbers: Sequence[int]) -> str:
    """A formula such as `4 e h + h`, highest powers first."""
    parts = [
        " ".join(([str(n)] if n != 1 or not factors else []) + list(factors))
        for factors, n in zip(monomials, numbers, strict=True)
        if n
    ]
    return " + ".join(reversed(parts)) or "0"
