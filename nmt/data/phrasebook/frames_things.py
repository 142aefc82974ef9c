"""Frames about what people do with things: buy, eat, drink and like them."""

from random import Random

from nmt.data.phrasebook.choices import (
    anybody,
    negation,
    object_of,
)
from nmt.data.phrasebook.clauses import (
    FUTURE,
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
from nmt.data.phrasebook.frames_pronouns import deny, tense_for
from nmt.data.phrasebook.noun_phrases import (
    NounPhrase,
    a,
    every_one_of,
    quantity,
    some,
)
from nmt.data.phrasebook.nouns import NOUNS, UNCOUNTED, noun, nouns
from nmt.data.phrasebook.surface import after
from nmt.data.phrasebook.times import when
from nmt.data.phrasebook.tokens import Phrase, say, tag
from nmt.data.phrasebook.verbs import (
    LIKE,
    LOVE_THING,
    WITH_THINGS,
    Verb,
    named,
)


@frame(15)
def somebody_does_something(draw: Random) -> Sentence:
    """She bought a red dress yesterday / elle a acheté une robe rouge hier."""
    verb = draw.choice(WITH_THINGS)
    who = anybody(draw, 0.65)
    tense = tense_for(draw, verb)
    denied = deny(draw, tense, 0.18)
    what = plain(object_of(draw, verb, negated=denied is not None))
    timeless = verb.stative or verb.en == "build"
    time = when(draw, tense, verb=verb) if draw.random() < 0.3 and not timeless else ()
    clause = Clause(who, verb, tense, (what, *time), denied, short=draw.random() < 0.7)
    return tell(draw, clause, ask=0.15)


@frame(4)
def somebody_eats_or_drinks(draw: Random) -> Sentence:
    """I drink tea every morning / je bois du thé tous les matins; no bread / pas de pain."""
    verb = named(WITH_THINGS, draw.choice(("eat", "drink")))
    tense = draw.choice((PRESENT, PRESENT, PROGRESSIVE, FUTURE, PAST, WANT_TO))
    denied = deny(draw, tense, 0.35)
    what = draw.choice(verb.objects)
    if what.kind in UNCOUNTED:
        word = draw.choice(("any", "")) if denied else draw.choice(("", "some"))
        eaten = some(what, word=word, negated=denied is not None)
    elif denied:
        eaten = some(what, plural=True, word=draw.choice(("any", "")), negated=True)
    else:
        eaten = draw.choice((a(what), some(what, plural=True)))
    clause = Clause(
        anybody(draw), verb, tense, (plain(eaten), *when(draw, tense)), denied, short=True
    )
    return Sentence(clause.statement())


@frame(4)
def somebody_likes_a_kind(draw: Random) -> Sentence:
    """I like coffee / j'aime le café; she loves cats / elle adore les chats."""
    denied = negation(draw, 0.25)
    denied = NOT if denied else None
    what = draw.choice(
        nouns("food", "drink", "animal", "dish", "flower", "film", "museum", "castle")
    )
    kind = every_one_of(what, plural=what.kind not in UNCOUNTED)
    verb = LOVE_THING if draw.random() < 0.4 and denied is None else LIKE
    clause = Clause(anybody(draw), verb, PRESENT, (plain(kind),), denied, short=True)
    return tell(draw, clause, ask=0.25)


@frame(1.5)
def somebody_prefers(draw: Random) -> Sentence:
    """I prefer tea to coffee / je préfère le thé au café."""
    kind = draw.choice(("drink", "food", "dish", "animal"))
    first, second = draw.sample(NOUNS[kind], 2)
    plural = kind not in UNCOUNTED
    liked, other = every_one_of(first, plural=plural), every_one_of(second, plural=plural)
    mine = tag()
    to_other = Phrase(say("to", mine) + other.en, after("à", (mine,), other.fr))
    verb = Verb("prefer", "préférer", stative=True, momentary=True)
    clause = Clause(anybody(draw), verb, PRESENT, (plain(liked), plain(to_other)))
    return Sentence(clause.statement())


_PORTIONS = (
    ("glass", "drink", "verre"),
    ("bottle", "drink", "bouteille"),
    ("cup", "tea", "tasse"),
    ("cup", "coffee", "tasse"),
    ("piece", "cheese", "morceau"),
    ("piece", "bread", "morceau"),
    ("kilo", "meat", "kilo"),
    ("kilo", "rice", "kilo"),
    ("kilo", "apple", "kilo"),
    ("kilo", "tomato", "kilo"),
    ("kilo", "potato", "kilo"),
    ("slice", "ham", "tranche"),
    ("slice", "bread", "tranche"),
    ("bowl", "soup", "bol"),
    ("kilo", "sugar", "kilo"),
    ("bottle", "oil", "bouteille"),
    ("pot", "jam", "pot"),
    ("piece", "chocolate", "morceau"),
    ("bowl", "rice", "bol"),
)
_POURED = tuple(each for each in NOUNS["drink"] if each.en not in ("tea", "coffee"))


@frame(2.5)
def somebody_takes_a_portion(draw: Random) -> Sentence:
    """I would like a glass of water / je voudrais un verre d'eau."""
    english, kind, french = draw.choice(_PORTIONS)
    what = draw.choice(_POURED) if kind == "drink" else noun(kind)
    article, measure, of = tag(), tag(), tag()
    inner = quantity("", "", what, plural=what.kind not in UNCOUNTED)
    feminine = french in ("tasse", "bouteille", "tranche")
    en = say("a", article) + say(english, measure) + say("of", of) + inner.en
    fr = say("une" if feminine else "un", article) + say(french, measure) + say("de", of) + inner.fr
    portion = plain(Phrase(en, fr))
    who = anybody(draw)
    if english == "kilo":
        return _bought(draw, who, portion)
    verb, tense = draw.choice(
        (
            (Verb("like", "vouloir"), WOULD),
            (Verb("want", "vouloir", stative=True), PRESENT),
            (Verb("take", "prendre"), PAST),
            (Verb("take", "prendre"), FUTURE),
        )
    )
    return Sentence(Clause(who, verb, tense, (portion,), short=True).statement())


def _bought(draw: Random, who: NounPhrase, portion: Object) -> Sentence:
    tense = draw.choice((PAST, FUTURE, WANT_TO))
    parts = (portion, *when(draw, tense)) if draw.random() < 0.4 else (portion,)
    return Sentence(Clause(who, Verb("buy", "acheter"), tense, parts, short=True).statement())


@frame(2)
def somebody_does_nothing(draw: Random) -> Sentence:
    """I don't see anything / je ne vois rien; he did nothing / il n'a rien fait."""
    verb, tense = draw.choice(
        (
            (Verb("eat", "manger"), PAST),
            (Verb("see", "voir"), PRESENT),
            (Verb("say", "dire"), PAST),
            (Verb("hear", "entendre"), PRESENT),
            (Verb("buy", "acheter"), PAST),
            (Verb("do", "faire"), PAST),
            (Verb("understand", "comprendre"), PRESENT),
            (Verb("want", "vouloir"), PRESENT),
            (Verb("find", "trouver"), PAST),
            (Verb("drink", "boire"), PAST),
            (Verb("know", "savoir"), PRESENT),
            (Verb("see", "voir"), PAST),
            (Verb("forget", "oublier"), PAST),
            (Verb("lose", "perdre"), PAST),
        )
    )
    time = when(draw, tense) if tense is PAST and draw.random() < 0.5 else ()
    who = anybody(draw)
    nothing = NOT._replace(fr="rien")
    anything = tag()
    partner = Object(Phrase(say("anything", anything), ()))
    clause = Clause(who, verb, tense, (partner, *time), nothing, short=True, partner=anything)
    return Sentence(clause.statement())
