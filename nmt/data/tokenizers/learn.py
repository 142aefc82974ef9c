"""The tokenizers of both sides of a corpus: learned once, stored in the run folder."""

import logging
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from pathlib import Path

from nmt.config import TokenizerConfig
from nmt.data.cache import cache_folder, remove_unused, used
from nmt.data.corpus.types import Bitext
from nmt.data.tokenizers.base import Encoded, Piece, Tokenizer, Vocabularies
from nmt.data.tokenizers.subwords import SubwordTokenizer, learn_subwords, recipe
from nmt.data.tokenizers.word_level import RECIPE, WordTokenizer, learn_words
from nmt.errors import CheckpointError
from nmt.files import read_bytes, replacing, write_text

__all__ = ["Encoded", "Piece", "Tokenizer", "Tokenizers", "learn"]

log = logging.getLogger(__name__)
LARGEST = 2**28  # bytes of a model file: enough for ten million words


@dataclass(frozen=True)
class Tokenizers:
    """The tokenizers of both sides; the same one twice when they are joint."""

    source: Tokenizer
    target: Tokenizer

    @property
    def joint(self) -> bool:
        return self.source is self.target

    @property
    def vocabularies(self) -> Vocabularies:
        return Vocabularies(len(self.source), len(self.target))

    @property
    def fingerprint(self) -> str:
        return f"{self.source.fingerprint}-{self.target.fingerprint}"

    def save(self, folder: Path, *, root: Path | None = None) -> None:
        """Write the models and, for human readers, their vocabularies. root: as in `replacing`."""
        sides = {"joint": self.source} if self.joint else vars(self)
        for name, tokenizer in sides.items():
            with replacing(folder / f"{name}{tokenizer.suffix}", root=root) as draft:
                draft.write_bytes(tokenizer.model)
            lines = [f"{id}\t{piece}\n" for id, piece in enumerate(tokenizer.names)]
            write_text(folder / f"{name}.vocab", "".join(lines), root=root)

    @classmethod
    def load(cls, folder: Path) -> "Tokenizers":
        """Read what `save` wrote.

        Raises:
            CheckpointError: a model is missing or not a model.
        """
        for suffix in (SubwordTokenizer.suffix, WordTokenizer.suffix):
            if (folder / f"joint{suffix}").exists():
                joint = _load(folder / f"joint{suffix}")
                return cls(joint, joint)
        words = (folder / f"source{WordTokenizer.suffix}").exists()
        suffix = WordTokenizer.suffix if words else SubwordTokenizer.suffix
        return cls(_load(folder / f"source{suffix}"), _load(folder / f"target{suffix}"))


def learn(train: Bitext, config: TokenizerConfig, *, seed: int) -> Tokenizers:
    """Learn the tokenizers of both sides, or load them from the cache if learned before.

    Raises:
        ConfigError: the requested vocabulary is too small even for the letters.
    """
    sources = _sample(train.sources, config.max_sentences, seed)
    targets = _sample(train.targets, config.max_sentences, seed)
    if config.joint:
        joint = _learn_one([sources, targets], config, "the joint vocabulary")
        return Tokenizers(joint, joint)
    return Tokenizers(
        _learn_one([sources], config, "the source vocabulary"),
        _learn_one([targets], config, "the target vocabulary"),
    )


def _sample(sentences: Sequence[str], most: int, seed: int) -> Sequence[str]:
    if len(sentences) <= most:
        return sentences
    places = random.Random(seed).sample(range(len(sentences)), most)
    chosen = {place: sentences[place] for place in sorted(places)}  # in order: may be on disk
    return [chosen[place] for place in places]


def _learn_one(parts: Sequence[Sequence[str]], config: TokenizerConfig, name: str) -> Tokenizer:
    words = config.kind == "word"
    key = sha256(f"{RECIPE} {config.vocabulary_size}".encode() if words else recipe(config))
    for sentence in chain.from_iterable(parts):
        key.update(sentence.encode() + b"\n")
    kind: type[Tokenizer] = WordTokenizer if words else SubwordTokenizer
    folder, start = cache_folder("tokenizers"), key.hexdigest()[:32]
    remove_unused(folder)
    tokenizer = _cached(folder, start, kind.suffix)
    if tokenizer is None:
        tokenizer = kind(
            learn_words(chain.from_iterable(parts), config.vocabulary_size)
            if words
            else learn_subwords(parts, config)
        )
        path = folder / f"{start}-{tokenizer.fingerprint}{kind.suffix}"
        with replacing(path) as draft:
            draft.write_bytes(tokenizer.model)
    if len(tokenizer) < config.vocabulary_size:
        log.warning(
            "%s has %s pieces, not %s: the text does not support more",
            name,
            f"{len(tokenizer):,}",
            f"{config.vocabulary_size:,}",
        )
    return tokenizer


def _cached(folder: Path, start: str, suffix: str) -> Tokenizer | None:
    """The cached tokenizer whose file name begins with `start`; the name ends with a fingerprint.

    A damaged file, or one whose fingerprint does not match, is removed.
    """
    for path in sorted(folder.glob(f"{start}-*{suffix}")):
        try:
            tokenizer = _load(path)
            if path.stem == f"{start}-{tokenizer.fingerprint}":
                used(path)
                return tokenizer
            problem = f"{path} does not match the fingerprint in its name"
        except CheckpointError as error:
            problem = str(error)
        log.warning("%s: the tokenizer is learned again", problem)
        with suppress(OSError):
            path.unlink()
    return None


def _load(path: Path) -> Tokenizer:
    words = path.suffix == WordTokenizer.suffix
    try:
        model = read_bytes(path, largest=LARGEST)
        return WordTokenizer(model) if words else SubwordTokenizer(model)
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing: the run folder is incomplete") from None
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}") from None
    except (RuntimeError, ValueError):
        kind = "list of words" if words else "sentencepiece model"
        raise CheckpointError(f"{path} is not a {kind}, or was cut short") from None
