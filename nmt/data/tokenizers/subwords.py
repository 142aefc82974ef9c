"""Subwords: learned by sentencepiece from the training text, with every piece's place in it."""

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

COVERAGE = 0.9999  # the share of letters that get pieces; bytes spell the rest
SILENT = 3  # sentencepiece logs nothing: what is wrong, it also raises
THREADS = 1  # a unigram vocabulary depends on their number


class SubwordTokenizer(Tokenizer):
    """A sentencepiece model.

    Raises:
        RuntimeError: the bytes are not such a model.
    """

    suffix = ".model"

    def __init__(self, model: bytes) -> None:
        super().__init__(model)
        if not model:  # which sentencepiece would take
            raise RuntimeError("an empty file")
        sentencepiece.SetMinLogLevel(SILENT)
        self.processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        special = [getattr(self.processor, f"{name}_id")() for name in ("pad", "unk", "bos", "eos")]
        if special != [PAD, UNK, BOS, EOS]:
            raise RuntimeError(f"its special pieces are {special}")
        if not all(self.names):  # which raises UnicodeDecodeError where one is not a text
            raise RuntimeError("it has an empty piece")

    @property
    def names(self) -> list[str]:
        return self.processor.id_to_piece(list(range(len(self))))

    def __len__(self) -> int:
        return self.processor.vocab_size()

    def encode(self, sentences: list[str]) -> list[list[int]]:
        return self.processor.encode(sentences, out_type=int, num_threads=1)

    def encode_flat(self, sentences: list[str]) -> tuple[np.ndarray, np.ndarray]:
        found = self.processor.encode(sentences, return_type="numpy", num_threads=1)
        lengths = np.fromiter(map(len, found), np.int64, len(found))
        return np.concatenate([np.zeros(0, np.int32), *found]), lengths

    def encode_with_offsets(self, sentence: str) -> Encoded:
        found = self.processor.encode(sentence, return_type="offset_mapping")
        places = list(found["offsets"])
        for i in range(len(places) - 2, -1, -1):  # all bytes of a letter stand for the letter
            start, end = places[i]
            if start == end == places[i + 1][0]:
                places[i] = (start, places[i + 1][1])
        texts = zip(found["pieces"], places, strict=True)
        return Encoded(found["ids"], [Piece(text, *place) for text, place in texts])

    def decode_with_offsets(self, ids: Ids) -> tuple[str, list[Piece]]:
        text, pieces, spelled = "", list[Piece](), bytearray()
        for name in self.processor.id_to_piece(list(ids)):
            byte = re.fullmatch(r"<0x([0-9A-F]{2})>", name)
            if byte:
                spelled.append(int(byte[1], 16))
                spelling = _letter(spelled)
                letter = one_line(spelling)
                pieces.append(Piece(name, len(text), len(text)))
                if spelling:  # all the bytes of a letter stand for it
                    pieces[-len(spelled) :] = [
                        Piece(p.text, len(text), len(text) + len(letter))
                        for p in pieces[-len(spelled) :]
                    ]
                    text += letter
                    spelled.clear()
                continue
            spelled.clear()  # bytes that spelled no letter are left out
            surface = one_line(name.replace(SPACE, " "))
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


def recipe(config: TokenizerConfig) -> bytes:
    """All but the text that what is learned depends on."""
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
    """The model of the subwords of some texts.

    Raises:
        ConfigError: the vocabulary asked for cannot even hold the letters.
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
        carried = re.search(r"Please set it to a value <= (\d+)", str(error))
        if carried:
            return _train(parts, config, int(carried[1]))
        needed = re.search(r"smaller than required_chars\. \d+ vs (\d+)", str(error))
        if needed:
            raise ConfigError(
                f"tokenizer.vocabulary_size is {size}, but the letters alone take {needed[1]} "
                f"pieces: raise it above that"
            ) from None
        raise
    return model.getvalue()
