"""The shortlist of a run: counted once in its training text, and kept in its folder."""

import logging
from typing import Any

import numpy as np
import torch

from nmt.checkpoint.run import Run
from nmt.config import NO_ATTENTION, Config
from nmt.data.batching.batches import collate, make_batches
from nmt.data.batching.encoded import EncodedBitext, encode
from nmt.data.tokenizers.base import PAD
from nmt.data.tokenizers.learn import Tokenizers
from nmt.decoding.shortlist import CandidateTable, LinkCounts
from nmt.errors import CheckpointError, UsageError, WriteError
from nmt.models import Seq2Seq
from nmt.workflows.inference.run_text import text_of

log = logging.getLogger(__name__)
PAIRS = 200_000  # training pairs that are counted, at most


def candidate_table(
    run: Run, config: Config, model: Seq2Seq, tokenizers: Tokenizers, identity: dict[str, Any]
) -> CandidateTable:
    """The table in the run's folder if it was made from this checkpoint, or a new one.

    Raises:
        UsageError: the model has no attention.
        DataError: the training text cannot be read, or is no longer the run's.
    """
    if config.model.attention.score == NO_ATTENTION:
        raise UsageError(
            f"{run.folder} has no attention (model.attention.score is {NO_ATTENTION}), from which "
            "a shortlist is made: set decoding.shortlist to 0"
        )
    made_from = {"model": identity["fingerprint"], "tokenizer": tokenizers.fingerprint}
    try:
        return CandidateTable.read(run.shortlist, made_from, tokenizers)
    except FileNotFoundError:
        pass
    except CheckpointError as error:
        log.info("%s: it is made again", error)
    table = _counted(run, config, model, tokenizers)
    try:
        table.write(run.shortlist, made_from, root=run.folder)
    except WriteError as error:
        log.warning("the shortlist is not kept: %s", error)
    return table


def _counted(run: Run, config: Config, model: Seq2Seq, tokenizers: Tokenizers) -> CandidateTable:
    text = encode(text_of(run, config, "train").bitext, tokenizers)
    pairs = np.arange(len(text))
    if len(text) > PAIRS:
        pairs = np.sort(np.random.default_rng(config.seed).choice(len(text), PAIRS, replace=False))
    log.info(
        "counting a shortlist in the attention over %s training pairs: once per checkpoint",
        f"{len(pairs):,}",
    )
    counts = LinkCounts(tokenizers)
    training = model.training
    _count(counts, model.eval(), text, pairs, config.decoding.batch_tokens)
    model.train(training)
    return counts.table()


@torch.inference_mode()
def _count(
    counts: LinkCounts, model: Seq2Seq, text: EncodedBitext, pairs: np.ndarray, budget: int
) -> None:
    """Read the pairs by teacher forcing. Those that are longer than the budget are left out."""
    device = next(model.parameters()).device
    lengths = (side.lengths[pairs] + 1 for side in (text.source, text.target))
    for group in make_batches(*lengths, budget=budget, seed=0, epoch=0):
        batch = collate(text, pairs[group])
        source = torch.from_numpy(batch.source).to(device)
        target = torch.from_numpy(batch.target_in).to(device)
        attention = model(source, source != PAD, target).attention
        counts.add(batch.source, batch.target_out, attention.float().cpu().numpy())
