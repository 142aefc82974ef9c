"""Batches of made-up words, and models to train on them: no corpus is needed to measure speed."""

import numpy as np
import torch

from nmt.config import AttentionConfig, DecoderConfig, EncoderConfig, ModelConfig, TrainingConfig
from nmt.data.batching.batches import Batch
from nmt.data.tokenizers.base import BOS, EOS, Vocabularies
from nmt.models import build_model
from nmt.models.devices import choose
from nmt.training.trainer import Trainer


def batch_of(sentences: int, length: int, vocabulary: int) -> Batch:
    """Sentences of equal length, including EOS; word frequencies follow Zipf's law."""
    dice = np.random.default_rng(1)
    words = np.arange(EOS + 1, vocabulary)
    chances = 1 / (words - EOS)
    sides = dice.choice(words, size=(2, sentences, length), p=chances / chances.sum())
    sides[:, :, -1] = EOS
    source, target = sides
    shifted = np.concatenate([np.full((sentences, 1), BOS), target[:, :-1]], axis=1)
    return Batch(source, shifted, target, np.arange(sentences))


def model_of(*, hidden: int = 512, kind: str = "luong", feeding: bool = True) -> ModelConfig:
    """The model of benchmarks/README.md, in other sizes or with another decoder."""
    return ModelConfig(
        embedding_size=hidden // 2,
        encoder=EncoderConfig(size=hidden // 2),
        decoder=DecoderConfig(kind=kind, size=hidden, input_feeding=feeding),
        attention=AttentionConfig(score="general" if kind == "luong" else "additive"),
        tie_embeddings="all",
    )


def trainer_of(model: ModelConfig, vocabulary: int, *, precision: str = "auto") -> Trainer:
    torch.manual_seed(1)
    network = build_model(model, Vocabularies(vocabulary, vocabulary))
    return Trainer(network, TrainingConfig(), choose("cpu", precision), total=None)
