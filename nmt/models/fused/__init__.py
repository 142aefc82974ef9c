"""Whole recurrences as one step of autograd, with backward passes written by hand.

The plain loop of `nmt.models.decoders` says what is computed; this folder computes the same
faster. Autograd follows a loop operation by operation, sums a weight's gradient up at every
position, and keeps every intermediate tensor. Written by hand, the backward pass needs one matrix
product for each weight after the loop, and few passes over memory at each position.

    base.py        what all of them share, and the step of autograd
    cells.py       LSTM and GRU, position by position, forward and backward
    scores.py      the same for the scores
    normalizers.py the same for what makes weights of them
    attention.py   both, and the average
    decoders.py    the loops over cell and attention, Luong's and Bahdanau's
"""

from nmt.models.fused.decoders import bahdanau, known, luong

__all__ = ["bahdanau", "known", "luong"]
