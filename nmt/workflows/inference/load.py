"""Load a model that translates from a run folder or an export."""

import logging
import sys
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from nmt.checkpoint.run import Run
from nmt.checkpoint.state import read_state
from nmt.config import Config, DecodingConfig
from nmt.data.tokenizers.learn import Tokenizers
from nmt.decoding.engine import Engine
from nmt.decoding.exported import Export, fingerprint, runnable
from nmt.decoding.translator import Translated, Translator
from nmt.errors import CheckpointError, ConfigError, UsageError
from nmt.evaluation.records import AttentionRecord, make_record
from nmt.imports import first_import

if TYPE_CHECKING:  # torch is slow to import, and an export does without it
    from nmt.data.tokenizers.base import Vocabularies
    from nmt.decoding.shortlist import Shortlist
    from nmt.models import Seq2Seq
    from nmt.models.devices import Compute

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainedModel:
    """An engine loaded from a run, its tokenizers, and its description for records."""

    run: Run
    config: Config
    tokenizers: Tokenizers
    engine: Engine
    identity: dict[str, Any]
    """`run`, `step` and `fingerprint`, which identify the model."""
    checkpoint: Path | None
    """None for a standalone export."""
    device: str
    _loading: Lock = field(default_factory=Lock, repr=False, compare=False)

    def translator(self, decoding: DecodingConfig) -> Translator:
        return Translator(self.engine, self.tokenizers, decoding)

    @cached_property
    def model(self) -> "Seq2Seq":
        """The torch model in float32, for what the engine cannot do; loaded once.

        Raises:
            CheckpointError: this is an export without a checkpoint.
        """
        if self.checkpoint is None:
            raise CheckpointError(f"{self.run.folder} is an export: it holds no model for torch")
        with self._loading:  # cached_property has no lock of its own from Python 3.12 on
            if "model" not in self.__dict__:
                model, compute = _load_model(
                    self.config, self.checkpoint, self.tokenizers, self.device, "float32"
                )
                self.__dict__["model"] = model.to(compute.device).eval()
            loaded: Seq2Seq = self.__dict__["model"]
        return loaded

    def records(
        self, translated: Translated, name: str, *, maps: bool = False
    ) -> list[AttentionRecord]:
        """The attention records of a sentence, one for each of its hypotheses.

        A line that was translated in parts has one set per part, named `NAME.1`, `NAME.2`, ...

        maps: include the matrices of all layers and heads, if the model has several
        """
        if translated.parts:
            parts = enumerate(translated.parts, start=1)
            named = [self.records(part, f"{name}.{number}", maps=maps) for number, part in parts]
            return list(chain.from_iterable(named))
        several = maps and self.checkpoint is not None and self.has_maps
        if several:
            from nmt.workflows.inference.teacher_forcing import maps_of
        return [
            make_record(
                id=name,
                source=translated.source,
                target=translation.text,
                source_pieces=translated.pieces,
                target_pieces=translation.pieces,
                weights=translation.hypothesis.attention,
                token_scores=translation.hypothesis.token_scores,
                maps=maps_of(self, translated, translation) if several else None,
                attention=self.attention,
                model=self.identity,
                rank=rank,
            )
            for rank, translation in enumerate(translated.best)
        ]

    @property
    def has_maps(self) -> bool:
        """Whether the model has more than one attention matrix per sentence."""
        from nmt.models.decoders import decoders
        from nmt.models.encoders import encoders

        model = self.config.model
        own = encoders[model.encoder.kind].has_maps or decoders[model.decoder.kind].has_maps
        return model.attention.heads > 1 or own

    @property
    def attention(self) -> dict[str, Any]:
        """The kind of attention, for the records."""
        chosen = self.config.model.attention
        return {
            "score": chosen.score,
            "normalizer": chosen.normalizer,
            "scope": chosen.scope,
            "choice": chosen.selection,
            "heads": chosen.heads,
            "state": self.engine.attends_from,
        }


def load_trained(
    run: Run,
    *,
    checkpoint: str = "best",
    device: str | None = None,
    decoding: DecodingConfig | None = None,
    config: Config | None = None,
) -> TrainedModel:
    """Load a checkpoint, or its export, for translating, and log which engine runs it.

    config: the run's own, where it has been read already
    device, decoding: override the run's own; only engine, precision and shortlist of `decoding` are
        used.

    Raises:
        CheckpointError: a file is missing, cut short, or not nmt's.
        UsageError: the requested engine cannot run here.
    """
    config = config or run.read_config()
    requested = decoding or config.decoding
    trained = _ModelResolver(run, config, checkpoint, device, requested).find()
    log.info("decoding by %s", trained.engine)
    return trained


def without_length_limit(decoding: DecodingConfig) -> DecodingConfig:
    """The same decoding without a limit on the source length, to score a text as a whole."""
    return decoding.model_copy(update={"max_source_length": sys.maxsize})


@dataclass(frozen=True)
class _ModelResolver:
    """Finds the requested model in the run's export or in its checkpoint."""

    run: Run
    config: Config
    checkpoint: str
    requested_device: str | None
    """The requested device; None: the config's."""
    decoding: DecodingConfig

    @cached_property
    def device(self) -> str:
        """The requested device, or else the config's if this machine has it."""
        return self.requested_device or _here(self.config.device)

    def find(self) -> TrainedModel:
        alone = Export(self.run.folder)
        if alone.exists:
            return self._alone(alone)
        if self.decoding.engine == "onnx" or self.decoding.precision == "int8":
            return self._by_export()
        if self.decoding.shortlist:
            return self._in_torch()
        return self._own_export() or self._in_torch()

    def _alone(self, export: Export) -> TrainedModel:
        if self.decoding.engine == "torch":
            raise UsageError(
                f"{export.folder} is an export, which torch cannot run: use --engine auto"
            )
        step = str(export.identity["step"])
        if self.checkpoint not in ("best", "last", step):
            raise CheckpointError(f"{export.folder} holds step {step}, not {self.checkpoint}")
        self._refuse_device()
        if self.decoding.shortlist:
            log.info("no shortlist is used: exports compute the whole vocabulary")
        return self._trained(export, self.decoding.precision, export.identity, None, "cpu")

    def _by_export(self) -> TrainedModel:
        """The run's own export, without falling back to torch."""
        self._refuse_device()
        export, folder = Export(self.run.export), self.run.checkpoint(self.checkpoint)
        identity = identity_of(self.run, folder)
        _refuse_another(export, identity, self.run)
        return self._trained(export, self.decoding.precision, identity, folder, self.device)

    def _refuse_device(self) -> None:
        """Exports run on the CPU only; the config's device is the one for training."""
        if self.requested_device not in (None, "auto", "cpu"):
            raise UsageError(
                f"exports run on the processor, not on {self.requested_device}: use --device cpu, "
                "or a run with --engine torch"
            )

    def _own_export(self) -> TrainedModel | None:
        """The run's own export, if `auto` may use it instead of torch."""
        export = Export(self.run.export)
        if self.decoding.engine == "torch" or not export.exists or not _on_processor(self.device):
            return None
        precision = self.decoding.precision
        if precision == "bfloat16":
            return None
        if not runnable():
            log.info("%s is not used: onnxruntime is not installed", export.folder)
            return None
        folder = self.run.checkpoint(self.checkpoint)
        identity = identity_of(self.run, folder)
        try:
            _refuse_another(export, identity, self.run)
            if precision == "float32" and precision not in export.precisions:
                return None
            return self._trained(export, precision, identity, folder, self.device)
        except CheckpointError as error:
            log.warning("decoding by torch, because %s", error)
            return None

    def _in_torch(self) -> TrainedModel:
        with first_import("torch"):
            from nmt.decoding.torch_engine import TorchEngine

        folder = self.run.checkpoint(self.checkpoint)
        precision = self.decoding.precision
        if precision == "auto":
            precision = self.config.precision
        tokenizers = Tokenizers.load(self.run.tokenizer)
        identity = identity_of(self.run, folder)
        model, compute = _load_model(self.config, folder, tokenizers, self.device, precision)
        if precision == "auto" and compute.bfloat16 and compute.device.type == "cpu":
            compute = self._faster(model, compute, tokenizers.vocabularies)
        shortlist = self._shortlist(model.to(compute.device), tokenizers, identity)
        engine = TorchEngine(model, compute, shortlist)
        return TrainedModel(
            self.run, self.config, tokenizers, engine, identity, folder, self.device
        )

    def _shortlist(
        self, model: "Seq2Seq", tokenizers: Tokenizers, identity: dict[str, Any]
    ) -> "Shortlist | None":
        size = self.decoding.shortlist
        if not size:
            return None
        from nmt.decoding.shortlist import Shortlist
        from nmt.workflows.inference.shortlist import candidate_table

        table = candidate_table(self.run, self.config, model, tokenizers, identity)
        return Shortlist(table, size, len(tokenizers.target))

    def _faster(self, model: "Seq2Seq", compute: "Compute", sizes: "Vocabularies") -> "Compute":
        from nmt.decoding.trial import time_precisions

        kind = self.config.model
        timings = time_precisions(model, compute, self.decoding, sizes, kind=kind)
        log.debug("%s", timings)
        return replace(compute, bfloat16=timings.bfloat16_wins)

    def _trained(
        self,
        export: Export,
        precision: str,
        identity: dict[str, Any],
        folder: Path | None,
        device: str,
    ) -> TrainedModel:
        tokenizers = Tokenizers.load(self.run.tokenizer)
        engine = export.engine(precision, vocabulary=len(tokenizers.target))
        return TrainedModel(self.run, self.config, tokenizers, engine, identity, folder, device)


def identity_of(run: Run, checkpoint: Path) -> dict[str, Any]:
    """The run, step and fingerprint that identify a checkpoint's model.

    Raises:
        CheckpointError: its parameters or its state are missing.
    """
    path = checkpoint / "model.safetensors"
    try:
        digest = fingerprint(path)
    except OSError:
        raise CheckpointError(f"{path} is missing: the checkpoint is not complete") from None
    state = read_state(checkpoint)
    return {"run": run.folder.name, "step": int(state.get("step", 0)), "fingerprint": digest}


def _refuse_another(export: Export, identity: dict[str, Any], run: Run) -> None:
    """Refuse an export that was made from another checkpoint."""
    known = export.identity
    if known["fingerprint"] != identity["fingerprint"]:
        raise CheckpointError(
            f"{export.folder} was made from {_named(known)}, not from {_named(identity)}; "
            f"export again: nmt export {run.folder}"
        )


def _named(identity: dict[str, Any]) -> str:
    return f"step {identity['step']} of {identity['run']} ({identity['fingerprint']})"


def _load_model(
    config: Config, checkpoint: Path, tokenizers: Tokenizers, device: str, precision: str
) -> "tuple[Seq2Seq, Compute]":
    from nmt.checkpoint import store
    from nmt.models.build import Undrawn, build_model, shapes_alone
    from nmt.models.devices import choose

    compute = choose(device, precision)
    with shapes_alone():  # report a mismatch with the file before taking memory
        store.refuse_another(checkpoint, build_model(config.model, tokenizers.vocabularies))
    with Undrawn():  # the checkpoint has every parameter
        model = build_model(config.model, tokenizers.vocabularies)
    store.load_model(checkpoint, model)
    return model, compute


def _here(device: str) -> str:
    """The run's device, or `auto` if this machine has no such device."""
    if device in ("auto", "cpu"):
        return device
    from nmt.models.devices import choose

    try:
        choose(device, "float32")
    except ConfigError:
        log.info("the run's device, %s, is not available here: using auto instead", device)
        return "auto"
    return device


def _on_processor(device: str) -> bool:
    """Whether a device is the CPU; for `auto`, a guess that does not need torch.

    An AMD GPU counts if torch was built for it: the driver alone is in every laptop with one.
    """
    if device != "auto":
        return device == "cpu"
    if Path("/dev/kfd").exists() and "rocm" in _torch_build():
        return False
    return not any(Path(place).exists() for place in ("/dev/nvidiactl", "/dev/dxg"))


def _torch_build() -> str:
    """torch's version, which may name what it was built for; nothing if it is not installed."""
    from importlib.metadata import PackageNotFoundError, version  # takes 25 ms

    try:
        return version("torch")
    except PackageNotFoundError:
        return ""
