"""Whole recurrences as one step of autograd, with backward passes written by hand.

The plain loop of `nmt.models.decoders` defines what is computed; this folder computes the same
faster. Autograd records a loop operation by operation, accumulates a weight's gradient at every
position, and keeps every intermediate tensor. Written by hand, the backward pass needs one matrix
product for each weight after the loop, and few passes over memory at each position.

    base.py        what all modules share, and the autograd function
    cells.py       LSTM and GRU, position by position, forward and backward
    scores.py      the same for the attention scores
    normalizers.py the same for the normalisers
    scopes.py      the same for the scopes
    attention.py   score, normaliser and weighted average, with one head, with several, with none
    decoders.py    the loops over cells and attention: Luong's, Bahdanau's and the conditional one
"""

from nmt.models.fused.decoders import OwnWords, bahdanau, conditional, luong, supports

__all__ = ["OwnWords", "bahdanau", "conditional", "luong", "supports"]
