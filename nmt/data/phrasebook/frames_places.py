"""Frames about coming and going, living somewhere, and where things are."""

from random import Random

from nmt.data.phrasebook.choices import (
    adjective,
    anybody,
    indefinite,
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
    Negation,
    Object,
    Tense,
    plain,
)
from nmt.data.phrasebook.english import past
from nmt.data.phrasebook.frames import Sentence, frame, tell
from nmt.data.phrasebook.frames_pronouns import deny
from nmt.data.phrasebook.noun_phrases import NounPhrase, a, own, the, this
from nmt.data.phrasebook.nouns import UNCOUNTED, Noun, noun, nouns
from nmt.data.phrasebook.places import (
    CITIES,
    GOALS,
    ROOMS,
    SCENES,
    SPOTS,
    at,
    goal,
    located,
    rest,
    scene,
    world,
)
from nmt.data.phrasebook.surface import after
from nmt.data.phrasebook.times import DAYS, at_time, on_day, when
from nmt.data.phrasebook.tokens import EMPTY, Phrase, Tokens, phrase, say, tag
from nmt.data.phrasebook.verbs import ALONE, BE, COME, GO, LIVE, Verb, named

_TENSES = (PRESENT, PROGRESSIVE, PAST, FUTURE, GOING_TO, WANT_TO, CAN, MUST, WAS_DOING, HAVE_TO,
           WOULD_LIKE_TO, NEED_TO)  # fmt: skip
_SHARES = (4, 4, 6, 3, 3, 2, 2, 2, 1, 1, 1, 1)

_GOING = tuple(
    named(ALONE, name) for name in "leave,go out,come back,go home,arrive,get up,wash,"
    "get dressed,go to bed,wake up,hurry,rest,have fun,go for a walk,fall asleep,fall,stay".split(",")
)  # fmt: skip
_ACTING = tuple(verb for verb in ALONE if verb not in _GOING)
_DAILY = tuple(
    named(ALONE, name) for name in ("get up", "go to bed", "wake up", "leave", "go home",
                                    "fall asleep", "arrive", "go out", "come back")
)  # fmt: skip


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


_UNPLANNED = frozenset("cry laugh smile shout think".split())


_MANNERS = {
    "sleep": (("well", "bien"), ("badly", "mal"), ("a lot", "beaucoup"), ("a little", "un peu")),
    "work": (("well", "bien"), ("a lot", "beaucoup"), ("too much", "trop"), ("hard", "dur"),
             ("slowly", "lentement")),
    "sing": (("well", "bien"), ("badly", "mal"), ("loudly", "fort"), ("very | well", "très | bien")),
    "dance": (("well", "bien"), ("badly", "mal"), ("very | well", "très | bien")),
    "swim": (("well", "bien"), ("fast", "vite"), ("very | well", "très | bien")),
    "run": (("fast", "vite"), ("very | fast", "très | vite"), ("slowly", "lentement")),
    "walk": (("fast", "vite"), ("slowly", "lentement"), ("very | slowly", "très | lentement")),
    "eat": (("well", "bien"), ("too | fast", "trop | vite"), ("a lot", "beaucoup"),
            ("too much", "trop"), ("slowly", "lentement")),
    "travel": (("a lot", "beaucoup"), ("often", "souvent")),
    "laugh": (("a lot", "beaucoup"), ("loudly", "fort")),
    "drive": (("well", "bien"), ("too | fast", "trop | vite"), ("slowly", "lentement"),
              ("badly", "mal")),
    "cook": (("well", "bien"), ("badly", "mal"), ("very | well", "très | bien")),
    "draw": (("well", "bien"), ("very | well", "très | bien")),
    "smoke": (("too much", "trop"), ("a lot", "beaucoup")),
    "shout": (("loudly", "fort"), ("too | loudly", "trop | fort")),
    "write": (("well", "bien"), ("badly", "mal"), ("a lot", "beaucoup")),
}  # fmt: skip


@frame(2.5)
def somebody_acts_somehow(draw: Random) -> Sentence:
    """She sings very well / elle chante très bien."""
    name = draw.choice(tuple(_MANNERS))
    manner = draw.choice([each for each in _MANNERS[name]])
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
        anybody(draw), GO, PROGRESSIVE if tense is GOING_TO else tense, (plain(goal(draw)), *time),
        deny(draw, tense, 0.18), short=draw.random() < 0.7,
    )
    return tell(draw, clause, ask=0.2)


@frame(5)
def somebody_moves(draw: Random) -> Sentence:
    """I get up early every day / je me lève tôt tous les jours; she has left / elle est partie."""
    verb = draw.choice(_GOING)
    tense = PERFECT if verb.en in ("leave", "arrive", "go out", "come back") and (
        draw.random() < 0.15) else _possible(draw, verb)  # fmt: skip
    manner = EMPTY
    if verb.en in ("get up", "go to bed", "leave", "arrive", "go home", "wake up"):
        manner = phrase(*draw.choice((("early", "tôt"), ("late", "tard"), ("very | early", "très | tôt"))))
        manner = manner if draw.random() < 0.45 else EMPTY
    if verb.en in ("stay", "fall"):
        manner = scene(draw, verb)
    if verb.en == "go out" and draw.random() < 0.4:
        who = draw.choice(nouns("friend", "brother", "sister", "dog", "cousin"))
        manner = located("with", "avec", own(draw.randrange(6), who))
    time = when(draw, tense) if draw.random() < 0.5 and verb.en != "hurry" else ()
    clause = Clause(
        anybody(draw, 0.7), verb, tense, (plain(manner), *time),
        None if tense is PERFECT else deny(draw, tense, 0.2), short=draw.random() < 0.7,
    )
    return tell(draw, clause, ask=0.2)


@frame(3)
def at_what_time(draw: Random) -> Sentence:
    """He gets up at seven o'clock / il se lève à sept heures."""
    verb = draw.choice(_DAILY)
    tense = draw.choice((PRESENT, PRESENT, PAST, FUTURE, GOING_TO))
    if verb.en in ("fall asleep", "arrive") and tense is PRESENT:
        tense = PAST
    day = on_day(draw.choice(tuple(DAYS))) if tense is not PRESENT and draw.random() < 0.2 else EMPTY
    clause = Clause(
        anybody(draw), verb, tense, (plain(day), plain(at_time(draw))), short=draw.random() < 0.7
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
        anybody(draw), verb, tense, (plain(place),), negation(draw, 0.18) if tense is PRESENT else None,
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


_ON = nouns("table", "chair", "bed", "desk", "shelf", "sofa", "armchair", "bench")
_UNDER = nouns("table", "chair", "bed", "desk", "sofa", "armchair", "bench", "tree", "bridge")
_IN = nouns("box", "bag", "drawer", "suitcase", "basket", "cupboard", "wardrobe")
_BESIDE = nouns("door", "window", "table", "chair", "bed", "desk", "lamp", "tree")
_SMALL = nouns("thing", "clothing", "reading", "cat", "mouse", "dog", "cake", "egg", "apple",
               "orange", "newspaper", "banana")  # fmt: skip
_LARGE = frozenset(
    "guitar violin suitcase axe computer umbrella mirror picture rope lamp basket box bag coat "
    "blanket dog clock story article poem report message doll".split()
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
    near = (("behind", "derrière"), ("in front of", "devant"), ("next to", "à côté de"),
            ("near", "près de"))  # fmt: skip
    english, french = draw.choice(near)
    return located(english, french, the(draw.choice([each for each in _BESIDE if each is not thing])))


def _support(draw: Random, what: Noun) -> NounPhrase:
    if what.en in ("tree", "bridge", "bench") or draw.random() < 0.7:
        return the(what)
    return own(draw.randrange(6), what)


@frame(6)
def where_something_is(draw: Random) -> Sentence:
    """The keys are in the drawer / les clés sont dans le tiroir."""
    what = draw.choice(_SMALL)
    plural = draw.random() < 0.3
    it = the(what, plural=plural) if draw.random() < 0.6 else own(draw.randrange(6), what, plural=plural)
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
        anybody(draw, 0.5), BE, tense, (plain(rest(draw)), *time), NOT if draw.random() < 0.2 else None,
        short=draw.random() < 0.7,
    )
    return tell(draw, clause, ask=0.2)


_LIVING = nouns("person", "animal")
_IN_HOUSE = nouns("cat", "dog", "mouse", "rabbit", "bird", "table", "bed", "chair", "sofa", "lamp",
                  "mirror", "computer", "clock", "flower", "box")  # fmt: skip
_IN_FRIDGE = nouns("food", "drink", "dish")
_OUTSIDE = ("park", "garden", "forest", "village", "street")


@frame(5)
def there_is_something(draw: Random) -> Sentence:
    """There is a cat in the garden / il y a un chat dans le jardin; no milk / pas de lait."""
    denied = draw.random() < 0.25
    kind = draw.random()
    if kind < 0.3:
        what, place = draw.choice(_SMALL), _spot(draw, noun("table"))
    elif kind < 0.55:
        what, place = draw.choice(_IN_HOUSE), located("in", "dans", the(draw.choice(ROOMS)))
    elif kind < 0.75:
        what, place = draw.choice(_IN_FRIDGE), phrase("in | the | fridge", "dans | le | frigo")
        if what.en in ("soap", "pancake") or what.kind == "food" and draw.random() < 0.3:
            place = phrase("on | the | table", "sur | la | table")
    else:
        spots = [each for each in SPOTS if each.en not in ("bedroom", "bathroom", "cellar", "kitchen")]
        what, place = noun(draw.choice(("man", "woman", "child", "tourist", "policeman", "dog"))), at(
            draw.choice(spots)
        )  # fmt: skip
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
    it = the(what, plural=plural) if draw.random() < 0.5 else own(draw.randrange(6), what, plural=plural)
    denied: Negation | None = deny(draw, tense, 0.1)
    clause = Clause(
        anybody(draw, 0.8), Verb("put", "mettre"), tense, (plain(it), plain(_spot(draw, what))),
        denied, short=True,
    )
    return tell(draw, clause, ask=0.1)


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
