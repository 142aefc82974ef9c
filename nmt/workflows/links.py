"""The attention of a run measured: against gold word alignments, where its corpus has them."""

from typing import Any

import numpy as np

from nmt.data.corpus import Corpus, SplitName
from nmt.evaluation.alignment import alignment_error, links_found, row_entropies
from nmt.evaluation.linking import row_maxima
from nmt.evaluation.pharaoh import Gold
from nmt.workflows.forced import has_attention, plain, read
from nmt.workflows.model import Trained

READ_LATER = {"transformer": 1}
"""Decoders whose words are explained by the step after the one that predicts them."""


def natural_shift(trained: Trained) -> int:
    """Which row explains word t, for the kind of decoder: 0, row t; 1, row t + 1."""
    return READ_LATER.get(trained.config.model.decoder.kind, 0)


def attention_scores(trained: Trained, corpus: Corpus, split: SplitName) -> dict[str, Any]:
    """What `scores.json` says of the attention; nothing where the model has none.

    `attention_entropy`: mean over all target pieces, in nats. For the phrasebook also
    `gold_links`, found by row maxima as they stand, and `alignment`: precision, recall and
    `aer` of the links that `nmt align` makes, with the `shift` that it makes them with.

    The references are read by teacher forcing, so that every sentence of the split counts,
    whatever the model would have said.
    """
    if not has_attention(trained):
        return {}
    gold = _gold(trained, corpus, split)
    bitext, shift = corpus.split(split), natural_shift(trained)
    matrices, links, entropies = [], [], [np.zeros(0)]
    for seen in read(trained, [(plain(source), plain(target)) for source, target in bitext]):
        entropies.append(row_entropies(seen.weights))
        if gold:
            matrices.append(seen.between_words(0)[:, :-1])
            links.append(row_maxima(seen.between_words(shift)))
    rows = np.concatenate(entropies)
    scores: dict[str, Any] = {"attention_entropy": float(rows.mean()) if len(rows) else 0.0}
    if gold:
        sure = [each.sure for each in gold]
        error = alignment_error(zip(links, gold, strict=True))
        scores["gold_links"] = links_found(zip(matrices, sure, strict=True)).as_dict()
        scores["alignment"] = {**error.as_dict(), "shift": shift}
    return scores


def alignment_scores(
    trained: Trained, corpus: Corpus, split: SplitName = "test"
) -> dict[str, float]:
    """`precision`, `recall`, `aer` and `shift` where there is gold, and `attention_entropy`."""
    scores = attention_scores(trained, corpus, split)
    entropy = {name: scores[name] for name in ("attention_entropy",) if name in scores}
    return {**scores.get("alignment", {}), **entropy}


def _gold(trained: Trained, corpus: Corpus, split: SplitName) -> list[Gold]:
    """The gold links of the phrasebook, in either direction; nothing for another corpus."""
    if corpus.origin.corpus != "phrasebook":
        return []
    from nmt.data import phrasebook  # takes a second to make: only where it is wanted

    if trained.config.data.source == "en":
        return [Gold.of(phrasebook.gold(*pair) or ()) for pair in corpus.split(split)]
    back = (phrasebook.gold(target, source) or () for source, target in corpus.split(split))
    return [Gold.of((french, english) for english, french in links) for links in back]
