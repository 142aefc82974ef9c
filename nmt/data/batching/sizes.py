"""The few sizes that batches come in.

Libraries of matrix products generate code for each new shape: oneDNN, which computes them on x86
processors, takes up to 5 ms for one, longer than the product itself. So lengths and numbers of
rows are rounded to 1, 2, ..., 16, 18, ..., 32, 36, ..., 64, 72, ...: by at most an eighth.
"""

import numpy as np

EXACT_BITS = 4
"""Sizes up to 2 ** 4 are all there; above, 8 for each doubling."""


def rounded_up(size: int) -> int:
    """The smallest size that is not below.

    >>> [rounded_up(size) for size in (7, 16, 17, 33, 100)]
    [7, 16, 18, 36, 104]
    """
    return -(-size // _spacing(size)) * _spacing(size)


def rounded_down(size: int) -> int:
    """The largest size that is not above.

    >>> [rounded_down(size) for size in (7, 16, 17, 33, 100)]
    [7, 16, 16, 32, 96]
    """
    return size // _spacing(size) * _spacing(size)


def all_rounded_up(sizes: np.ndarray) -> np.ndarray:
    """`rounded_up` of each."""
    table = [rounded_up(size) for size in range(int(sizes.max(initial=0)) + 1)]
    return np.array(table, sizes.dtype)[sizes]


def _spacing(size: int) -> int:
    return 1 << max((size - 1).bit_length() - EXACT_BITS, 0)
