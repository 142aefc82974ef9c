"""Word vectors learned elsewhere: put into the embeddings of a new model, and frozen or not."""

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
    """Refuse files of word vectors that cannot serve, by their first lines.

    Raises:
        ConfigError: names the file and line of the config, and those of the vectors.
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
    """Begin with the word vectors that the config names, and say how many words have one.

    Raises:
        DataError: a file is missing or broken; with the line.
        ConfigError: its vectors are not as wide as the embeddings.
    """
    for side in SIDES:
        vectors = _config(config, side)
        if vectors is not None:
            file = _inspected(vectors, config.embedding_size)
            tokenizer: Tokenizer = getattr(tokenizers, side)
            words = {id: bare(tokenizer.names[id]) for id in range(FIRST_WORD, len(tokenizer))}
            found = read_vectors(file, words)
            _fill(_embedding(model, side), found)
            _report(file, found, _counts(getattr(train, side), len(tokenizer)), side)


def freeze_vectors(model: Seq2Seq, config: ModelConfig) -> None:
    """Take those that are not tuned out of the training, the vocabulary that shares them too."""
    for side in SIDES:
        vectors = _config(config, side)
        if vectors is not None and not vectors.tune:
            _embedding(model, side).weight.requires_grad_(False)
            shared = side == "target" and config.tie_embeddings != "none"
            log.info("the %s embeddings%s stay as they are", side, " and the vocabulary's" * shared)


def _config(config: ModelConfig, side: Side) -> VectorsConfig | None:
    found: VectorsConfig | None = getattr(config, f"{side}_vectors")
    return found


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
def _fill(embedding: nn.Embedding, found: Vectors) -> None:
    table = embedding.weight
    table[torch.from_numpy(found.ids).to(table.device)] = torch.from_numpy(found.table).to(table)


def _counts(column: IdColumn, size: int) -> np.ndarray:
    """How often each id occurs: (size,) int64"""
    counts = np.zeros(size, np.int64)
    for ids in column.ids:
        counts += np.bincount(ids, minlength=size)
    return counts


def _report(file: VectorFile, found: Vectors, counts: np.ndarray, side: Side) -> None:
    """Tell the coverage: of the words of this side's training text, and of their occurrences."""
    occurring = np.flatnonzero(counts[FIRST_WORD:]) + FIRST_WORD
    having = np.intersect1d(occurring, found.ids)
    log.info(
        "word vectors: %s of %s %s words found in %s (%.1f %% of running words)",
        f"{len(having):,}",
        f"{len(occurring):,}",
        side,
        file.path.name,
        100 * counts[having].sum() / max(1, counts.sum()),
    )
    if not len(having):
        log.warning("%s has no word of the %s text: is it of that language?", file.path, side)
    if found.promised is not None and found.words < found.promised:
        log.warning(
            "%s promises %s words in its first line and has %s: was it cut short?",
            file.path,
            f"{found.promised:,}",
            f"{found.words:,}",
        )
