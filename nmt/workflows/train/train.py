"""`nmt train`: data, tokenizer, batches, training, best checkpoint, test scores and attention."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import numpy as np

from nmt.checkpoint import store, texts
from nmt.checkpoint.run import Run
from nmt.checkpoint.state import KINDS
from nmt.config import Config, DecodingConfig, Loaded
from nmt.data.batching.batches import Batch, collate, lengths_with_end, make_batches
from nmt.data.batching.loader import Position
from nmt.data.corpus.types import SPLITS
from nmt.decoding.torch_engine import TorchEngine
from nmt.decoding.translator import Translator
from nmt.errors import CheckpointError, DataError, UsageError, printable
from nmt.evaluation.metrics import bleu_and_chrf
from nmt.files import resolve_link
from nmt.models.devices import chosen_before, resumed_elsewhere
from nmt.training.interrupts import Interrupts
from nmt.training.loop import Progress, TrainingLoop, Validation
from nmt.training.trainer import Trainer
from nmt.workflows.evaluate import evaluate_split
from nmt.workflows.inference.run_text import Text
from nmt.workflows.train.manifest import manifest
from nmt.workflows.train.model_card import write_card
from nmt.workflows.train.progress_bar import clock
from nmt.workflows.train.reporter import TrainingReporter, remembered, trim_metrics, written_to
from nmt.workflows.train.resume import check_changes
from nmt.workflows.train.setup import TrainingSetup, describe, prepare
from nmt.workflows.train.validate import check_model
from nmt.workflows.train.vectors import check_vectors

log = logging.getLogger(__name__)
FREE_RUNNING = 256  # validation pairs that the model reads with its own words
TRIAL_WARM_UP, TRIAL_UPDATES = 5, 10  # of a dry run: updates before those that are timed


@dataclass(frozen=True)
class Request:
    """The options of `nmt train`, besides the config."""

    folder: Path
    resume: bool = False
    overwrite: bool = False
    command: Sequence[str] = ()
    latest: bool = True
    """Whether the run, once finished, becomes the default of other commands."""


def train(loaded: Loaded, request: Request) -> Run:
    """Train or resume, and evaluate the best checkpoint.

    Raises:
        NmtError: something the user can fix; what was trained so far is saved.
        Interrupted: a signal asked to stop; everything is saved.
    """
    run = Run(resolve_link(request.folder))
    _check_run_folder(run, loaded.config, request)
    check_model(loaded)
    with run.locked():
        resuming = _check_run_folder(
            run, loaded.config, request
        )  # again, now that nobody else can change the run
        if not resuming:  # a checkpoint holds them, even if their files are gone
            check_vectors(loaded)
        with remembered() as early:
            setup = _continued(run, loaded.config) if resuming else prepare(loaded.config)
        if resuming:
            _refuse_other_text(run, setup)
            run.card.unlink(missing_ok=True)  # it is about to be out of date
            run.write_config(loaded)  # with the accepted changes
        else:
            _create(run, loaded, setup, request)
        with written_to(run.log, early, root=run.folder), Interrupts().watched() as interrupts:
            describe(setup)
            total, training = setup.updates, setup.config.training
            trainer = Trainer(setup.model, training, setup.compute, total=total)
            progress = _restored(run, trainer) if resuming else Progress()
            _fit(run, setup, trainer, progress, interrupts)

            def conclude() -> None:
                _conclude(run, setup, progress)
                if request.latest:
                    run.finish()

            interrupts.at_once(conclude, interrupts.leave)
    return run


def _continued(run: Run, config: Config) -> TrainingSetup:
    """What `prepare` gives, with the tokenizers of a run, and its precision unless another is set.

    So a resumed training computes what an uninterrupted one would have.
    """
    compute = None
    if config.precision == "auto":
        compute = chosen_before(config.device, run.read_manifest()["compute"])
    return prepare(config, tokenizer=run.tokenizer, compute=compute)


def dry_run(loaded: Loaded) -> None:
    """Log what a training logs at its start, with an estimate of its time; write nothing."""
    check_model(loaded)
    check_vectors(loaded)
    setup = prepare(loaded.config)
    describe(setup)
    training = setup.config.training
    trainer = Trainer(setup.model, training, setup.compute, total=setup.updates)
    position = Position()
    with setup.loader as loader:

        def train_on(updates: int) -> int:
            batches = (loader.take(position, training.accumulate) for _ in range(updates))
            return sum(trainer.step(each).target_tokens for each in batches)

        train_on(TRIAL_WARM_UP)
        started = monotonic()
        tokens = train_on(TRIAL_UPDATES)
    seconds = monotonic() - started
    log.info(
        "%.0f target tokens/s in %d updates: about %s for %s, without validations",
        tokens / seconds,
        TRIAL_UPDATES,
        clock(seconds / TRIAL_UPDATES * (setup.updates or setup.updates_per_epoch)),
        "the whole training" if setup.updates else "an epoch",
    )
    log.info("dry run: no run folder was written")


def _check_run_folder(run: Run, config: Config, request: Request) -> bool:
    """Whether an existing run is resumed; refuse to overwrite one without --overwrite.

    Raises:
        UsageError: the folder is not a run, or is one and neither option was given.
        CheckpointError: a file is missing without which the run cannot be resumed.
    """
    if run.empty:
        if request.resume:
            raise UsageError(f"there is no run to resume in {run.folder}: leave out --resume")
        return False
    if not run.exists:
        raise UsageError(
            f"{run.folder} is not a run of nmt{run.why_not()}, and is left as it is: "
            "choose another folder with --run-dir"
        )
    if not (request.resume or request.overwrite):
        raise UsageError(
            f"{run.folder} exists: continue with --resume, start again with --overwrite, "
            "or choose another folder with --run-dir"
        )
    if request.overwrite:
        return False
    if run.resolved.exists():
        check_changes(run.read_config(), config, run.resolved)
    elif run.steps():
        raise CheckpointError(
            f"{run.folder} has checkpoints, but {run.resolved.name} is missing, so it is unknown "
            "whether this config continues them: restore it, or start again with --overwrite"
        )
    return bool(run.steps())


def _create(run: Run, loaded: Loaded, setup: TrainingSetup, request: Request) -> None:
    """Create a run folder: first the manifest, which marks it as a run; last the config."""
    if request.overwrite:
        run.delete()
    run.write_manifest(manifest(setup, request.command))
    setup.tokenizers.save(run.tokenizer, root=run.folder)
    texts.keep(run, setup.corpus)
    run.write_config(loaded)
    trim_metrics(
        run.metrics, 0, 0, root=run.folder
    )  # left by a run that was killed before it saved


def _refuse_other_text(run: Run, setup: TrainingSetup) -> None:
    """Raise DataError if a split differs from the one that the run has used so far."""
    known = run.read_manifest()["corpus"]["fingerprints"]
    for name in SPLITS:
        now = setup.corpus.split(name).fingerprint()
        if known[name] != now:
            used = "trained on" if name == "train" else "measured on"
            raise DataError(
                f"{run.folder} was {used} another {name} split than the corpus has now "
                f"(fingerprint {known[name]}, now {now}), so it cannot be resumed exactly: "
                "retrain with --overwrite, or in another --run-dir"
            )


def _restored(run: Run, trainer: Trainer) -> Progress:
    folder = run.step(run.steps()[-1])
    store.load_model(folder, trainer.model)
    tensors, state = store.load_training(folder)
    if unknown := (KINDS.keys() - state.keys()) | (state.keys() - Progress().as_dict().keys()):
        raise CheckpointError(
            f"{folder} was saved by another version of nmt: its state has other keys "
            f"({printable(', '.join(sorted(unknown)), most=80)})"
        )
    progress = Progress(**state)
    if warning := resumed_elsewhere(run.read_manifest()["compute"], trainer.compute):
        log.warning(warning)
    trainer.restore(tensors, steps=progress.step, bad_validations=progress.bad_validations)
    trim_metrics(run.metrics, progress.step, progress.validated, root=run.folder)
    run.keep(
        newest=trainer.config.keep_checkpoints, best=progress.best_step
    )  # if it was killed before this
    log.info("resumed at step %d, epoch %d, from %s", progress.step, progress.epoch, folder)
    return progress


def _fit(
    run: Run, setup: TrainingSetup, trainer: Trainer, progress: Progress, interrupts: Interrupts
) -> None:
    training = setup.config.training

    reporter = TrainingReporter(
        run, training, updates_per_epoch=setup.updates_per_epoch, updates=setup.updates
    )

    def save(progress: Progress) -> None:
        store.save(run.step(progress.step), setup.model, trainer.state(), progress.as_dict())
        run.keep(newest=training.keep_checkpoints, best=progress.best_step)
        reporter.saved()

    with reporter:
        TrainingLoop(
            trainer=trainer,
            loader=setup.loader,
            config=training,
            progress=progress,
            validate=lambda: _validate(setup, trainer, reporter, progress),
            save=save,
            observer=reporter,
            interrupts=interrupts,
        ).run()


def _validate(
    setup: TrainingSetup, trainer: Trainer, reporter: TrainingReporter, progress: Progress
) -> Validation:
    """Loss with teacher forcing, BLEU and chrF of greedy search, on the validation split.

    Token accuracy, with the reference's words and with the model's own (free running), is measured
    on at most FREE_RUNNING pairs, always the same, evenly spread: free running is slow, position by
    position.
    """
    started = monotonic()
    count = len(setup.validation)
    loss = trainer.loss(validation_batches(setup, np.arange(count)))
    spread = np.linspace(0, count - 1, min(count, FREE_RUNNING)).astype(int)
    few = validation_batches(setup, spread)
    forced, free = (trainer.accuracy(few, free=own) for own in (False, True))
    longest = int(setup.validation.source.lengths.max()) + 1
    greedy = DecodingConfig(beam_size=1, max_source_length=longest)
    engine = TorchEngine(setup.model, setup.compute)
    translator = Translator(engine, setup.tokenizers, greedy)
    text = setup.corpus.validation
    hypotheses = [translated.text for translated in translator.translate(text.sources)]
    bleu, chrf = bleu_and_chrf(hypotheses, text.targets, setup.config.data.target)
    shown = np.linspace(0, len(text) - 1, setup.config.training.samples + 2).astype(int)[1:-1]
    reporter.samples(
        progress, [(text.sources[i], text.targets[i], hypotheses[i]) for i in shown.tolist()]
    )
    return Validation(loss, bleu, chrf, forced, free, monotonic() - started)


def validation_batches(setup: TrainingSetup, sentences: np.ndarray) -> list[Batch]:
    """Batches of some validation pairs, however long they are."""
    lengths = [side[sentences] for side in lengths_with_end(setup.validation)]
    longest = int(lengths[0].max()), int(lengths[1].max())
    budget = max(setup.config.training.batch_tokens, *longest)
    groups = make_batches(*lengths, budget=budget, seed=0, epoch=0)
    return [collate(setup.validation, sentences[group], longest=longest) for group in groups]


def _conclude(run: Run, setup: TrainingSetup, progress: Progress) -> None:
    """Evaluate the best checkpoint and write the model card, which marks a run as finished."""
    log.info(
        "training ended: %s; best validation %s %.2f at step %d, after %s",
        progress.ended,
        setup.config.training.best_by,
        abs(progress.best_score or 0.0),
        progress.best_step,
        clock(progress.seconds),
    )
    in_torch = {"engine": "torch", "precision": "auto"}  # there is no export of a new run
    decoding = setup.config.decoding.model_copy(update=in_torch)
    for split in setup.config.evaluation.splits:
        text = Text(setup.corpus.split(split), setup.corpus.origin.corpus)
        evaluate_split(run, split, text=text, decoding=decoding)
    write_card(run)
    origin = setup.corpus.origin
    if origin.instead_of:
        log.warning(
            "this model was trained on '%s', not on '%s': %s",
            origin.corpus,
            origin.instead_of,
            origin.because,
        )
    log.info("trained on %s; everything is in %s", origin.corpus, run.folder)
