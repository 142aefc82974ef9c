"""Random phrases that make sense: subjects, people, and objects for a verb."""

from collections.abc import Sequence
from random import Random

from nmt.data.phrasebook.adjectives import Adjective, beside
from nmt.data.phrasebook.clauses import NEVER, NO_LONGER, NOT, Negation
from nmt.data.phrasebook.noun_phrases import (
    NAMES,
    NounPhrase,
    a,
    belonging,
    counted,
    own,
    person_named,
    quantity,
    some,
    subject,
    the,
    this,
)
from nmt.data.phrasebook.nouns import NOUNS, UNCOUNTED, Noun, noun
from nmt.data.phrasebook.tokens import listed
from nmt.data.phrasebook.verbs import Verb

UNOWNED = frozenset(
    listed(
        "train, bus, plane, taxi, lorry, lion, bear, elephant, hedgehog, wolf, fox, owl, frog, "
        "snake, monkey, mouse, castle, bridge, church, town, village, museum, forest, square, "
        "street, road, field, sea, lake, river, mountain, island, factory, hospital, station, "
        "university, harbour, film, bird, sheep"
    )
)
"""Things that do not go with a possessive."""

COMPANIONS = tuple(
    map(noun, listed("friend, neighbour, teacher, doctor, colleague, guest, lawyer"))
)
"""People that go with a possessive."""


def adjective(draw: Random, thing: Noun, chance: float = 0.25) -> tuple[Adjective, ...]:
    """Sometimes an adjective that goes with the noun."""
    fitting = beside(thing)
    return (draw.choice(fitting),) if fitting and draw.random() < chance else ()


def pronoun(draw: Random) -> NounPhrase:
    """I, you, he, she, we or they."""
    return subject(draw.randrange(6))


_SPOUSES = {"husband": (3,), "wife": (0, 1, 2)}


def kin(draw: Random, relatives: Sequence[Noun] = NOUNS["relative"]) -> NounPhrase:
    """My mother, her husband: somebody's relative."""
    relative = draw.choice(relatives)
    return own(draw.choice(_SPOUSES.get(relative.en, range(6))), relative)


def person(draw: Random) -> NounPhrase:
    """A definite person, not a pronoun: Paul, my sister, the young man."""
    kind = draw.random()
    if kind < 0.3:
        return person_named(draw.choice(NAMES))
    if kind < 0.62:
        return kin(draw)
    if kind < 0.72:
        return own(draw.randrange(6), draw.choice(COMPANIONS))
    who = draw.choice(NOUNS["person"])
    if who.en in ("king", "queen", "princess", "hero"):
        return the(who)
    if kind < 0.9:
        return the(who, *adjective(draw, who, 0.3), plural=draw.random() < 0.2)
    return this(who, *adjective(draw, who, 0.2))


def anybody(draw: Random, pronouns: float = 0.6) -> NounPhrase:
    """A subject: mostly a pronoun."""
    return pronoun(draw) if draw.random() < pronouns else person(draw)


_PAIRED = frozenset(["shoe", "glove", "sock", "boot"])
"""Things that come in twos."""


def thing(draw: Random, what: Noun, *, negated: bool = False) -> NounPhrase:
    """An object: with an article, a possessive, a number, perhaps an adjective."""
    if what.kind in UNCOUNTED:
        return _measured(draw, what, negated=negated)
    plural = draw.random() < 0.25 or what.en in _PAIRED
    kind = draw.random()
    extra = adjective(draw, what)
    if kind < 0.3 or (what.en in UNOWNED and kind < 0.45):
        return the(what, *extra, plural=plural)
    if kind < 0.55 and what.en not in UNOWNED:
        return own(draw.randrange(6), what, *extra, plural=plural)
    if kind < 0.7:
        return this(what, *extra, plural=plural, far=draw.random() < 0.3)
    if kind < 0.76 and what.en not in UNOWNED:
        return belonging(what, person_named(draw.choice(NAMES)), plural=plural)
    if negated:
        if plural:
            return some(what, *extra, plural=True, word="any", negated=True)
        return a(what, *extra, negated=True)
    if kind < 0.9 and not plural:
        return a(what, *extra)
    if kind < 0.95:
        return counted(draw.choice((2, 2, 3, 3, 4, 5, 6, 10)), what, *extra)
    return some(what, *extra, plural=True)


def _measured(draw: Random, what: Noun, *, negated: bool) -> NounPhrase:
    kind = draw.random()
    if kind < 0.5:
        word = draw.choice(("any", "")) if negated else draw.choice(("some", "some", ""))
        return some(what, word=word, negated=negated)
    if kind < 0.6 and not negated:
        return quantity("a lot of", "beaucoup de", what, plural=False)
    extra = adjective(draw, what, 0.2)
    if kind < 0.75:
        return the(what, *extra)
    if kind < 0.9:
        return own(draw.randrange(6), what)
    return this(what, *extra)


def indefinite(draw: Random, what: Noun, *, negated: bool = False) -> NounPhrase:
    """A cat, some bread, three books; under negation without their article."""
    if what.kind in UNCOUNTED:
        word = draw.choice(("any", "")) if negated else draw.choice(("some", ""))
        return some(what, word=word, negated=negated)
    extra = adjective(draw, what, 0.3)
    kind = draw.random()
    if kind < 0.5 and what.en not in _PAIRED:
        return a(what, *extra, negated=negated)
    if kind < 0.75 or negated:
        word = "any" if negated else "some"
        return some(what, *extra, plural=True, word=word, negated=negated)
    if kind < 0.85:
        return quantity("a lot of", "beaucoup de", what, *extra)
    return counted(draw.choice((2, 2, 3, 3, 4, 5, 6, 7, 8, 10, 12)), what, *extra)


_DEFINITE = frozenset(
    listed(
        "explain, tell, promise, translate, correct, understand, discover, hate, finish, begin, "
        "learn, visit, cross, build, photograph"
    )
)
"""Verbs that take a definite object when they are negated: he did not explain the rule."""

_SINGLE = frozenset(listed("drive, take, cross, build, hate, photograph, repair"))
"""Verbs that take a single thing as object, without an adjective."""


def object_of(draw: Random, verb: Verb, *, negated: bool = False) -> NounPhrase:
    """A thing that makes sense as object of this verb."""
    what = draw.choice(verb.objects)
    known = negated and verb.en in _DEFINITE
    while True:
        drawn = thing(draw, what, negated=negated)
        single = verb.en in _SINGLE and (drawn.plural or len(drawn.en) > 2)
        if not single and not (known and drawn.fr[0].text == "de"):
            return drawn


def negation(draw: Random, chance: float, *, state: bool = False) -> Negation | None:
    """With some probability not, never or no longer; mostly not. A state never gets `never`."""
    if draw.random() >= chance:
        return None
    return draw.choices((NOT, NEVER, NO_LONGER), (8, 0 if state else 1, 1))[0]
