"""From a run folder to a model that translates."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from nmt.checkpoint import store
from nmt.checkpoint.run import Run
from nmt.config import Config, DecodingConfig
from nmt.data.tokenizer import Tokenizers
from nmt.decoding.translator import Translated, Translator
from nmt.evaluation.records import AttentionRecord, make_record
from nmt.models import Seq2Seq, build_model
from nmt.models.devices import Compute, choose


@dataclass(frozen=True)
class Trained:
    """A model out of a run, with its tokenizers, and what records say of it."""

    run: Run
    config: Config
    checkpoint: Path
    tokenizers: Tokenizers
    model: Seq2Seq[Any]
    compute: Compute

    def translator(self, decoding: DecodingConfig) -> Translator:
        return Translator(self.model, self.tokenizers, decoding, self.compute)

    def records(self, translated: Translated, name: str) -> list[AttentionRecord]:
        """The attention records of a sentence, one for each of its hypotheses."""
        return [
            make_record(
                id=name,
                source=translated.source,
                target=translation.text,
                source_pieces=translated.pieces,
                target_pieces=translation.pieces,
                weights=translation.hypothesis.attention,
                token_scores=translation.hypothesis.token_scores,
                attention=self.attention,
                model=self.identity,
                rank=rank,
            )
            for rank, translation in enumerate(translated.best)
        ]

    @property
    def attention(self) -> dict[str, Any]:
        """What kind of attention the weights are of."""
        chosen = self.config.model.attention
        return {
            "score": chosen.score,
            "normalizer": chosen.normalizer,
            "scope": chosen.scope,
            "heads": 1,
            "state": self.model.attends_from,
        }

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Which model it was."""
        return {
            "run": self.run.folder.name,
            "step": int(self.checkpoint.name.removeprefix("step-")),
            "fingerprint": sha256((self.checkpoint / store.MODEL).read_bytes()).hexdigest()[:16],
        }


def load_trained(run: Run, *, checkpoint: str = "best", device: str | None = None) -> Trained:
    """Load a checkpoint for translating, on the device of its config unless another is given.

    Raises:
        CheckpointError: something is missing, cut short, or foreign.
    """
    config = run.read_config()
    compute = choose(device or config.device, config.precision)
    folder = run.checkpoint(checkpoint)
    tokenizers = Tokenizers.load(run.tokenizer)
    model = build_model(config.model, tokenizers.vocabularies)
    store.load_model(folder, model)
    return Trained(run, config, folder, tokenizers, model.to(compute.device).eval(), compute)
