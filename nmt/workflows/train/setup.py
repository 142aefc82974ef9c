"""Prepare everything that training needs from a config: corpus, tokenizers, batches, model."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from nmt.config import Config
from nmt.data.batching.encoded import EncodedBitext, encode
from nmt.data.batching.loader import BatchLoader
from nmt.data.corpus.types import SPLITS, Corpus
from nmt.data.read import read_corpus
from nmt.data.tokenizers.learn import Tokenizers, learn
from nmt.errors import ConfigError
from nmt.models import Seq2Seq, build_model, parameter_table
from nmt.models.devices import Compute, choose
from nmt.models.precision import Timings
from nmt.training import teacher_forcing_schedule
from nmt.training.schedules import check
from nmt.training.trial import time_precisions
from nmt.workflows.train.length_limits import check_lengths
from nmt.workflows.train.vectors import freeze_vectors, load_vectors

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingSetup:
    """Everything that is ready before the first update."""

    config: Config
    compute: Compute
    corpus: Corpus
    tokenizers: Tokenizers
    train: EncodedBitext
    validation: EncodedBitext
    loader: BatchLoader
    """The training batches."""
    model: Seq2Seq
    timings: Timings | None
    """What the precision was chosen by; None if nothing had to be timed."""
    updates_per_epoch: int
    updates: int | None
    """The number of updates in total; None if only time or patience ends the training."""


def prepare(
    config: Config, *, tokenizer: Path | None = None, compute: Compute | None = None
) -> TrainingSetup:
    """Read the corpus, learn the tokenizers, encode the text, and build the model.

    tokenizer: a folder with tokenizers that were learned before
    compute: chosen before; by default, where the config leaves the precision open, the faster one

    Raises:
        NmtError: the config, the corpus or the device does not allow it.
    """
    to_be_timed = compute is None and config.precision == "auto"
    compute = compute or choose(config.device, config.precision)
    corpus = read_corpus(config.data, seed=config.seed)
    tokenizers = (
        learn(corpus.train, config.tokenizer, seed=config.seed)
        if tokenizer is None
        else Tokenizers.load(tokenizer)
    )
    train = encode(corpus.train, tokenizers)
    validation = encode(corpus.validation, tokenizers)
    evaluated = {
        split: encode(corpus.split(split), tokenizers) for split in config.evaluation.splits
    }
    check_lengths(config, {"train": train, "validation": validation, **evaluated})
    training = config.training
    loader = BatchLoader(train, budget=training.batch_tokens, seed=config.seed)
    if not len(loader):
        raise ConfigError(
            f"training.batch_tokens is {training.batch_tokens}: no sentence fits; raise it"
        )
    left_out = len(train) - loader.stats.sentences
    if left_out:
        log.warning(
            "%d training pairs are longer than training.batch_tokens, %d: they are left out",
            left_out,
            training.batch_tokens,
        )
    updates_per_epoch = -(-len(loader) // training.accumulate)
    total = _total(training.epochs, training.max_steps, updates_per_epoch)
    check(training.schedule, total)
    torch.manual_seed(config.seed)
    model = build_model(config.model, tokenizers.vocabularies).to(compute.device)
    if tokenizer is None:  # a resumed run has its vectors in the checkpoint
        load_vectors(model, config.model, tokenizers, train)
    freeze_vectors(model, config.model)
    timings = None
    if to_be_timed and compute.bfloat16 and compute.device.type == "cpu":
        timings = time_precisions(
            model, training, compute, tokenizers.vocabularies,
            longest=min(loader.stats.longest), kind=(config.model, training.label_smoothing),
        )  # fmt: skip
        compute = replace(compute, bfloat16=timings.bfloat16_wins)
    return TrainingSetup(
        config, compute, corpus, tokenizers, train, validation, loader, model, timings,
        updates_per_epoch, total,
    )  # fmt: skip


def _total(epochs: int | None, max_steps: int | None, updates_per_epoch: int) -> int | None:
    ends = [] if epochs is None else [epochs * updates_per_epoch]
    ends += [] if max_steps is None else [max_steps]
    return min(ends, default=None)


def describe(setup: TrainingSetup) -> None:
    """Log the corpus, the tokenizers, the model and the batches."""
    corpus, origin = setup.corpus, setup.corpus.origin
    named = " ".join(filter(None, [origin.corpus, origin.config]))
    revision = f" at {origin.revision[:12]}" if origin.revision else ""
    log.info("corpus %s%s, %s to %s", named, revision, *_languages(setup.config))
    for name in SPLITS:
        cleaning = corpus.cleaning.get(name)
        dropped = cleaning.dropped if cleaning else {}
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in dropped.items() if count)
        log.info(
            "  %-10s %9s pairs (%s)%s",
            name,
            f"{len(corpus.split(name)):,}",
            origin.splits.get(name, name),
            f"; left out: {reasons}" if reasons else "",
        )
        rewritten = cleaning.normalized if cleaning else {}
        if any(rewritten.values()):
            changes = ", ".join(f"{what}: {count:,}" for what, count in rewritten.items() if count)
            log.info("  %-10s normalized in %s sentences", "", changes)
    vocabularies = setup.tokenizers.vocabularies
    log.info(
        "tokenizer %s, %s",
        setup.config.tokenizer.kind,
        f"{vocabularies.source:,} joint pieces"
        if setup.tokenizers.joint
        else f"{vocabularies.source:,} source and {vocabularies.target:,} target pieces",
    )
    table = parameter_table(setup.model)
    log.info(
        "model with %s parameters: %s",
        f"{sum(count for _, count in table):,}",
        ", ".join(f"{name} {count:,}" for name, count in table),
    )
    if setup.timings:
        log.info("%s", setup.timings)
    log.info(
        "%s; the target is read by %s; batches of up to %s tokens per side, %.1f %% padding; %s "
        "updates per epoch%s",
        setup.compute,
        teacher_forcing_schedule.how_read(
            setup.config.training, setup.model.reads_by, setup.model.reads_own_by
        ),
        f"{setup.config.training.batch_tokens:,}",
        100 * padding_share(setup),
        f"{setup.updates_per_epoch:,}",
        f", {setup.updates:,} in all" if setup.updates else "",
    )


def padding_share(setup: TrainingSetup) -> float:
    """The share of padding among the positions of both sides; the same in every epoch."""
    return setup.loader.stats.padding_share


def _languages(config: Config) -> tuple[str, str]:
    return config.data.source, config.data.target
