"""What a component costs: products counted on the real module at many sizes, and a formula fitted.

The count is exact, and so is the formula: it is a polynomial whose coefficients come out as whole
numbers, or it is not told. Only matrix products are counted, which are nearly all of the work.
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
"""Computes for a number of source positions, and one of target positions."""

TERMS = ("", "S", "T", "S T", "S S", "T T")
LENGTHS = ((1, 1), (2, 1), (1, 2), (2, 2), (3, 1), (1, 3), (3, 2), (4, 1), (1, 4))
FIRST_WIDTH = 48  # a multiple of all usual numbers of heads, twice


def products(reader: Reader) -> dict[str, int]:
    """Multiply-adds by what they grow with: `S` source positions, `T` target positions, pairs.

    Raises:
        ValueError: they grow in another way.
    """
    counts = [_multiply_adds(reader, source, target) for source, target in LENGTHS]
    rows = [[1, s, t, s * t, s * s, t * t] for s, t in LENGTHS]
    found = _whole(rows, counts)
    if found is None:
        raise ValueError(f"no polynomial of lengths: {counts}")
    return {term: count for term, count in zip(TERMS, found, strict=True) if count}


def formulas(build: Callable[[Widths], Reader], letters: Sequence[str]) -> dict[str, str]:
    """The same as formulas of the widths, `letters`: {"S T": "q + z"}, where they are polynomials.

    build: makes the component in these widths
    """
    monomials = [(), *((a,) for a in letters), *combinations_with_replacement(letters, 2)]
    samples = list(_widths(letters, len(monomials) + 2))
    counts = [products(build(widths)) for widths in samples]
    rows = [[_product(widths, factors) for factors in monomials] for widths in samples]
    found: dict[str, str] = {}
    for term in TERMS:
        values = [count.get(term, 0) for count in counts]
        fitted = _whole(rows, values)
        if any(values) and fitted is not None:
            found[term] = _written(monomials, fitted)
    return found


class Elements(TorchDispatchMode):
    """Counts the numbers that operations write, views not counted."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        found = function(*args, **(kwargs or {}))
        if not function.is_view:
            outputs = found if isinstance(found, tuple | list) else (found,)
            self.count += sum(out.numel() for out in outputs if isinstance(out, Tensor))
        return found


def elements(read: Callable[[int], Any]) -> str:
    """How many numbers are written for a row of S positions: `3 S + 1`.

    read: works on one row of a length
    """
    lengths, counts = (8, 12, 16), []
    for length in lengths:
        with Elements() as counter, torch.no_grad():
            read(length)
        counts.append(counter.count)
    found = _whole([[1, length] for length in lengths], counts)
    return _written([(), ("S",)], found) if found else " / ".join(map(str, counts))


def _multiply_adds(reader: Reader, source: int, target: int) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        reader(source, target)
    return int(counter.get_total_flops()) // 2


def _widths(letters: Sequence[str], count: int) -> Iterator[dict[str, int]]:
    """Sizes all different, so that no letter can stand for another."""
    numbers = np.random.default_rng(1).permutation(128)[: count * len(letters)] + 1
    for row in numbers.reshape(count, -1):
        yield {letter: FIRST_WIDTH * int(n) for letter, n in zip(letters, row, strict=True)}


def _product(widths: Widths, factors: Sequence[str]) -> int:
    found = 1
    for factor in factors:
        found *= widths[factor]
    return found


def _whole(rows: Sequence[Sequence[int]], values: Sequence[int]) -> list[int] | None:
    """The whole numbers x with rows @ x = values, exactly; None where there are none."""
    matrix = np.array(rows, dtype=float)
    scale = np.abs(matrix).max(axis=0)  # widths and their squares in one system
    solved = np.linalg.lstsq(matrix / scale, np.array(values, dtype=float), rcond=None)[0]
    found = [round(x) for x in solved / scale]
    exact = all(
        sum(a * x for a, x in zip(row, found, strict=True)) == value
        for row, value in zip(rows, values, strict=True)
    )
    return found if exact else None


def _written(monomials: Sequence[Sequence[str]], numbers: Sequence[int]) -> str:
    """`4 e h + h`, the highest powers first."""
    parts = [
        " ".join(([str(n)] if n != 1 or not factors else []) + list(factors))
        for factors, n in zip(monomials, numbers, strict=True)
        if n
    ]
    return " + ".join(reversed(parts)) or "0"
