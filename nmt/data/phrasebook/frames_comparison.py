"""Frames that compare: taller than me, as old as Paul, the tallest in the class."""

from random import Random

from nmt.data.phrasebook.adjectives import Adjective, adjectives
from nmt.data.phrasebook.choices import anybody, person
from nmt.data.phrasebook.clauses import (
    PAST,
    PRESENT,
    Clause,
    plain,
)
from nmt.data.phrasebook.frames import Sentence, frame, tell
from nmt.data.phrasebook.frames_states import denial, suited_quality
from nmt.data.phrasebook.noun_phrases import (
    NounPhrase,
    own,
    strong,
    this,
)
from nmt.data.phrasebook.nouns import nouns
from nmt.data.phrasebook.tokens import EMPTY, Phrase, Token, listed, phrase, say, tag
from nmt.data.phrasebook.verbs import BE

_NOT_COMPARED = listed(
    "broken, closed, open, full, empty, white, black, dry, wet, red, blue, green, "
    "grey, yellow, brown"
)
_COMPARED = nouns(
    *listed("clothing, vehicle, furniture, reading, house, flat, garden, bedroom, kitchen, office")
)


@frame(3)
def comparison(draw: Random) -> Sentence:
    """My brother is taller than me / mon frère est plus grand que moi."""
    if draw.random() < 0.6:
        left = anybody(draw, 0.35)
        quality = draw.choice(
            adjectives(
                "tall old young strong happy rich intelligent kind funny patient serious "
                "brave lazy polite shy famous"
            )
        )
        right = _than_person(draw, left)
    else:
        what, quality = suited_quality(draw, _COMPARED)
        if quality.en in _NOT_COMPARED:
            quality = adjectives("small")[0]
        left, right = this(what), own(draw.randrange(6), what)
    compared = _compared(draw, quality, left, right)
    tense = PRESENT if draw.random() < 0.8 else PAST
    denied = denial(draw, 0.1)
    clause = Clause(left, BE, tense, (plain(compared),), denied, short=draw.random() < 0.6)
    return tell(draw, clause, ask=0.2)


def _than_person(draw: Random, left: NounPhrase) -> Phrase:
    if draw.random() < 0.6:
        same = {0: (0, 4), 1: (1,), 3: (0, 4)}.get(left.person, ())
        return strong(draw.choice([each for each in range(6) if each not in same]))
    while True:
        right = person(draw)
        if right.en[-1].text != left.en[-1].text:
            return right


_SHORT_COMPARATIVES = {
    "tall": "taller",
    "old": "older",
    "young": "younger",
    "strong": "stronger",
    "happy": "happier",
    "rich": "richer",
    "kind": "kinder",
    "funny": "funnier",
    "lazy": "lazier",
    "small": "smaller",
    "big": "bigger",
    "long": "longer",
    "short": "shorter",
    "new": "newer",
    "fast": "faster",
    "heavy": "heavier",
    "quiet": "quieter",
    "clean": "cleaner",
    "dirty": "dirtier",
    "brave": "braver",
    "shy": "shyer",
    "good": "better",
    "bad": "worse",
}


def _compared(draw: Random, quality: Adjective, left: NounPhrase, right: Phrase) -> Phrase:
    mine, degree, than = tag(), tag(), tag()
    form = quality.form(feminine=left.feminine, plural=left.plural)
    if draw.random() < 0.25:
        en = say("as", degree) + say(quality.en, mine) + say("as", than)
        fr = say("aussi", degree) + say(form, mine) + say("que", than)
        return Phrase(en + right.en, fr + right.fr)
    if quality.en in ("good", "bad"):
        better = {"bon": "meilleur", "mauvais": "pire"}[quality.masculine]
        french = {"meilleur": ("meilleur", "meilleure"), "pire": ("pire", "pire")}[better]
        word = french[left.feminine] + ("s" if left.plural else "")
        en = say(_SHORT_COMPARATIVES[quality.en], mine) + say("than", than)
        return Phrase(en + right.en, say(word, mine) + say("que", than) + right.fr)
    short = _SHORT_COMPARATIVES.get(quality.en)
    en = say("more", degree) + say(quality.en, mine)
    if short:
        en = (Token(short, (mine, degree)),)
    fr = say("plus", degree) + say(form, mine) + say("que", than)
    return Phrase(en + say("than", than) + right.en, fr + right.fr)


_SUPERLATIVES = {
    "tall": "tallest",
    "old": "oldest",
    "young": "youngest",
    "strong": "strongest",
    "rich": "richest",
    "kind": "kindest",
    "funny": "funniest",
    "lazy": "laziest",
    "small": "smallest",
    "brave": "bravest",
}


@frame(1.5)
def who_is_the_most(draw: Random) -> Sentence:
    """Marie is the tallest / Marie est la plus grande; in the class / de la classe."""
    who = anybody(draw, 0.5)
    quality = draw.choice(
        adjectives(
            "tall old young strong rich kind funny lazy small brave "
            "intelligent famous patient polite serious"
        )
    )
    the_, degree, mine = tag(), tag(), tag()
    article = "les" if who.plural else ("la" if who.feminine else "le")
    form = quality.form(feminine=who.feminine, plural=who.plural)
    short = _SUPERLATIVES.get(quality.en)
    en = (Token(short, (degree, mine)),) if short else say("most", degree) + say(quality.en, mine)
    most = Phrase(say("the", the_) + en, say(article, the_) + say("plus", degree) + say(form, mine))
    ending = EMPTY
    if (who.pronoun or who.name) and draw.random() < 0.5:
        ending = phrase("in | the | class", "de | la | classe")
    tense = PRESENT if draw.random() < 0.75 else PAST
    clause = Clause(
        who, BE, tense, (plain(most), plain(ending)), denial(draw, 0.15), short=draw.random() < 0.6
    )
    return tell(draw, clause, ask=0.2)
