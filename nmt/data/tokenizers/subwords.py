"""Subwords, learned by sentencepiece from the training text, with the offsets of each piece."""

import io
import json
import re
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import sentencepiece

from nmt.config import TokenizerConfig
from nmt.data.tokenizers.base import (
    BOS,
    EOS,
    PAD,
    SPACE,
    UNK,
    Encoded,
    Ids,
    Piece,
    Tokenizer,
    one_line,
)
from nmt.errors import ConfigError

COVERAGE = 0.9999  # share of letters that get a piece; the rest is spelled in bytes
SILENT = 3  # turns off sentencepiece's log: it also raises what goes wrong
THREADS = 1  # fixed, because a unigram vocabulary depends on the number of threads


class SubwordTokenizer(Tokenizer):
    """A sentencepiece model.

    Raises:
        RuntimeError: the bytes are not such a model.
    """

    suffix = ".model"

    def __init__(self, model: bytes) -> None:
        super().__init__(model)
        if not model:  # which sentencepiece would accept
            raise RuntimeError("an empty file")
        sentencepiece.SetMinLogLevel(SILENT)
        self.processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        special = [getattr(self.processor, f"{name}_id")() for name in ("pad", "unk", "bos", "eos")]
        if special != [PAD, UNK, BOS, EOS]:
            raise RuntimeError(f"its special pieces are {special}")
        if not all(self.names):  # raises UnicodeDecodeError, too, if a piece is not valid text
            raise RuntimeError("it has an empty piece")

    @property
    def names(self) -> list[str]:
        return self.processor.id_to_piece(list(range(len(self))))

    @property
    def byte_ids(self) -> list[int]:
        return [number for number in range(len(self)) if self.processor.is_byte(number)]

    def __len__(self) -> int:
        return self.processor.vocab_size()

    def encode(self, sentences: list[str]) -> list[list[int]]:
        return self.processor.encode(sentences, out_type=int, num_threads=1)

    def encode_flat(self, sentences: list[str]) -> tuple[np.ndarray, np.ndarray]:
        arrays = self.processor.encode(sentences, return_type="numpy", num_threads=1)
        lengths = np.fromiter(map(len, arrays), np.int64, len(arrays))
        return np.concatenate([np.zeros(0, np.int32), *arrays]), lengths

    def encode_with_offsets(self, sentence: str) -> Encoded:
        mapping = self.processor.encode(sentence, return_type="offset_mapping")
        places = list(mapping["offsets"])
        for i in range(len(places) - 2, -1, -1):  # give every byte piece the offsets of its letter
            start, end = places[i]
            if start == end == places[i + 1][0]:
                places[i] = (start, places[i + 1][1])
        texts = zip(mapping["pieces"], places, strict=True)
        return Encoded(mapping["ids"], [Piece(text, *place) for text, place in texts])

    def decode_with_offsets(self, ids: Ids) -> tuple[str, list[Piece]]:
        text, pieces, spelled = "", list[Piece](), bytearray()
        for name in self.processor.id_to_piece(list(ids)):
            byte = re.fullmatch(r"<0x([0-9A-F]{2})>", name)
            if byte:
                spelled.append(int(byte[1], 16))
                spelling = _letter(spelled)
                letter = one_line(spelling)
                pieces.append(Piece(name, len(text), len(text)))
                if spelling:  # the letter is complete: give all its bytes the offsets of the letter
                    pieces[-len(spelled) :] = [
                        Piece(p.text, len(text), len(text) + len(letter))
                        for p in pieces[-len(spelled) :]
                    ]
                    text += letter
                    spelled.clear()
                continue
            spelled.clear()  # drop bytes that did not complete a letter
            surface = one_line(name.replace(SPACE, " "))
            if not text:
                surface = surface.removeprefix(" ")
            pieces.append(Piece(name, len(text), len(text) + len(surface)))
            text += surface
        return text, pieces


def _letter(spelled: bytearray) -> str:
    """The letter that bytes spell, or "" while it is incomplete; stray bytes are dropped."""
    while spelled:
        try:
            return spelled.decode("utf-8")
        except UnicodeDecodeError as error:
            if error.reason == "unexpected end of data":
                break
            del spelled[0]
    return ""


def recipe(config: TokenizerConfig) -> bytes:
    """Everything that the learned model depends on, except the text."""
    return json.dumps([sentencepiece.__version__, _settings(config)]).encode()


def _settings(config: TokenizerConfig) -> dict[str, Any]:
    return {
        "model_type": config.kind,
        "vocab_size": config.vocabulary_size,
        "byte_fallback": config.byte_fallback,
        "character_coverage": COVERAGE if config.byte_fallback else 1.0,
        "normalization_rule_name": "identity",
        "pad_id": PAD,
        "unk_id": UNK,
        "bos_id": BOS,
        "eos_id": EOS,
        "num_threads": THREADS,
        "max_sentence_length": 100_000,
    }


def learn_subwords(parts: Sequence[Sequence[str]], config: TokenizerConfig) -> bytes:
    """Learn a subword model from texts.

    Raises:
        ConfigError: the requested vocabulary is too small even for the letters.
    """
    return _train(parts, config, config.vocabulary_size)


def _train(parts: Sequence[Sequence[str]], config: TokenizerConfig, size: int) -> bytes:
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=chain.from_iterable(parts),
            model_writer=model,
            **{**_settings(config), "vocab_size": size},
            minloglevel=SILENT,
        )
    except RuntimeError as error:
        limit = re.search(r"Please set it to a value <= (\d+)", str(error))
        if limit:
            return _train(parts, config, int(limit[1]))
        needed = re.search(r"smaller than required_chars\. \d+ vs (\d+)", str(error))
        if needed:
            raise ConfigError(
                f"tokenizer.vocabulary_size is {size}, but the letters alone need {needed[1]} "
                f"pieces: raise it above that"
            ) from None
        raise
    return model.getvalue()
