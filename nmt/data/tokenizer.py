"""Subwords: learned by sentencepiece from the training text, with every piece's place in it."""

import io
import json
import logging
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import sentencepiece

from nmt.config import TokenizerConfig
from nmt.data.cache import cache_folder
from nmt.data.corpus import Bitext
from nmt.data.vocabulary import BOS, EOS, PAD, UNK, Vocabularies
from nmt.errors import CheckpointError, ConfigError
from nmt.files import replacing, write_text

log = logging.getLogger(__name__)

SPACE = "\N{LOWER ONE EIGHTH BLOCK}"  # how sentencepiece writes a space inside a piece
COVERAGE = 0.9999  # the share of letters that get pieces; bytes spell the rest
ONE_LINE = dict.fromkeys(map(ord, "\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"), " ")
"""Whatever a model spells in bytes, a line stays a line."""
THREADS = 1  # a unigram vocabulary depends on their number

Ids = Sequence[int]


class Piece(NamedTuple):
    """A subword and the characters of the sentence that it stands for."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Encoded:
    """One sentence in subwords, without the end of the sentence."""

    ids: list[int]
    pieces: list[Piece]


class Tokenizer:
    """Text to ids and back, for one language or for two that share their pieces."""

    def __init__(self, model: bytes) -> None:
        self.model = model
        self.processor = sentencepiece.SentencePieceProcessor(model_proto=model)

    def __len__(self) -> int:
        return self.processor.vocab_size()

    @property
    def fingerprint(self) -> str:
        return sha256(self.model).hexdigest()[:16]

    def encode(self, sentences: list[str]) -> list[list[int]]:
        """Ids of whole sentences, without BOS and EOS."""
        return self.processor.encode(sentences, out_type=int, num_threads=1)

    def end_to_end(self, sentences: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """The ids of all sentences in one array (all,) int32, and their lengths (sentences,)."""
        found = self.processor.encode(sentences, return_type="numpy", num_threads=1)
        lengths = np.fromiter(map(len, found), np.int64, len(found))
        return np.concatenate([np.zeros(0, np.int32), *found]), lengths

    def pieces(self, sentence: str) -> Encoded:
        """Ids, pieces and their places in the sentence."""
        found = self.processor.encode(sentence, return_type="offset_mapping")
        places = list(found["offsets"])
        for i in range(len(places) - 2, -1, -1):  # all bytes of a letter stand for the letter
            start, end = places[i]
            if start == end == places[i + 1][0]:
                places[i] = (start, places[i + 1][1])
        texts = zip(found["pieces"], places, strict=True)
        return Encoded(found["ids"], [Piece(text, *place) for text, place in texts])

    def placed(self, ids: Ids) -> tuple[str, list[Piece]]:
        """The text of ids, and the place of each id's piece in it."""
        text, pieces, spelled = "", list[Piece](), bytearray()
        for name in self.processor.id_to_piece(list(ids)):
            byte = re.fullmatch(r"<0x([0-9A-F]{2})>", name)
            if byte:
                spelled.append(int(byte[1], 16))
                letter = _letter(spelled).translate(ONE_LINE)
                pieces.append(Piece(name, len(text), len(text)))
                if letter:  # all the bytes of a letter stand for it
                    pieces[-len(spelled) :] = [
                        Piece(p.text, len(text), len(text) + len(letter))
                        for p in pieces[-len(spelled) :]
                    ]
                    text += letter
                    spelled.clear()
                continue
            spelled.clear()  # bytes that spelled no letter are left out
            surface = name.replace(SPACE, " ").translate(ONE_LINE)
            if not text:
                surface = surface.removeprefix(" ")
            pieces.append(Piece(name, len(text), len(text) + len(surface)))
            text += surface
        return text, pieces


def _letter(spelled: bytearray) -> str:
    """The letter that bytes spell, or nothing while it is unfinished; stray bytes are dropped."""
    while spelled:
        try:
            return spelled.decode("utf-8")
        except UnicodeDecodeError as error:
            if error.reason == "unexpected end of data":
                break
            del spelled[0]
    return ""


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

    def save(self, folder: Path) -> None:
        """Write the models and, for people, their vocabularies."""
        sides = {"joint": self.source} if self.joint else vars(self)
        for name, tokenizer in sides.items():
            with replacing(folder / f"{name}.model") as draft:
                draft.write_bytes(tokenizer.model)
            processor = tokenizer.processor
            pieces = processor.id_to_piece(list(range(len(tokenizer))))
            write_text(
                folder / f"{name}.vocab", "".join(f"{i}\t{p}\n" for i, p in enumerate(pieces))
            )

    @classmethod
    def load(cls, folder: Path) -> "Tokenizers":
        """Read what `save` wrote.

        Raises:
            CheckpointError: a model is missing or no model.
        """
        if (folder / "joint.model").exists():
            joint = _load(folder / "joint.model")
            return cls(joint, joint)
        return cls(_load(folder / "source.model"), _load(folder / "target.model"))


def learn(train: Bitext, config: TokenizerConfig, *, seed: int) -> Tokenizers:
    """Learn the subwords of both sides, or take them from the cache when they were learned before.

    Raises:
        ConfigError: the vocabulary asked for cannot even hold the letters.
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
    found = {place: sentences[place] for place in sorted(places)}  # in order: they may be on a disk
    return [found[place] for place in places]


def _learn_one(parts: Sequence[Sequence[str]], config: TokenizerConfig, name: str) -> Tokenizer:
    key = sha256(
        json.dumps(
            [
                sentencepiece.__version__,
                COVERAGE,
                config.kind,
                config.vocabulary_size,
                config.byte_fallback,
            ]
        ).encode()
    )
    for sentence in chain.from_iterable(parts):
        key.update(sentence.encode() + b"\n")
    cached = cache_folder("tokenizers") / f"{key.hexdigest()[:32]}.model"
    if not cached.exists():
        model = _train(parts, config, config.vocabulary_size, name)
        with replacing(cached) as draft:
            draft.write_bytes(model)
    tokenizer = _load(cached)
    if len(tokenizer) < config.vocabulary_size:
        log.warning(
            "%s has %s pieces, not %s: the text carries no more",
            name,
            f"{len(tokenizer):,}",
            f"{config.vocabulary_size:,}",
        )
    return tokenizer


def _train(parts: Sequence[Sequence[str]], config: TokenizerConfig, size: int, name: str) -> bytes:
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=chain.from_iterable(parts),
            model_writer=model,
            model_type=config.kind,
            vocab_size=size,
            byte_fallback=config.byte_fallback,
            character_coverage=COVERAGE if config.byte_fallback else 1.0,
            normalization_rule_name="identity",
            pad_id=PAD,
            unk_id=UNK,
            bos_id=BOS,
            eos_id=EOS,
            num_threads=THREADS,
            max_sentence_length=100_000,
            minloglevel=3,
        )
    except RuntimeError as error:
        carried = re.search(r"Please set it to a value <= (\d+)", str(error))
        if carried:
            return _train(parts, config, int(carried[1]), name)
        needed = re.search(r"smaller than required_chars\. \d+ vs (\d+)", str(error))
        if needed:
            raise ConfigError(
                f"tokenizer.vocabulary_size is {size}, but the letters alone take {needed[1]} "
                f"pieces: raise it above that"
            ) from None
        raise
    return model.getvalue()


def _load(path: Path) -> Tokenizer:
    try:
        model = path.read_bytes()
        if not model:  # which sentencepiece would take
            raise RuntimeError("an empty file")
        return Tokenizer(model)
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing: the run folder is not complete") from None
    except RuntimeError:
        raise CheckpointError(f"{path} is no sentencepiece model, or was cut short") from None
