"""Turn tokens into text (elision, contraction, spacing, capitals) and tags into links."""

from collections.abc import Sequence

from nmt.data.phrasebook.pair import AlignedPair
from nmt.data.phrasebook.tokens import Phrase, Token, Tokens, merge, tag

NO_BREAK = "\u00a0"

ELIDED = {
    word: word[:-1] + "'" for word in ["je", "me", "te", "se", "ne", "le", "la", "de", "que", "ce"]
}
"""Words whose last vowel falls before another vowel. Not the clitics after an imperative:
their tokens begin with a hyphen."""

ASPIRATED = frozenset(
    [
        "hache",
        "haches",
        "héros",
        "hérisson",
        "hérissons",
        "hibou",
        "hiboux",
        "homard",
        "homards",
        "haricot",
        "haricots",
        "haut",
        "haute",
        "huit",
        "onze",
        "oui",
        "hockey",
        "hamster",
        "hamsters",
        "yaourt",
        "yaourts",
        "yen",
    ]
)
"""No elision before these, and no liaison: le héros, la hache, le onze."""

_VOWELS = "aàâæeéèêëiîïoôœuùûüh"

_CONTRACTED = {
    ("à", "le"): "au",
    ("à", "les"): "aux",
    ("de", "le"): "du",
    ("de", "les"): "des",
}


def vowel_first(word: str) -> bool:
    """Whether a French word begins with a vowel or a mute h, which cause elision."""
    small = word.lower()
    return small == "y" or (small[:1] in _VOWELS and small not in ASPIRATED)


def article(word: str) -> str:
    """The English indefinite article that fits before a word."""
    small = word.lower()
    if small.startswith(("uni", "use", "eu", "one")):
        return "a"
    return "an" if small[0] in "aeiou" or small.startswith(("hour", "honest")) else "a"


def after(preposition: str, tags: tuple[int, ...], tokens: Tokens) -> Tokens:
    """A preposition before a noun phrase: à + le marché -> au marché.

    Prepositions and articles are contracted only here, because an object clitic never is
    (j'essaie de le voir).
    """
    *others, last = preposition.split()
    head = tuple(Token(word, tags) for word in others)
    melted = _CONTRACTED.get((last, tokens[0].text))
    if melted is None:
        return (*head, Token(last, tags), *tokens)
    return (*head, merge(melted, Token(last, tags), tokens[0]), *tokens[1:])


def elide(tokens: Sequence[Token]) -> list[Token]:
    """je + aime -> j' aime; si + il -> s' il."""
    done: list[Token] = []
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if following is not None:
            text = token.text
            if text in ELIDED and vowel_first(following.text):
                token = Token(ELIDED[text], token.tags)
            elif text == "si" and following.text in ("il", "ils"):
                token = Token("s'", token.tags)
        done.append(token)
    return done


def join(tokens: Sequence[Token], *, no_break: str = "") -> str:
    """Words to text; `no_break` is put before ? and ! for a language that requires it."""
    text = ""
    for token in tokens:
        word = token.text
        if word in "?!:;":
            text += no_break + word
        elif not text or text.endswith("'") or word in ",." or word.startswith("-"):
            text += word
        else:
            text += " " + word
    return text


def capitalised(tokens: Sequence[Token]) -> list[Token]:
    """A capital at the start, and after a question mark inside the sentence."""
    done: list[Token] = []
    start = True
    for token in tokens:
        text = token.text
        done.append(Token(text[0].upper() + text[1:], token.tags) if start else token)
        start = text in ".?!"
    return done


def tells_style(phrase: Phrase) -> bool:
    """Whether the first letter shows if a sentence is written or bare.

    English always writes *I* with a capital. The case of *je* would then depend on the full stop
    at the other end, and so would its attention; so sentences that begin with *I* stay bare.
    """
    return phrase.en[0].text.partition("'")[0] != "I"


def links(source: Sequence[Token], target: Sequence[Token]) -> tuple[tuple[int, int], ...]:
    """Every (source word, target word) whose words share a tag."""
    where: dict[int, list[int]] = {}
    for position, token in enumerate(source):
        for each in token.tags:
            where.setdefault(each, []).append(position)
    found = {
        (left, position)
        for position, token in enumerate(target)
        for each in token.tags
        for left in where.get(each, ())
    }
    return tuple(sorted(found))


def render(phrase: Phrase, mark: str, *, written: bool) -> AlignedPair:
    """Turn a phrase into a pair of sentences.

    A *written* sentence has a capital and its final mark; a *bare* one begins with a small letter
    and has no final mark except a question mark.
    """
    source, target = list(phrase.en), elide(phrase.fr)
    if written:
        source, target = capitalised(source), capitalised(target)
    if written or mark == "?":
        final = Token(mark, (tag(),))
        source.append(final)
        target.append(final)
    return AlignedPair(join(source), join(target, no_break=NO_BREAK), links(source, target))
