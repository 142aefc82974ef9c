"""The attention of a model measured against gold word alignments, where a corpus has them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from nmt.data.batches import collate, lengths_with_end, plan
from nmt.data.corpus import Bitext, Corpus, SplitName
from nmt.data.encoding import encode
from nmt.data.tokenizer import Piece, Tokenizer
from nmt.data.vocabulary import PAD
from nmt.evaluation.alignment import links_found
from nmt.evaluation.words import EOS, Floats, Side, join_words, side
from nmt.workflows.model import Trained


def gold_links_found(trained: Trained, corpus: Corpus, split: SplitName) -> dict[str, Any]:
    """`{"gold_links": ...}` for the phrasebook, read from English; nothing for another corpus.

    The references are read by teacher forcing, so that every sentence of the split counts,
    whatever the model would have said.
    """
    if corpus.origin.corpus != "phrasebook" or trained.config.data.source != "en":
        return {}
    from nmt.data import phrasebook  # takes a second to make: only where it is wanted

    bitext = corpus.split(split)
    matrices = _word_matrices(trained, bitext)
    gold = (phrasebook.gold(source, target) or () for source, target in bitext)
    return {"gold_links": links_found(zip(matrices, gold, strict=True)).as_dict()}


def _word_matrices(trained: Trained, bitext: Bitext) -> Iterator[Floats]:
    """The attention between the words of each pair, without `</s>`."""
    for (source, target), weights in zip(bitext, _read(trained, bitext), strict=True):
        source_side = _side(source, trained.tokenizers.source)
        target_side = _side(target, trained.tokenizers.target)
        yield join_words(source_side, target_side, weights)[:-1, :-1]


def _side(sentence: str, tokenizer: Tokenizer) -> Side:
    end = Piece(EOS, len(sentence), len(sentence))
    return side(sentence, [*tokenizer.pieces(sentence).pieces, end])


@torch.inference_mode()
def _read(trained: Trained, bitext: Bitext) -> list[Floats]:
    """The attention of every pair by teacher forcing, padding cut off."""
    model = trained.model
    device = next(model.parameters()).device
    encoded = encode(bitext, trained.tokenizers)
    lengths = lengths_with_end(encoded)
    budget = max(trained.config.training.batch_tokens, *(int(side.max()) for side in lengths))
    found: list[Floats] = [np.zeros((0, 0))] * len(encoded)
    for group in plan(*lengths, budget=budget, seed=0, epoch=0):
        batch = collate(encoded, group)
        source = torch.from_numpy(batch.source).to(device)
        target = torch.from_numpy(batch.target_in).to(device)
        weights = model(source, source != PAD, target).attention.cpu().double().numpy()
        for number, matrix in zip(group.tolist(), weights, strict=True):
            found[number] = matrix[: lengths[1][number], : lengths[0][number]]
    return found
