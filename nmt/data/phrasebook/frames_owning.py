"""Frames about having, wanting and needing things, and whose they are."""

from random import Random

from nmt.data.phrasebook.choices import (
    anybody,
    indefinite,
    negation,
    pronoun,
    thing,
)
from nmt.data.phrasebook.clauses import (
    FUTURE,
    HAVE_TO,
    NO_LONGER,
    NOT,
    PAST,
    PRESENT,
    PROGRESSIVE,
    WANT_TO,
    WOULD,
    Clause,
    Object,
    plain,
)
from nmt.data.phrasebook.frames import Sentence, frame, tell
from nmt.data.phrasebook.frames_pronouns import deny
from nmt.data.phrasebook.noun_phrases import (
    NAMES,
    NounPhrase,
    a,
    person_named,
    some,
    subject,
    the,
    this,
)
from nmt.data.phrasebook.nouns import UNCOUNTED, Noun, nouns
from nmt.data.phrasebook.surface import after
from nmt.data.phrasebook.times import when
from nmt.data.phrasebook.tokens import EMPTY, GOVERNED, Phrase, Token, listed, phrase, say, tag
from nmt.data.phrasebook.verbs import (
    BE,
    HAVE,
    NEED,
    WANT,
    WITH_THINGS,
    Verb,
    named,
)

_OWNED = (
    "vehicle",
    "thing",
    "clothing",
    "animal",
    "flat",
    "house",
    "garden",
    "idea",
    "question",
    "problem",
    "friend",
    "brother",
    "sister",
    "cousin",
    "uncle",
    "son",
    "daughter",
)
_NOT_OWNED = frozenset(
    listed(
        "train, bus, plane, bear, lion, hedgehog, snake, fox, wolf, owl, frog, elephant, "
        "monkey, lorry, taxi"
    )
)
_HOLDINGS = tuple(each for each in nouns(*_OWNED) if each.en not in _NOT_OWNED)


@frame(5)
def somebody_has_something(draw: Random) -> Sentence:
    """I have two sisters / j'ai deux sœurs; do you have a pen / est-ce que tu as un stylo."""
    tense = draw.choice((PRESENT, PRESENT, PRESENT, PAST))
    denied = draw.choice((NOT, NOT, NO_LONGER)) if draw.random() < 0.2 else None
    denied = denied if tense is PRESENT else None
    what = draw.choice(_HOLDINGS)
    owned = plain(indefinite(draw, what, negated=denied is not None))
    clause = Clause(anybody(draw), HAVE, tense, (owned,), denied, short=draw.random() < 0.7)
    return tell(draw, clause, ask=0.25)


_WISHES = nouns(
    "food",
    "seasoning",
    "drink",
    "dish",
    "clothing",
    "car",
    "bicycle",
    "lamp",
    "watch",
    "dog",
    "cat",
    "computer",
    "guitar",
    "ticket",
    "book",
    "glass",
    "umbrella",
    "suitcase",
)


@frame(4)
def somebody_wants_something(draw: Random) -> Sentence:
    """He wants some water / il veut de l'eau; I would like a coffee / je voudrais un café."""
    tense = draw.choice((PRESENT, PRESENT, PAST, WOULD))
    verb = Verb("like", "vouloir") if tense is WOULD else WANT
    denied = negation(draw, 0.2) if tense is not WOULD else None
    denied = NOT if denied else None
    what = plain(indefinite(draw, draw.choice(_WISHES), negated=denied is not None))
    polite = tense is WOULD and draw.random() < 0.3
    ending = phrase(", | please", ", | s' il te plaît") if polite else EMPTY
    who = pronoun(draw) if tense is WOULD else anybody(draw)
    clause = Clause(who, verb, tense, (what, plain(ending)), denied, short=draw.random() < 0.7)
    return tell(draw, clause, ask=0.2)


_NEEDED = nouns(
    "thing",
    "clothing",
    "car",
    "bicycle",
    "table",
    "chair",
    "bed",
    "food",
    "seasoning",
    "drink",
    "egg",
    "tomato",
    "potato",
    "onion",
    "friend",
    "doctor",
    "lawyer",
)
_NOT_NEEDED = frozenset(listed("doll, picture, axe, rose, violin, ring, radio, ball, flower"))


@frame(3)
def somebody_needs_something(draw: Random) -> Sentence:
    """I need a knife / j'ai besoin d'un couteau; he needs water / il a besoin d'eau."""
    what = draw.choice([each for each in _NEEDED if each.en not in _NOT_NEEDED])
    tense = draw.choice((PRESENT, PRESENT, PAST))
    denied = NOT if draw.random() < 0.15 and tense is PRESENT else None
    clause = Clause(
        anybody(draw), NEED, tense, (_needed(draw, what, denied is not None),), denied, short=True
    )
    return tell(draw, clause, ask=0.2)


def _needed(draw: Random, what: Noun, denied: bool) -> Object:
    """After `besoin de` the partitive and the plural article fall: besoin d'eau, d'œufs."""
    if what.kind in UNCOUNTED:
        needed = some(what, word=draw.choice(("", "any" if denied else "some")), negated=True)
        return plain(Phrase(needed.en, needed.fr))
    needed = a(what) if draw.random() < 0.6 else thing_owned(draw, what)
    return plain(Phrase(needed.en, after("de", (GOVERNED,), needed.fr)))


def thing_owned(draw: Random, what: Noun) -> NounPhrase:
    """My key, this key, the key."""
    while True:
        drawn = thing(draw, what)
        if drawn.fr[0].text not in ("un", "une", "des", "de"):
            return drawn


_BODY = (
    ("hands", "les", "mains"),
    ("face", "le", "visage"),
    ("hair", "les", "cheveux"),
    ("feet", "les", "pieds"),
)


@frame(1.5)
def somebody_washes_a_part(draw: Random) -> Sentence:
    """She washed her hands / elle s'est lavé les mains: the participle does not agree."""
    who = draw.randrange(6)
    english, article, french = draw.choice(_BODY)
    owner = ("my", "your", "his", "her", "our", "their")[who]
    english = english + "s" if english == "face" and who > 3 else english
    mine, part = tag(), tag()
    washed = Phrase(say(owner, mine) + say(english, part), say(article, mine) + say(french, part))
    tense = draw.choice((PRESENT, PROGRESSIVE, PAST, FUTURE, WANT_TO, HAVE_TO))
    timed = tense in (PRESENT, PAST, PROGRESSIVE) and draw.random() < 0.6
    time = when(draw, tense) if timed else ()
    verb = Verb("wash", "se laver")
    clause = Clause(
        subject(who),
        verb,
        tense,
        (plain(washed), *time),
        deny(draw, tense, 0.15),
        short=draw.random() < 0.7,
        fixed=True,
    )
    return tell(draw, clause, ask=0.2)


_MINE = (
    ("mine", "moi"),
    ("yours", "toi"),
    ("his", "lui"),
    ("hers", "elle"),
    ("ours", "nous"),
    ("theirs", "eux"),
)


@frame(2)
def whose_something_is(draw: Random) -> Sentence:
    """This book is mine / ce livre est à moi; these keys are Paul's / sont à Paul."""
    what = draw.choice(
        nouns("thing", "clothing", "book", "newspaper", "car", "bicycle", "dog", "cat")
    )
    it = draw.choice((the, this))(what, plural=draw.random() < 0.35)
    mine = tag()
    if draw.random() < 0.75:
        english, french = draw.choice(_MINE)
        whose = Phrase(say(english, mine), say("à " + french, mine))
    else:
        owner = person_named(draw.choice(NAMES))
        named_ = owner.en[0]
        whose = Phrase(
            (Token(named_.text + "'s", (*named_.tags, mine)),), say("à", mine) + owner.fr
        )
    tense = PRESENT if draw.random() < 0.8 else PAST
    denied = NOT if draw.random() < 0.2 else None
    clause = Clause(it, BE, tense, (plain(whose),), denied, short=draw.random() < 0.6)
    return tell(draw, clause, ask=0.25)


_SOME = (
    ("two of them", "deux"),
    ("three of them", "trois"),
    ("a lot of them", "beaucoup"),
    ("some", ""),
    ("five of them", "cinq"),
    ("ten of them", "dix"),
)


@frame(2)
def somebody_has_some(draw: Random) -> Sentence:
    """I have three of them / j'en ai trois; he doesn't want any / il n'en veut pas."""
    verb = draw.choice((HAVE, HAVE, WANT, named(WITH_THINGS, "buy"), named(WITH_THINGS, "eat")))
    tense = PRESENT if verb in (HAVE, WANT) else draw.choice((PAST, FUTURE))
    denied = NOT if draw.random() < 0.3 else None
    english, french = draw.choice(_SOME) if denied is None else ("any", "")
    number, rest = tag(), tag()
    if french:
        words = say(english.removesuffix(" of them"), number) + say("of them", rest)
        many = Object(Phrase((), say(french, number)))
    else:
        words, many = say(english, rest), Object(EMPTY)
    clause = Clause(
        anybody(draw, 0.8),
        verb,
        tense,
        (Object(Phrase(words, say("en", rest)), clitic=5), many),
        denied,
        short=draw.random() < 0.7,
    )
    return tell(draw, clause, ask=0.15)
