"""From a run folder, or an export, to a model that translates."""

import logging
import sys
from dataclasses import dataclass, field
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

if TYPE_CHECKING:  # torch is slow to import, and an export does without it
    from nmt.models import Seq2Seq
    from nmt.models.devices import Compute

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainedModel:
    """An engine out of a run, with its tokenizers, and what records say of it."""

    run: Run
    config: Config
    tokenizers: Tokenizers
    engine: Engine
    identity: dict[str, Any]
    """`run`, `step` and `fingerprint`: which model it is."""
    checkpoint: Path | None
    """None for an export that stands alone."""
    device: str
    _loading: Lock = field(default_factory=Lock, repr=False, compare=False)

    def translator(self, decoding: DecodingConfig) -> Translator:
        return Translator(self.engine, self.tokenizers, decoding)

    @cached_property
    def model(self) -> "Seq2Seq":
        """The model in torch and in float32, for what only that can do; loaded once.

        Raises:
            CheckpointError: this is an export, and there is no checkpoint with it.
        """
        if self.checkpoint is None:
            raise CheckpointError(f"{self.run.folder} is an export: it holds no model for torch")
        with self._loading:  # cached_property has no lock of its own from Python 3.12 on
            if "model" not in self.__dict__:
                model, compute = _load_model(
                    self.config, self.checkpoint, self.tokenizers, self.device, "float32"
                )
                self.__dict__["model"] = model.to(compute.device).eval()
            found: Seq2Seq = self.__dict__["model"]
        return found

    def records(
        self, translated: Translated, name: str, *, maps: bool = False
    ) -> list[AttentionRecord]:
        """The attention records of a sentence, one for each of its hypotheses.

        A line that was translated in parts has those of its parts, named `NAME.1`, `NAME.2`, ...

        maps: with the matrices of all layers and heads, where the model has several
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
        """Whether there is more than one attention matrix to a sentence."""
        from nmt.models.decoders import decoders
        from nmt.models.encoders import encoders

        model = self.config.model
        own = encoders[model.encoder.kind].has_maps or decoders[model.decoder.kind].has_maps
        return model.attention.heads > 1 or own

    @property
    def attention(self) -> dict[str, Any]:
        """What kind of attention the weights are of."""
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
) -> TrainedModel:
    """Load a checkpoint, or its export, for translating, and say what will compute.

    device, decoding: instead of the run's own; of `decoding`, its engine and precision count.

    Raises:
        CheckpointError: something is missing, cut short, or foreign.
        UsageError: the engine asked for cannot run here.
    """
    config = run.read_config()
    wanted = decoding or config.decoding
    found = _ModelResolver(run, config, checkpoint, device, wanted).find()
    log.info("decoding by %s", found.engine)
    return found


def without_length_limit(decoding: DecodingConfig) -> DecodingConfig:
    """The same for a text that is measured whole: no line of it is too long."""
    return decoding.model_copy(update={"max_source_length": sys.maxsize})


@dataclass(frozen=True)
class _ModelResolver:
    """What was asked for, and the two places where it may be found."""

    run: Run
    config: Config
    checkpoint: str
    asked: str | None
    """The device that was asked for; None: the config's."""
    decoding: DecodingConfig

    @cached_property
    def device(self) -> str:
        """What was asked for; else the config's, where this machine has it."""
        return self.asked or _here(self.config.device)

    def find(self) -> TrainedModel:
        alone = Export(self.run.folder)
        if alone.exists:
            return self._alone(alone)
        if self.decoding.engine == "onnx" or self.decoding.precision == "int8":
            return self._by_export()
        return self._own_export() or self._in_torch()

    def _alone(self, export: Export) -> TrainedModel:
        if self.decoding.engine == "torch":
            raise UsageError(f"{export.folder} is an export, which torch cannot run: use auto")
        step = str(export.identity["step"])
        if self.checkpoint not in ("best", "last", step):
            raise CheckpointError(f"{export.folder} holds step {step}, not {self.checkpoint}")
        self._refuse_device()
        return self._trained(export, self.decoding.precision, export.identity, None, "cpu")

    def _by_export(self) -> TrainedModel:
        """The run's own export and nothing else."""
        self._refuse_device()
        export, folder = Export(self.run.export), self.run.checkpoint(self.checkpoint)
        identity = identity_of(self.run, folder)
        _refuse_another(export, identity, self.run)
        return self._trained(export, self.decoding.precision, identity, folder, self.device)

    def _refuse_device(self) -> None:
        """Exports are for the processor; the config's device is that of the training."""
        if self.asked not in (None, "auto", "cpu"):
            raise UsageError(
                f"exports run on the processor, not on {self.asked}: take --device cpu, "
                "or a run with --engine torch"
            )

    def _own_export(self) -> TrainedModel | None:
        """The run's own export, where `auto` finds that it serves as well."""
        export = Export(self.run.export)
        if self.decoding.engine == "torch" or not export.exists or not _on_processor(self.device):
            return None
        wanted = self.decoding.precision
        if wanted == "bfloat16":
            return None
        if not runnable():
            log.info("%s is not used: onnxruntime is not installed", export.folder)
            return None
        folder = self.run.checkpoint(self.checkpoint)
        identity = identity_of(self.run, folder)
        try:
            _refuse_another(export, identity, self.run)
            if wanted == "float32" and wanted not in export.precisions:
                return None
            return self._trained(export, wanted, identity, folder, self.device)
        except CheckpointError as error:
            log.warning("decoding by torch, since %s", error)
            return None

    def _in_torch(self) -> TrainedModel:
        from nmt.decoding.torch_engine import TorchEngine

        folder = self.run.checkpoint(self.checkpoint)
        precision = self.decoding.precision
        if precision == "auto":
            precision = self.config.precision
        tokenizers = Tokenizers.load(self.run.tokenizer)
        model, compute = _load_model(self.config, folder, tokenizers, self.device, precision)
        engine = TorchEngine(model, compute)
        identity = identity_of(self.run, folder)
        return TrainedModel(
            self.run, self.config, tokenizers, engine, identity, folder, self.device
        )

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
    """Which model a checkpoint is.

    Raises:
        CheckpointError: its parameters are missing, or its state is.
    """
    path = checkpoint / "model.safetensors"
    try:
        digest = fingerprint(path)
    except OSError:
        raise CheckpointError(f"{path} is missing: the checkpoint is not complete") from None
    state = read_state(checkpoint)
    return {"run": run.folder.name, "step": int(state.get("step", 0)), "fingerprint": digest}


def _refuse_another(export: Export, identity: dict[str, Any], run: Run) -> None:
    """An export of another checkpoint would pass for one of this."""
    known = export.identity
    if known["fingerprint"] != identity["fingerprint"]:
        raise CheckpointError(
            f"{export.folder} is of {_named(known)}, not of {_named(identity)}; "
            f"export again: nmt export {run.folder}"
        )


def _named(identity: dict[str, Any]) -> str:
    return f"step {identity['step']} of {identity['run']} ({identity['fingerprint']})"


def _load_model(
    config: Config, checkpoint: Path, tokenizers: Tokenizers, device: str, precision: str
) -> "tuple[Seq2Seq, Compute]":
    from nmt.checkpoint import store
    from nmt.models.build import build_model, shapes_alone
    from nmt.models.devices import choose

    compute = choose(device, precision)
    with shapes_alone():  # what does not fit the file is told before it takes memory
        store.refuse_another(checkpoint, build_model(config.model, tokenizers.vocabularies))
    model = build_model(config.model, tokenizers.vocabularies)
    store.load_model(checkpoint, model)
    return model, compute


def _here(device: str) -> str:
    """The device of a training, or `auto` where this machine has no such device."""
    if device in ("auto", "cpu"):
        return device
    from nmt.models.devices import choose

    try:
        choose(device, "float32")
    except ConfigError:
        log.info("the run's device, %s, is not here: taking auto instead", device)
        return "auto"
    return device


def _on_processor(device: str) -> bool:
    """Whether a device is the processor; of `auto`, as far as it can be told without torch."""
    if device != "auto":
        return device == "cpu"
    return not any(Path(place).exists() for place in ("/dev/nvidiactl", "/dev/dxg"))
