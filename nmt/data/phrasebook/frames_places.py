"""Frames about coming and going, acting and living somewhere."""

from random import Random

from nmt.data.phrasebook.choices import (
    adjective,
    anybody,
    negation,
)
from nmt.data.phrasebook.clauses import (
    CAN,
    FUTURE,
    GOING_TO,
    HAVE_TO,
    MUST,
    NEED_TO,
    NOT,
    PAST,
    PERFECT,
    PRESENT,
    PROGRESSIVE,
    WANT_TO,
    WAS_DOING,
    WOULD_LIKE_TO,
    Clause,
    Object,
    Tense,
    plain,
)
from nmt.data.phrasebook.english import past
from nmt.data.phrasebook.frames import Sentence, frame, tell
from nmt.data.phrasebook.frames_pronouns import deny
from nmt.data.phrasebook.noun_phrases import NounPhrase, a, own, the, this
from nmt.data.phrasebook.nouns import Noun, nouns
from nmt.data.phrasebook.places import (
    CITIES,
    GOALS,
    SCENES,
    SPOTS,
    goal,
    located,
    scene,
    world,
)
from nmt.data.phrasebook.surface import after
from nmt.data.phrasebook.times import DAYS, at_time, on_day, when
from nmt.data.phrasebook.tokens import EMPTY, Phrase, listed, phrase, say, tag
from nmt.data.phrasebook.verbs import ALONE, COME, GO, LIVE, Verb, named

_TENSES = (
    PRESENT,
    PROGRESSIVE,
    PAST,
    FUTURE,
    GOING_TO,
    WANT_TO,
    CAN,
    MUST,
    WAS_DOING,
    HAVE_TO,
    WOULD_LIKE_TO,
    NEED_TO,
)
_SHARES = (4, 4, 6, 3, 3, 2, 2, 2, 1, 1, 1, 1)

_GOING = tuple(
    named(ALONE, name)
    for name in listed(
        "leave, go out, come back, go home, arrive, get up, wash, get dressed, go to bed, wake "
        "up, hurry, rest, have fun, go for a walk, fall asleep, fall, stay"
    )
)
_ACTING = tuple(verb for verb in ALONE if verb not in _GOING)
_DAILY = tuple(
    named(ALONE, name)
    for name in (
        "get up",
        "go to bed",
        "wake up",
        "leave",
        "go home",
        "fall asleep",
        "arrive",
        "go out",
        "come back",
    )
)


def _possible(draw: Random, verb: Verb) -> Tense:
    tense = draw.choices(_TENSES, _SHARES)[0]
    if verb.en in ("fall", "fall asleep") or (
        verb.en == "arrive" and tense not in (FUTURE, GOING_TO)
    ):
        return PAST
    if verb.en == "hurry":
        return draw.choice((PROGRESSIVE, MUST, HAVE_TO, NEED_TO))
    if tense is PRESENT and past(verb.english[0]) == verb.english[0]:
        return PROGRESSIVE
    return tense


@frame(6)
def somebody_acts(draw: Random) -> Sentence:
    """The children are playing in the garden / les enfants jouent dans le jardin."""
    verb = draw.choice(_ACTING)
    tense = _possible(draw, verb)
    if verb.en in _UNPLANNED and tense not in (PRESENT, PROGRESSIVE, PAST, WAS_DOING):
        tense = PROGRESSIVE
    scenery = verb.en in SCENES and draw.random() < 0.7
    spot = (plain(scene(draw, verb)),) if scenery else ()
    time = when(draw, tense) if draw.random() < 0.35 else ()
    clause = Clause(
        anybody(draw), verb, tense, (*spot, *time), deny(draw, tense), short=draw.random() < 0.7
    )
    return tell(draw, clause, ask=0.2)


_UNPLANNED = frozenset(["cry", "laugh", "smile", "shout", "think"])


_MANNERS = {
    "sleep": (("well", "bien"), ("badly", "mal"), ("a lot", "beaucoup"), ("a little", "un peu")),
    "work": (
        ("well", "bien"),
        ("a lot", "beaucoup"),
        ("too much", "trop"),
        ("hard", "dur"),
        ("slowly", "lentement"),
    ),
    "sing": (
        ("well", "bien"),
        ("badly", "mal"),
        ("loudly", "fort"),
        ("very | well", "très | bien"),
    ),
    "dance": (("well", "bien"), ("badly", "mal"), ("very | well", "très | bien")),
    "swim": (("well", "bien"), ("fast", "vite"), ("very | well", "très | bien")),
    "run": (("fast", "vite"), ("very | fast", "très | vite"), ("slowly", "lentement")),
    "walk": (("fast", "vite"), ("slowly", "lentement"), ("very | slowly", "très | lentement")),
    "eat": (
        ("well", "bien"),
        ("too | fast", "trop | vite"),
        ("a lot", "beaucoup"),
        ("too much", "trop"),
        ("slowly", "lentement"),
    ),
    "travel": (("a lot", "beaucoup"), ("often", "souvent")),
    "laugh": (("a lot", "beaucoup"), ("loudly", "fort")),
    "drive": (
        ("well", "bien"),
        ("too | fast", "trop | vite"),
        ("slowly", "lentement"),
        ("badly", "mal"),
    ),
    "cook": (("well", "bien"), ("badly", "mal"), ("very | well", "très | bien")),
    "draw": (("well", "bien"), ("very | well", "très | bien")),
    "smoke": (("too much", "trop"), ("a lot", "beaucoup")),
    "shout": (("loudly", "fort"), ("too | loudly", "trop | fort")),
    "write": (("well", "bien"), ("badly", "mal"), ("a lot", "beaucoup")),
}


@frame(2.5)
def somebody_acts_somehow(draw: Random) -> Sentence:
    """She sings very well / elle chante très bien."""
    name = draw.choice(tuple(_MANNERS))
    manner = draw.choice(_MANNERS[name])
    tense = draw.choice((PRESENT, PRESENT, PRESENT, PROGRESSIVE))
    if name in ("eat", "laugh", "sing", "walk", "run", "drive", "work", "shout"):
        denied = negation(draw, 0.15)
    else:
        denied, tense = negation(draw, 0.15), PRESENT
    verb = named(ALONE, name)
    clause = Clause(
        anybody(draw), verb, tense, (plain(phrase(*manner)),), NOT if denied else None, short=True
    )
    return tell(draw, clause, ask=0.2)


@frame(7)
def somebody_comes_or_goes(draw: Random) -> Sentence:
    """We went to the market yesterday / nous sommes allés au marché hier."""
    tense = _possible(draw, GO)
    time = when(draw, tense, far=True) if draw.random() < 0.4 else ()
    clause = Clause(
        anybody(draw),
        GO,
        PROGRESSIVE if tense is GOING_TO else tense,
        (plain(goal(draw, near=tense is PRESENT)), *time),
        deny(draw, tense, 0.18),
        short=draw.random() < 0.7,
    )
    return tell(draw, clause, ask=0.2)


@frame(5)
def somebody_moves(draw: Random) -> Sentence:
    """I get up early every day / je me lève tôt tous les jours; she has left / elle est partie."""
    verb = draw.choice(_GOING)
    tense = (
        PERFECT
        if verb.en in ("leave", "arrive", "go out", "come back") and (draw.random() < 0.15)
        else _possible(draw, verb)
    )
    manner = EMPTY
    if verb.en in ("get up", "go to bed", "leave", "arrive", "go home", "wake up"):
        manner = phrase(
            *draw.choice((("early", "tôt"), ("late", "tard"), ("very | early", "très | tôt")))
        )
        manner = manner if draw.random() < 0.45 else EMPTY
    if verb.en in ("stay", "fall"):
        manner = scene(draw, verb)
    if verb.en == "go out" and draw.random() < 0.4:
        who = draw.choice(nouns("friend", "brother", "sister", "dog", "cousin"))
        manner = located("with", "avec", own(draw.randrange(6), who))
    time = when(draw, tense) if draw.random() < 0.5 and verb.en != "hurry" else ()
    clause = Clause(
        anybody(draw, 0.7),
        verb,
        tense,
        (plain(manner), *time),
        None if tense is PERFECT else deny(draw, tense, 0.2),
        short=draw.random() < 0.7,
    )
    return tell(draw, clause, ask=0.2)


_HOURS = {
    "get up": (5, 9), "wake up": (5, 9), "go to bed": (8, 11), "fall asleep": (8, 11),
}  # fmt: skip
"""The hours on the clock between which people do this."""


@frame(3)
def at_what_time(draw: Random) -> Sentence:
    """He gets up at seven o'clock / il se lève à sept heures."""
    verb = draw.choice(_DAILY)
    tense = draw.choice((PRESENT, PRESENT, PAST, FUTURE, GOING_TO))
    if verb.en in ("fall asleep", "arrive") and tense is PRESENT:
        tense = PAST
    day = (
        on_day(draw.choice(tuple(DAYS))) if tense is not PRESENT and draw.random() < 0.2 else EMPTY
    )
    hours = _HOURS.get(verb.en, (1, 11))
    clause = Clause(
        anybody(draw),
        verb,
        tense,
        (plain(day), plain(at_time(draw, first=hours[0], last=hours[1]))),
        short=draw.random() < 0.7,
    )
    return tell(draw, clause, ask=0.12)


@frame(4)
def where_somebody_lives(draw: Random) -> Sentence:
    """My aunt lives in Spain / ma tante habite en Espagne."""
    tense = draw.choice((PRESENT, PRESENT, PAST, FUTURE, WANT_TO, WOULD_LIKE_TO))
    verb = LIVE if draw.random() < 0.6 else named(ALONE, draw.choice(("work", "travel", "study")))
    if verb is not LIVE and tense is PAST:
        tense = WAS_DOING
    place = world(draw)
    if verb.en == "live" and draw.random() < 0.3:
        homes = nouns("house", "flat", "village", "town", "castle", "farm", "street")
        home = draw.choice(homes)
        place = _home(draw, home)
    clause = Clause(
        anybody(draw),
        verb,
        tense,
        (plain(place),),
        negation(draw, 0.18) if tense is PRESENT else None,
        short=draw.random() < 0.7,
    )
    return tell(draw, clause, ask=0.2)


def _home(draw: Random, home: Noun) -> Phrase:
    extra = adjective(draw, home, 0.6)
    dwelling = draw.choice((a(home, *extra), this(home)))
    if home.en == "farm":
        return located("on", "dans", dwelling)
    return located("in", "dans", dwelling)


@frame(2)
def where_somebody_comes_from(draw: Random) -> Sentence:
    """They come from Japan / ils viennent du Japon."""
    tense = draw.choice((PRESENT, PRESENT, PROGRESSIVE))
    origin = world(draw, "from")
    who = anybody(draw)
    denied = NOT if draw.random() < 0.2 else None
    if tense is PROGRESSIVE:
        mine, source = tag(), draw.choice([each for each in SPOTS if each.en not in ("street",)])
        there = the(source)
        origin = Phrase(say("from", mine) + there.en, after("de", (mine,), there.fr))
    clause = Clause(who, COME, tense, (plain(origin),), denied, short=draw.random() < 0.7)
    return tell(draw, clause, ask=0.2)


@frame(2)
def somebody_goes_there(draw: Random) -> Sentence:
    """The market? I'm going there tomorrow / Le marché ? J'y vais demain."""
    kind = draw.random()
    if kind < 0.4:
        name = draw.choice([*CITIES])
        mine = tag()
        place = NounPhrase(say(name, mine), say(CITIES[name], mine))
    else:
        place = the(draw.choice(GOALS))
    asked, there = tag(), tag()
    tense = draw.choice((PROGRESSIVE, PAST, GOING_TO, WANT_TO))
    goes = Object(Phrase(say("there", there), say("y", there)), clitic=4)
    time = when(draw, tense) if draw.random() < 0.6 else ()
    clause = Clause(
        anybody(draw, 0.85), GO, tense, (goes, *time), deny(draw, tense, 0.15), short=True
    )
    question = Phrase(place.en + say("?", asked), place.fr + say("?", asked))
    return Sentence(question + clause.statement())
