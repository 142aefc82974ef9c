"""Attention records for the tests of records, pictures, pages and tables."""

from collections.abc import Sequence

import numpy as np

from nmt.data.words import Word
from nmt.evaluation.records import AttentionRecord, make_record

GENERAL = {
    "score": "general",
    "normalizer": "softmax",
    "scope": "global",
    "heads": 1,
    "state": "s_t",
}
LUONG = {"run": "luong", "step": 4000, "fingerprint": "0f1e2d3c"}


def cut(sentence: str, *lengths: int, ended: bool = True) -> list[Word]:
    """Pieces of these lengths in characters, a last one with the rest, and `</s>`."""
    bounds = [0, *np.cumsum(lengths).tolist(), len(sentence)]
    pieces = [
        Word(sentence[start:end].replace(" ", "▁"), start, end)
        for start, end in zip(bounds, bounds[1:], strict=False)
        if start < end
    ]
    return [*pieces, Word("</s>", len(sentence), len(sentence))] if ended else pieces


def record_of(
    source: str,
    target: str,
    *,
    cuts: tuple[Sequence[int], Sequence[int]] = ((), ()),
    weights: Sequence[Sequence[float]] | None = None,
    id: str = "0",
    rank: int = 0,
) -> AttentionRecord:
    """A record with pieces of the given lengths; weights are random if not given."""
    source_pieces, target_pieces = cut(source, *cuts[0]), cut(target, *cuts[1])
    shape = (len(target_pieces), len(source_pieces))
    rows = np.random.default_rng(len(source)).dirichlet(np.ones(shape[1]), shape[0])
    return make_record(
        id=id,
        rank=rank,
        source=source,
        target=target,
        source_pieces=source_pieces,
        target_pieces=target_pieces,
        weights=rows if weights is None else np.array(weights),
        token_scores=[-0.25] * shape[0],
        attention=GENERAL,
        model=LUONG,
    )


def by_word(source: str, target: str, *, id: str = "0") -> AttentionRecord:
    """A record whose pieces are separated by white space."""
    lengths = [
        [len(word) + (n > 0) for n, word in enumerate(side.split(" "))][:-1]
        for side in (source, target)
    ]
    return record_of(source, target, cuts=(lengths[0], lengths[1]), id=id)


def i_love_you() -> AttentionRecord:
    """I | love | you -> je | t | ' | aime, with attention off the diagonal."""
    weights = [
        [0.91, 0.05, 0.03, 0.01],
        [0.04, 0.06, 0.88, 0.02],
        [0.06, 0.24, 0.66, 0.04],
        [0.02, 0.93, 0.03, 0.02],
        [0.01, 0.02, 0.02, 0.95],
    ]
    return record_of("I love you", "je t'aime", cuts=((1, 5), (2, 2, 1)), weights=weights)


ODD_SOURCE = 'A "heart" costs $x^2$, <b>5 €</b>… </script><script>alert(1)</script> it\'s\u2028so'
ODD_TARGET = "Un « cœur » coûte $x^2$, <b>5 €</b>… </script> c’est\u2028ça & “plus”"


def odd() -> AttentionRecord:
    """Text that could break pages, pictures and lines."""
    return by_word(ODD_SOURCE, ODD_TARGET, id="odd")
