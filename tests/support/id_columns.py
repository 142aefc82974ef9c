"""Sentences in ids without a tokenizer."""

from collections.abc import Sequence

import numpy as np

from nmt.data.batching.encoded import IdColumn


def id_column(rows: Sequence[Sequence[int]]) -> IdColumn:
    """A few rows of ids, as they are stored in a file."""
    ids = np.array([i for row in rows for i in row], dtype=np.int32)
    return IdColumn([ids], [np.cumsum([0, *map(len, rows)])])
