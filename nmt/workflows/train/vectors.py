"""Pretrained word vectors: put into the embeddings of a new model, and optionally frozen."""

import logging
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import nn

from nmt.config import Loaded, ModelConfig, VectorsConfig
from nmt.data.batching.encoded import EncodedBitext, IdColumn
from nmt.data.tokenizers.base import FIRST_WORD, Tokenizer
from nmt.data.tokenizers.learn import Tokenizers
from nmt.data.tokenizers.word_level import bare
from nmt.data.tokenizers.word_vectors import VectorFile, Vectors, inspect, read_vectors
from nmt.errors import ConfigError, DataError
from nmt.models import Seq2Seq

log = logging.getLogger(__name__)
Side = Literal["source", "target"]
SIDES: tuple[Side, Side] = ("source", "target")


def check_vectors(loaded: Loaded) -> None:
    """Refuse unusable files of word vectors, judging by their first lines.

    Raises:
        ConfigError: the message names the file and line of the config, and of the vectors.
    """
    for side in SIDES:
        config = _config(loaded.config.model, side)
        if config is not None:
            try:
                _inspected(config, loaded.config.model.embedding_size)
            except (ConfigError, DataError) as error:
                key = f"model.{side}_vectors.file"
                raise loaded.located(ConfigError(str(error)), key) from None


def load_vectors(
    model: Seq2Seq, config: ModelConfig, tokenizers: Tokenizers, train: EncodedBitext
) -> None:
    """Initialise embeddings from the config's word vectors, and log how many words have one.

    Raises:
        DataError: a file is missing or broken; the message names the line.
        ConfigError: the vectors and the embeddings differ in size.
    """
    for side in SIDES:
        vectors = _config(config, side)
        if vectors is not None:
            file = _inspected(vectors, config.embedding_size)
            tokenizer: Tokenizer = getattr(tokenizers, side)
            words = {id: bare(tokenizer.names[id]) for id in range(FIRST_WORD, len(tokenizer))}
            matched = read_vectors(file, words)
            _fill(_embedding(model, side), matched)
            _report(file, matched, _counts(getattr(train, side), len(tokenizer)), side)


def freeze_vectors(model: Seq2Seq, config: ModelConfig) -> None:
    """Freeze the embeddings that are not tuned, with the output layer if it shares them."""
    for side in SIDES:
        vectors = _config(config, side)
        if vectors is not None and not vectors.tune:
            _embedding(model, side).weight.requires_grad_(False)
            shared = side == "target" and config.tie_embeddings != "none"
            log.info("the %s embeddings%s are frozen", side, " and the output layer" * shared)


def _config(config: ModelConfig, side: Side) -> VectorsConfig | None:
    vectors: VectorsConfig | None = getattr(config, f"{side}_vectors")
    return vectors


def _embedding(model: Seq2Seq, side: Side) -> nn.Embedding:
    embedding = getattr(model, f"{side}_embedding")
    assert isinstance(embedding, nn.Embedding), "every model has one for each side"
    return embedding


def _inspected(config: VectorsConfig, size: int) -> VectorFile:
    file = inspect(Path(config.file))
    if file.width != size:
        raise ConfigError(
            f"{file.path}:{file.line_of_width}: its vectors have {file.width} numbers, but "
            f"model.embedding_size is {size}: set model.embedding_size to {file.width}, or name a "
            f"file of vectors of {size}"
        )
    return file


@torch.no_grad()
def _fill(embedding: nn.Embedding, vectors: Vectors) -> None:
    table = embedding.weight
    ids = torch.from_numpy(vectors.ids).to(table.device)
    table[ids] = torch.from_numpy(vectors.table).to(table)


def _counts(column: IdColumn, size: int) -> np.ndarray:
    """How often each id occurs: (size,) int64"""
    counts = np.zeros(size, np.int64)
    for ids in column.ids:
        counts += np.bincount(ids, minlength=size)
    return counts


def _report(file: VectorFile, vectors: Vectors, counts: np.ndarray, side: Side) -> None:
    """Log the coverage of this side's training text, by distinct words and by occurrences."""
    occurring = np.flatnonzero(counts[FIRST_WORD:]) + FIRST_WORD
    covered = np.intersect1d(occurring, vectors.ids)
    log.info(
        "word vectors: %s of %s %s words found in %s (%.1f %% of running words)",
        f"{len(covered):,}",
        f"{len(occurring):,}",
        side,
        file.path.name,
        100 * counts[covered].sum() / max(1, counts.sum()),
    )
    if not len(covered):
        log.warning("%s has no word of the %s text: is it of that language?", file.path, side)
    if vectors.promised is not None and vectors.words < vectors.promised:
        log.warning(
            "%s announces %s words in its first line but has %s: was it cut short?",
            file.path,
            f"{vectors.promised:,}",
            f"{vectors.words:,}",
        )
