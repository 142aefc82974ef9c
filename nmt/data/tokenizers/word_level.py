"""Whole words as pieces, for word vectors learned elsewhere and for looking at attention.

Words are cut as in attention records (`nmt.data.words`). A piece is a word with the white space
before it, whose first space is written as a mark: `Je t'aime.` is ▁Je ▁t' aime . and is spelled
back to the letter (runs of spaces become one). A word that is known only with another white space
before it, or without the invisible letters in it, is taken for that one; any other word is unknown.

A list says by its format how its words were cut, and texts are cut for it in the same way: lists of
`nmt.words/1` were cut by `split_words_as_before`, which is the same for English and French.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import numpy as np

from nmt.data.tokenizers.base import (
    BOS,
    EOS,
    ONE_LINE,
    PAD,
    SPACE,
    UNK,
    Encoded,
    Ids,
    Piece,
    Tokenizer,
    one_line,
)
from nmt.data.words import (
    GAP,
    RULE,
    Word,
    split_words,
    split_words_as_before,
    without_invisible,
)
from nmt.files import parse_json

FORMAT = "nmt.words/2"  # another one, should words ever be cut differently
_CUTS = {FORMAT: split_words, "nmt.words/1": split_words_as_before}
RECIPE = f"{FORMAT} {RULE}"
"""What words are learned by, besides the text and their number."""
Split = Callable[[str], list[Word]]

_NAMES = {PAD: "<pad>", UNK: "<unk>", BOS: "<s>", EOS: "</s>"}
SPECIAL = [_NAMES[id] for id in range(len(_NAMES))]


class WordTokenizer(Tokenizer):
    """A list of words, the most frequent first.

    Raises:
        ValueError: the bytes are not such a list.
    """

    suffix = ".json"

    def __init__(self, model: bytes) -> None:
        super().__init__(model)
        self._split, self._names = _read(model)
        self._ids = {name: id for id, name in enumerate(self._names) if id >= len(SPECIAL)}

    @property
    def names(self) -> list[str]:
        return self._names

    def __len__(self) -> int:
        return len(self._names)

    def encode(self, sentences: list[str]) -> list[list[int]]:
        return [
            [self._id(name) for name, _ in _cut(sentence, self._split)] for sentence in sentences
        ]

    def encode_flat(self, sentences: list[str]) -> tuple[np.ndarray, np.ndarray]:
        found = self.encode(sentences)
        lengths = np.fromiter(map(len, found), np.int64, len(found))
        return np.fromiter(chain.from_iterable(found), np.int32, int(lengths.sum())), lengths

    def encode_with_offsets(self, sentence: str) -> Encoded:
        ids, pieces, start = list[int](), list[Piece](), 0
        for name, end in _cut(sentence, self._split):
            ids.append(self._id(name))
            pieces.append(Piece(name if ids[-1] == UNK else self._names[ids[-1]], start, end))
            start = end
        return Encoded(ids, pieces)

    def decode_with_offsets(self, ids: Ids) -> tuple[str, list[Piece]]:
        text, pieces = "", list[Piece]()
        for id in ids:
            surface = f" {SPECIAL[id]}" if id < len(SPECIAL) else _surface(self._names[id])
            surface = one_line(surface)
            if not text:
                surface = surface.removeprefix(" ")
            pieces.append(Piece(self._names[id], len(text), len(text) + len(surface)))
            text += surface
        return text, pieces

    def _id(self, name: str) -> int:
        known = self._ids.get(name)
        if known is not None:
            return known
        word = bare(name)
        return self._ids.get(SPACE + word, self._ids.get(word, UNK))


def bare(name: str) -> str:
    """A piece without the white space before it, and without what nobody sees in it.

    >>> bare("▁aime"), bare("aime"), bare("▁")
    ('aime', 'aime', '▁')
    """
    surface = _surface(name)
    return without_invisible(surface).lstrip(GAP) or surface.lstrip()


def learn_words(sentences: Iterable[str], size: int) -> bytes:
    """A model of the most frequent words, with SPECIAL no more than `size`."""
    counts = Counter(name for sentence in sentences for name, _ in _cut(sentence, split_words))
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    names = [*SPECIAL, *ranked[: size - len(SPECIAL)]]
    text = json.dumps({"format": FORMAT, "words": names}, ensure_ascii=False, indent=0)
    return text.encode()


def _read(model: bytes) -> tuple[Split, list[str]]:
    """How its words were cut, and the words."""
    content = parse_json(model.decode("utf-8"))
    if not isinstance(content, dict) or content.get("format") not in _CUTS:
        raise ValueError(f"not of format {FORMAT}")
    words = content.get("words")
    if not isinstance(words, list) or words[: len(SPECIAL)] != SPECIAL:
        raise ValueError("no list of words")
    if not all(isinstance(word, str) and word for word in words) or len(set(words)) != len(words):
        raise ValueError("something in it is not a word, or is there twice")
    "".join(words).encode()  # which refuses halves of surrogate pairs
    return _CUTS[content["format"]], words


def _cut(sentence: str, split: Split) -> Iterator[tuple[str, int]]:
    """The piece of each word, known or not, and where it ends."""
    end = 0
    for word in split(sentence):
        gap = sentence[end : word.start].translate(ONE_LINE)
        if not end:  # a sentence begins as after a space
            gap = f" {gap}"
        if gap != " ":
            gap = re.sub(" +", " ", gap)
        shown = word.text
        if not gap and shown[0] == SPACE and len(shown) > 1:  # its marks, or it were a space
            yield SPACE, word.start + 1
            shown = shown[1:]
        yield f"{SPACE}{gap[1:]}{shown}" if gap[:1] == " " else gap + shown, word.end
        end = word.end


def _surface(name: str) -> str:
    """What a piece stands for in a text; SPACE alone is that letter."""
    return f" {name[1:]}" if name[0] == SPACE and len(name) > 1 else name
