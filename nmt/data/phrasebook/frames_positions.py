"""Frames about where things are: there is a cat under the table."""

from random import Random

from nmt.data.phrasebook.choices import (
    anybody,
    indefinite,
)
from nmt.data.phrasebook.clauses import (
    FUTURE,
    GOING_TO,
    NOT,
    PAST,
    PERFECT,
    PRESENT,
    PROGRESSIVE,
    WANT_TO,
    Clause,
    Negation,
    Tense,
    plain,
)
from nmt.data.phrasebook.frames import Sentence, frame, tell
from nmt.data.phrasebook.frames_pronouns import deny
from nmt.data.phrasebook.noun_phrases import NounPhrase, own, the
from nmt.data.phrasebook.nouns import UNCOUNTED, Noun, noun, nouns
from nmt.data.phrasebook.places import (
    ROOMS,
    SPOTS,
    at,
    located,
    rest,
)
from nmt.data.phrasebook.times import when
from nmt.data.phrasebook.tokens import Phrase, Tokens, listed, phrase, say, tag
from nmt.data.phrasebook.verbs import BE, Verb

_ON = nouns("table", "chair", "bed", "desk", "shelf", "sofa", "armchair", "bench")
_UNDER = nouns("table", "chair", "bed", "desk", "sofa", "armchair", "bench", "tree", "bridge")
_IN = nouns("box", "bag", "drawer", "suitcase", "basket", "cupboard", "wardrobe")
_BESIDE = nouns("door", "window", "table", "chair", "bed", "desk", "lamp", "tree")
_SMALL = nouns(
    "thing",
    "clothing",
    "reading",
    "cat",
    "mouse",
    "dog",
    "cake",
    "egg",
    "apple",
    "orange",
    "newspaper",
    "banana",
)
_LARGE = frozenset(
    listed(
        "guitar, violin, suitcase, axe, computer, umbrella, mirror, picture, rope, lamp, "
        "basket, box, bag, coat, blanket, dog, clock, story, article, poem, report, message, "
        "doll"
    )
)


def _spot(draw: Random, thing: Noun) -> Phrase:
    """On the table, under my bed, in the drawer, next to the window."""
    kind = draw.random()
    if kind < 0.4:
        return located("on", "sur", _support(draw, draw.choice(_ON)))
    if kind < 0.6:
        return located("under", "sous", _support(draw, draw.choice(_UNDER)))
    if kind < 0.8 and thing.en not in _LARGE and thing.kind != "animal":
        containers = [each for each in _IN if each is not thing]
        return located("in", "dans", _support(draw, draw.choice(containers)))
    near = (
        ("behind", "derrière"),
        ("in front of", "devant"),
        ("next to", "à côté de"),
        ("near", "près de"),
    )
    english, french = draw.choice(near)
    return located(
        english, french, the(draw.choice([each for each in _BESIDE if each is not thing]))
    )


def _support(draw: Random, what: Noun) -> NounPhrase:
    if what.en in ("tree", "bridge", "bench") or draw.random() < 0.7:
        return the(what)
    return own(draw.randrange(6), what)


@frame(6)
def where_something_is(draw: Random) -> Sentence:
    """The keys are in the drawer / les clés sont dans le tiroir."""
    what = draw.choice(_SMALL)
    plural = draw.random() < 0.3
    it = (
        the(what, plural=plural)
        if draw.random() < 0.6
        else own(draw.randrange(6), what, plural=plural)
    )
    tense = PRESENT if draw.random() < 0.75 else PAST
    denied = NOT if draw.random() < 0.15 else None
    clause = Clause(it, BE, tense, (plain(_spot(draw, what)),), denied, short=draw.random() < 0.5)
    return tell(draw, clause, ask=0.2)


@frame(3)
def where_somebody_is(draw: Random) -> Sentence:
    """My parents are in the kitchen / mes parents sont dans la cuisine."""
    tense = draw.choice((PRESENT, PRESENT, PAST, FUTURE))
    time = when(draw, tense) if tense is FUTURE and draw.random() < 0.6 else ()
    clause = Clause(
        anybody(draw, 0.5),
        BE,
        tense,
        (plain(rest(draw)), *time),
        NOT if draw.random() < 0.2 else None,
        short=draw.random() < 0.7,
    )
    return tell(draw, clause, ask=0.2)


_LIVING = nouns("person", "animal")
_IN_HOUSE = nouns(
    "cat",
    "dog",
    "mouse",
    "rabbit",
    "bird",
    "table",
    "bed",
    "chair",
    "sofa",
    "lamp",
    "mirror",
    "computer",
    "clock",
    "flower",
    "box",
)
_IN_FRIDGE = nouns("food", "drink", "dish")
_OUTSIDE = ("park", "garden", "forest", "village", "street")


@frame(5)
def there_is_something(draw: Random) -> Sentence:
    """There is a cat in the garden / il y a un chat dans le jardin; no milk / pas de lait."""
    denied = draw.random() < 0.25
    kind = draw.random()
    if kind < 0.3:
        what = draw.choice(_SMALL)
        place = _spot(draw, what)
    elif kind < 0.55:
        what, place = draw.choice(_IN_HOUSE), located("in", "dans", the(draw.choice(ROOMS)))
    elif kind < 0.75:
        what, place = draw.choice(_IN_FRIDGE), phrase("in | the | fridge", "dans | le | frigo")
        if what.en in ("soap", "pancake") or what.kind == "food" and draw.random() < 0.3:
            place = phrase("on | the | table", "sur | la | table")
    else:
        spots = [
            each for each in SPOTS if each.en not in ("bedroom", "bathroom", "cellar", "kitchen")
        ]
        what, place = (
            noun(draw.choice(("man", "woman", "child", "tourist", "policeman", "dog"))),
            at(draw.choice(spots)),
        )
    thing = indefinite(draw, what, negated=denied)
    there = _there_is(draw, plural=thing.plural, denied=denied)
    if not denied and draw.random() < 0.2:
        return Sentence(_is_there(thing) + place, "?")
    return Sentence(there + Phrase(thing.en, thing.fr) + place)


def _there_is(draw: Random, *, plural: bool, denied: bool) -> Phrase:
    past_tense = draw.random() < 0.3
    it, neg = tag(), tag()
    verb = ("were" if plural else "was") if past_tense else ("are" if plural else "is")
    french = "avait" if past_tense else "a"
    en: Tokens = say("there", it)
    if not denied:
        return Phrase(en + say(verb, it), say(f"il y {french}", it))
    if draw.random() < 0.7:
        en += say(verb + "n't", it, neg)
    else:
        en += say(verb, it) + say("not", neg)
    fr = say("il", it) + say("ne", neg) + say(f"y {french}", it) + say("pas", neg)
    return Phrase(en, fr)


def _is_there(thing: NounPhrase) -> Phrase:
    it, asked = tag(), tag()
    verb = "are" if thing.plural else "is"
    en = say(verb, it, asked) + say("there", it)
    return Phrase(en + thing.en, say("est-ce que", asked) + say("il y a", it) + thing.fr)


@frame(2)
def somebody_puts_something(draw: Random) -> Sentence:
    """I put the book on the table yesterday / j'ai mis le livre sur la table hier."""
    what = draw.choice([each for each in _SMALL if each.kind not in ("animal", *UNCOUNTED)])
    tense: Tense = draw.choice((FUTURE, GOING_TO, WANT_TO, PERFECT, PROGRESSIVE))
    plural = draw.random() < 0.2
    it = (
        the(what, plural=plural)
        if draw.random() < 0.5
        else own(draw.randrange(6), what, plural=plural)
    )
    denied: Negation | None = deny(draw, tense, 0.1)
    clause = Clause(
        anybody(draw, 0.8),
        Verb("put", "mettre"),
        tense,
        (plain(it), plain(_spot(draw, what))),
        denied,
        short=True,
    )
    return tell(draw, clause, ask=0.1)
