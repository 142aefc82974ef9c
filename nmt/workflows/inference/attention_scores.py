"""Score the attention of a run, against gold word alignments if its corpus has them."""

from typing import Any

import numpy as np

from nmt.data.corpus.types import Bitext
from nmt.evaluation.alignment import alignment_error, links_found, row_entropies
from nmt.evaluation.linking import row_maxima
from nmt.evaluation.pharaoh import Gold
from nmt.workflows.inference.load import TrainedModel
from nmt.workflows.inference.run_text import Text
from nmt.workflows.inference.teacher_forcing import has_attention, plain, teacher_force

SHIFT = 0
"""Row t belongs to the step that predicts word t, in every decoder: see docs/alignment.md."""


def attention_scores(trained: TrainedModel, text: Text) -> dict[str, Any]:
    """The attention scores in `scores.json`; empty if the model has no attention.

    `attention_entropy`: mean over all target pieces, in nats. For the phrasebook also
    `gold_links`, scored by row maxima without `</s>`, and `alignment`: precision, recall and
    `aer` of the links that `nmt align` makes, and their `shift`.

    The references are read by teacher forcing, so that every sentence of the split counts,
    whatever the model would have generated.
    """
    if not has_attention(trained):
        return {}
    bitext = text.bitext
    gold = _gold(trained, bitext) if text.corpus == "phrasebook" else []
    matrices, links, entropies = [], [], [np.zeros(0)]
    for pair in teacher_force(
        trained, [(plain(source), plain(target)) for source, target in bitext]
    ):
        entropies.append(row_entropies(pair.weights))
        if gold:
            weights = pair.between_words(SHIFT)
            matrices.append(weights[:, :-1])
            links.append(row_maxima(weights))
    rows = np.concatenate(entropies)
    scores: dict[str, Any] = {"attention_entropy": float(rows.mean()) if len(rows) else 0.0}
    if gold:
        sure = [each.sure for each in gold]
        error = alignment_error(zip(links, gold, strict=True))
        scores["gold_links"] = links_found(zip(matrices, sure, strict=True)).as_dict()
        scores["alignment"] = {**error.as_dict(), "shift": SHIFT}
    return scores


def _gold(trained: TrainedModel, bitext: Bitext) -> list[Gold]:
    """The gold links of phrasebook pairs, in either direction."""
    from nmt.data import phrasebook  # takes a second to build, so only if it is needed

    if trained.config.data.source == "en":
        return [Gold.of(phrasebook.gold(*pair) or ()) for pair in bitext]
    back = (phrasebook.gold(target, source) or () for source, target in bitext)
    return [Gold.of((french, english) for english, french in links) for links in back]
