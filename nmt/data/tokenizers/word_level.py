"""A tokenizer of whole words, for pretrained word vectors and for readable attention.

Words are split as in attention records (`nmt.data.words`). A piece is a word together with the
white space before it, whose first space is written as a mark: `Je t'aime.` is ▁Je ▁t' aime . and is
decoded to exactly the same text (except that runs of spaces become one). A word that is known only
with different white space before it, or without its invisible letters, is read as that known word;
any other word is unknown.

The format of a word list determines how texts are split for it, namely as its words were: lists of
format `nmt.words/1` use `split_words_as_before`, which gives the same for English and French.
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

FORMAT = "nmt.words/2"  # to be raised if words are ever split differently
_CUTS = {FORMAT: split_words, "nmt.words/1": split_words_as_before}
RECIPE = f"{FORMAT} {RULE}"
"""What the learned words depend on, besides the text and the size of the vocabulary."""
Split = Callable[[str], list[Word]]

_NAMES = {PAD: "<pad>", UNK: "<unk>", BOS: "<s>", EOS: "</s>"}
SPECIAL = [_NAMES[id] for id in range(len(_NAMES))]


class WordTokenizer(Tokenizer):
    """A list of words, most frequent first.

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
        ids = self.encode(sentences)
        lengths = np.fromiter(map(len, ids), np.int64, len(ids))
        return np.fromiter(chain.from_iterable(ids), np.int32, int(lengths.sum())), lengths

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
    """A piece without the white space before it and without invisible letters.

    >>> bare("▁aime"), bare("aime"), bare("▁")
    ('aime', 'aime', '▁')
    """
    surface = _surface(name)
    return without_invisible(surface).lstrip(GAP) or surface.lstrip()


def learn_words(sentences: Iterable[str], size: int) -> bytes:
    """Learn a model of the most frequent words: at most `size` entries, including SPECIAL."""
    counts = Counter(name for sentence in sentences for name, _ in _cut(sentence, split_words))
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    names = [*SPECIAL, *ranked[: size - len(SPECIAL)]]
    text = json.dumps({"format": FORMAT, "words": names}, ensure_ascii=False, indent=0)
    return text.encode()


def _read(model: bytes) -> tuple[Split, list[str]]:
    """The function that splits text for a model, and the model's words."""
    content = parse_json(model.decode("utf-8"))
    if not isinstance(content, dict) or content.get("format") not in _CUTS:
        raise ValueError(f"not of format {FORMAT}")
    words = content.get("words")
    if not isinstance(words, list) or words[: len(SPECIAL)] != SPECIAL:
        raise ValueError("not a list of words")
    if not all(isinstance(word, str) and word for word in words) or len(set(words)) != len(words):
        raise ValueError("an entry is not a word, or occurs twice")
    "".join(words).encode()  # raises on lone surrogates
    return _CUTS[content["format"]], words


def _cut(sentence: str, split: Split) -> Iterator[tuple[str, int]]:
    """The piece of each word, known or not, and its end offset."""
    end = 0
    for word in split(sentence):
        gap = sentence[end : word.start].translate(ONE_LINE)
        if not end:  # the first word is treated as if a space preceded it
            gap = f" {gap}"
        if gap != " ":
            gap = re.sub(" +", " ", gap)
        shown = word.text
        if not gap and shown[0] == SPACE and len(shown) > 1:  # or the mark would read as a space
            yield SPACE, word.start + 1
            shown = shown[1:]
        yield f"{SPACE}{gap[1:]}{shown}" if gap[:1] == " " else gap + shown, word.end
        end = word.end


def _surface(name: str) -> str:
    """The text of a piece; SPACE alone stands for that character itself."""
    return f" {name[1:]}" if name[0] == SPACE and len(name) > 1 else name
