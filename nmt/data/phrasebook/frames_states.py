"""Frames that say what somebody or something is like: she is tired, it is expensive."""

from random import Random

from nmt.data.phrasebook.adjectives import Adjective, adjectives, beside, of_subject
from nmt.data.phrasebook.choices import UNOWNED, anybody, kin
from nmt.data.phrasebook.clauses import (
    FUTURE,
    NOT,
    PAST,
    PRESENT,
    Clause,
    Negation,
    Tense,
    plain,
)
from nmt.data.phrasebook.frames import Sentence, frame, tell
from nmt.data.phrasebook.noun_phrases import (
    NounPhrase,
    a,
    belonging,
    own,
    person_named,
    the,
    this,
)
from nmt.data.phrasebook.nouns import UNCOUNTED, Noun, nouns
from nmt.data.phrasebook.tokens import Phrase, listed, phrase, say, tag
from nmt.data.phrasebook.verbs import BE

_OF_PERSON = adjectives(
    "tired happy sad ill busy ready angry strong shy proud funny serious lazy polite brave "
    "intelligent curious jealous free alone worried young old tall small famous kind rich poor "
    "surprised patient honest married nice French English Italian Spanish German"
)
_ABSOLUTE = frozenset(
    listed(
        "ready, alone, married, broken, open, closed, wrong, right, French, English, Italian, "
        "Spanish, German, delicious, full, empty, wonderful, red, blue, green, white, black, "
        "yellow, grey, brown, free"
    )
)
_A_LITTLE = frozenset(
    listed(
        "tired, sad, ill, shy, worried, jealous, lazy, strange, expensive, difficult, long, "
        "boring, heavy, dirty, sweet, cold, angry, old, curious, surprised"
    )
)
_TOO = frozenset(
    listed(
        "tired, shy, proud, serious, lazy, curious, jealous, young, old, small, tall, kind, "
        "expensive, heavy, dirty, light, big, long, short, difficult, easy, hot, cold, sweet, "
        "dangerous, boring, strange, modern, quiet"
    )
)


def predicate(
    draw: Random, quality: Adjective, thing: NounPhrase, *, denied: bool = False
) -> Phrase:
    """Tired, very tired / fatigué, très fatiguée: it agrees with its subject."""
    mine = tag()
    french = quality.form(feminine=thing.feminine, plural=thing.plural)
    told = Phrase(say(quality.en, mine), say(french, mine))
    degrees = [("very", "très")]
    if quality.en in _TOO:
        degrees.append(("too", "trop"))
    if quality.en in _A_LITTLE and not denied:
        degrees.append(("a little", "un peu"))
    if quality.en in _ABSOLUTE or draw.random() < 0.5:
        return told
    return phrase(*draw.choice(degrees)) + told


def state_tense(draw: Random) -> Tense:
    return draw.choices((PRESENT, PAST, FUTURE), (6, 3, 1))[0]


def denial(draw: Random, chance: float = 0.2) -> Negation | None:
    return NOT if draw.random() < chance else None


@frame(8)
def somebody_is_so(draw: Random) -> Sentence:
    """She is very happy / elle est très heureuse; were you tired / est-ce que tu étais fatigué."""
    who = anybody(draw, 0.65)
    tense, denied = state_tense(draw), denial(draw)
    quality = draw.choice(_OF_PERSON)
    if tense is FUTURE:
        quality = draw.choice(
            adjectives("tired happy sad busy ready angry free proud surprised rich")
        )
    clause = Clause(
        who,
        BE,
        tense,
        (plain(predicate(draw, quality, who, denied=bool(denied))),),
        denied,
        short=draw.random() < 0.7,
    )
    return tell(draw, clause, ask=0.2)


_DESCRIBED = nouns(
    "thing",
    "clothing",
    "furniture",
    "vehicle",
    "reading",
    "abstract",
    "place",
    "dish",
    "food",
    "drink",
    "animal",
    "opening",
)


def described(draw: Random, what: Noun) -> NounPhrase:
    """A definite thing that a sentence may describe."""
    plural = draw.random() < 0.25 and what.kind not in UNCOUNTED
    kind = draw.random()
    if what.kind == "place" or kind < 0.45:
        return the(what, plural=plural and what.kind != "place")
    if kind < 0.65 and what.en not in UNOWNED:
        return own(draw.randrange(6), what, plural=plural)
    if kind < 0.85 or what.kind in UNCOUNTED or what.en in UNOWNED:
        return this(what, plural=plural, far=draw.random() < 0.3)
    return belonging(what, person_named(draw.choice(("Paul", "Marie", "Alice", "Luc"))))


def suited_quality(draw: Random, kinds: tuple[Noun, ...]) -> tuple[Noun, Adjective]:
    while True:
        what = draw.choice(kinds)
        fitting = of_subject(what)
        if fitting:
            return what, draw.choice(fitting)


@frame(7)
def something_is_so(draw: Random) -> Sentence:
    """These shoes are too expensive / ces chaussures sont trop chères."""
    what, quality = suited_quality(draw, _DESCRIBED)
    it = described(draw, what)
    tense, denied = draw.choice((PRESENT, PRESENT, PAST)), denial(draw, 0.15)
    clause = Clause(
        it,
        BE,
        tense,
        (plain(predicate(draw, quality, it, denied=bool(denied))),),
        denied,
        short=draw.random() < 0.6,
    )
    return tell(draw, clause, ask=0.2)


@frame(3)
def it_is_so(draw: Random) -> Sentence:
    """It is easy / c'est facile."""
    quality = draw.choice(
        adjectives(
            "easy difficult expensive dangerous interesting important useful strange boring "
            "simple beautiful delicious wonderful wrong right funny"
        )
    )
    tense, denied = draw.choice((PRESENT, PRESENT, PAST)), denial(draw, 0.25)
    it = _ce("it")
    told = predicate(draw, quality, it, denied=bool(denied))
    clause = Clause(it, BE, tense, (plain(told),), denied, short=draw.random() < 0.7)
    return tell(draw, clause, ask=0.2)


def _ce(english: str) -> NounPhrase:
    mine = tag()
    return NounPhrase(say(english, mine), say("ce", mine), pronoun=True)


@frame(3)
def who_it_is(draw: Random) -> Sentence:
    """This is my brother / c'est mon frère; it is a good idea / c'est une bonne idée."""
    denied = denial(draw, 0.2)
    if draw.random() < 0.5:
        told = kin(draw)
        it = _ce("this")
    else:
        what, quality = _beside(draw)
        told = a(what, quality)
        it = _ce(draw.choice(("it", "this", "that")))
    clause = Clause(it, BE, PRESENT, (plain(told),), denied)
    return tell(draw, clause, ask=0.25)


def _beside(draw: Random) -> tuple[Noun, Adjective]:
    while True:
        what = draw.choice(nouns("reading", "abstract", "place", "clothing", "vehicle", "animal"))
        if beside(what):
            return what, draw.choice(beside(what))
