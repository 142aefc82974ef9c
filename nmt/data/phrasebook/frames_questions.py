"""Frames that ask with a question word: where, when, why, who, what, how, how many."""

from random import Random

from nmt.data.phrasebook.adjectives import adjectives
from nmt.data.phrasebook.choices import adjective, anybody, object_of, person
from nmt.data.phrasebook.clauses import (
    CAN,
    FUTURE,
    GOING_TO,
    PAST,
    PRESENT,
    PROGRESSIVE,
    WANT_TO,
    Clause,
    Object,
    Tense,
    direct,
    plain,
)
from nmt.data.phrasebook.frames import Sentence, frame
from nmt.data.phrasebook.frames_pronouns import other
from nmt.data.phrasebook.noun_phrases import NounPhrase, own, quantity, the, this
from nmt.data.phrasebook.nouns import UNCOUNTED, nouns
from nmt.data.phrasebook.places import goal
from nmt.data.phrasebook.times import when
from nmt.data.phrasebook.tokens import Phrase, listed, phrase, say, tag
from nmt.data.phrasebook.verbs import (
    ALONE,
    BE,
    BE_AVOIR,
    COME,
    GO,
    HAVE,
    LIVE,
    WITH_PEOPLE,
    WITH_THINGS,
    Verb,
    named,
)

_LOST = nouns("thing", "clothing", "reading", "cat", "dog", "car", "bicycle")
_BUILT = nouns("place")
_NOT_SOUGHT = frozenset(
    listed(
        "house, town, village, forest, street, factory, kitchen, garden, bedroom, cellar, flat, "
        "garage, farm, square, office"
    )
)


@frame(4)
def where_is(draw: Random) -> Sentence:
    """Where is the station / où est la gare; where are my keys / où sont mes clés."""
    opening = phrase("where", "où")
    kind = draw.random()
    if kind < 0.35:
        thing = the(draw.choice([each for each in _BUILT if each.en not in _NOT_SOUGHT]))
    elif kind < 0.85:
        thing = own(draw.randrange(6), draw.choice(_LOST), plural=draw.random() < 0.35)
    else:
        thing = person(draw)
    tense = PAST if kind > 0.5 and draw.random() < 0.25 else PRESENT
    return Sentence(Clause(thing, BE, tense).inversion(opening), "?")


@frame(4)
def where_does_somebody(draw: Random) -> Sentence:
    """Where do you live / où est-ce que tu habites."""
    verb, tense = draw.choice(
        (
            (LIVE, PRESENT),
            (LIVE, PAST),
            (GO, PROGRESSIVE),
            (GO, PAST),
            (GO, WANT_TO),
            (GO, FUTURE),
            (named(ALONE, "work"), PRESENT),
            (named(ALONE, "sleep"), FUTURE),
            (named(ALONE, "eat"), GOING_TO),
            (named(ALONE, "wait"), PROGRESSIVE),
            (named(ALONE, "travel"), GOING_TO),
            (named(ALONE, "study"), PRESENT),
        )
    )
    time = when(draw, tense) if tense in (PAST, FUTURE) and verb is GO else ()
    return Sentence(_asked(draw, ("where", "où"), verb, tense, time), "?")


def _asked(
    draw: Random, word: tuple[str, str], verb: Verb, tense: Tense, parts: tuple[Object, ...] = ()
) -> Phrase:
    who = _you_mostly(draw)
    return Clause(who, verb, tense, parts).question(phrase(*word))


def _you_mostly(draw: Random) -> NounPhrase:
    while True:
        who = anybody(draw, 0.7)
        if who.person not in (0, 3):
            return who


@frame(4)
def when_does_somebody(draw: Random) -> Sentence:
    """When are you leaving / quand est-ce que tu pars; at what time."""
    word = draw.choice(
        (("when", "quand"), ("when", "quand"), ("at | what | time", "à | quelle | heure"))
    )
    tense = draw.choice((PRESENT, PAST, FUTURE, GOING_TO, WANT_TO))
    if draw.random() < 0.6:
        names = (
            "leave",
            "arrive",
            "come back",
            "go home",
            "go to bed",
            "get up",
            "wake up",
            "go out",
            "eat",
        )
        verb = named(ALONE, draw.choice(names))
        return Sentence(_asked(draw, word, verb, tense), "?")
    verb = draw.choice([each for each in WITH_THINGS if each.en in _DATED])
    what = plain(_definite(draw, verb))
    tense = draw.choice((PAST, FUTURE, GOING_TO)) if not verb.involuntary else PAST
    return Sentence(_asked(draw, ("when", "quand"), verb, tense, (what,)), "?")


_DATED = frozenset(
    listed(
        "buy, sell, read, write, open, close, repair, lose, find, finish, begin, receive, "
        "visit, take, borrow, clean, wash"
    )
)


def _definite(draw: Random, verb: Verb) -> NounPhrase:
    what = draw.choice(verb.objects)
    plural = what.kind not in UNCOUNTED and draw.random() < 0.2
    if draw.random() < 0.6:
        return the(what, *adjective(draw, what), plural=plural)
    return this(what, *adjective(draw, what), plural=plural)


@frame(5)
def why_does_somebody(draw: Random) -> Sentence:
    """Why did you sell the car / pourquoi est-ce que tu as vendu la voiture."""
    word = phrase("why", "pourquoi")
    who = _you_mostly(draw)
    kind = draw.random()
    if kind < 0.3:
        verb = named(
            ALONE,
            draw.choice(listed("cry, laugh, smile, run, wait, shout, hurry, leave, smoke, sing")),
        )
        tense = draw.choice((PROGRESSIVE, PAST)) if verb.en != "smoke" else PRESENT
        return Sentence(Clause(who, verb, tense).question(word), "?")
    if kind < 0.55:
        quality = draw.choice(
            adjectives(
                "tired happy sad busy angry proud serious jealous alone worried surprised ill"
            )
        )
        mine = tag()
        told = Phrase(
            say(quality.en, mine), say(quality.form(feminine=who.feminine, plural=who.plural), mine)
        )
        tense = draw.choice((PRESENT, PRESENT, PAST))
        return Sentence(Clause(who, BE, tense, (plain(told),)).question(word), "?")
    if kind < 0.75:
        verb = draw.choice([each for each in WITH_PEOPLE if each.en not in ("draw", "pay", "find")])
        tense = PRESENT if verb.momentary and not verb.involuntary and draw.random() < 0.4 else PAST
        parts = (direct(other(draw, who)),)
        return Sentence(Clause(who, verb, tense, parts).question(word), "?")
    verb = draw.choice([each for each in WITH_THINGS if each.en not in _NOT_ASKED_WHY])
    parts = (plain(_definite(draw, verb)),)
    tense = PAST if verb.involuntary else draw.choice((PAST, WANT_TO))
    return Sentence(Clause(who, verb, tense, parts).question(word), "?")


_NOT_ASKED_WHY = frozenset(listed("hate, hear, find, receive, discover, understand"))


@frame(5)
def what_does_somebody(draw: Random) -> Sentence:
    """What are you doing / qu'est-ce que tu fais."""
    who = _you_mostly(draw)
    verb, tense = draw.choice(
        (
            (Verb("do", "faire"), PROGRESSIVE),
            (Verb("do", "faire"), PAST),
            (Verb("do", "faire"), GOING_TO),
            (Verb("eat", "manger"), PROGRESSIVE),
            (Verb("eat", "manger"), PAST),
            (Verb("want", "vouloir", stative=True), PRESENT),
            (Verb("buy", "acheter"), PAST),
            (Verb("look for", "chercher"), PROGRESSIVE),
            (Verb("see", "voir"), PRESENT),
            (Verb("read", "lire"), PROGRESSIVE),
            (Verb("drink", "boire"), PROGRESSIVE),
            (Verb("say", "dire"), PAST),
            (Verb("choose", "choisir"), PAST),
            (Verb("find", "trouver"), PAST),
            (Verb("write", "écrire"), PROGRESSIVE),
            (Verb("prepare", "préparer"), PROGRESSIVE),
            (Verb("learn", "apprendre"), PROGRESSIVE),
            (Verb("buy", "acheter"), WANT_TO),
            (Verb("do", "faire"), WANT_TO),
            (Verb("lose", "perdre"), PAST),
            (Verb("sell", "vendre"), PRESENT),
            (Verb("draw", "dessiner"), PROGRESSIVE),
            (Verb("do", "faire"), FUTURE),
        )
    )
    time = when(draw, tense) if tense in (PAST, FUTURE, GOING_TO) and draw.random() < 0.6 else ()
    opening = phrase("what", "que")
    return Sentence(Clause(who, verb, tense, time).question(opening), "?")


@frame(5)
def who_does_something(draw: Random) -> Sentence:
    """Who broke the window / qui a cassé la fenêtre; who can help me / qui peut m'aider."""
    asker = _somebody()
    opening = phrase("who", "qui")
    kind = draw.random()
    if kind < 0.55:
        verb = draw.choice(WITH_THINGS)
        tense = draw.choice((PAST, PAST, FUTURE, WANT_TO, CAN)) if not verb.involuntary else PAST
        if verb.stative:
            tense = PRESENT
        parts = (plain(object_of(draw, verb)),)
    elif kind < 0.85:
        verb = draw.choice(WITH_PEOPLE)
        tense = draw.choice((PAST, FUTURE, CAN, PRESENT)) if not verb.stative else PRESENT
        parts = (direct(draw.choice((0, 1, 2, 3, 4, 5))),)
    else:
        verb, tense = GO, draw.choice((PAST, FUTURE, WANT_TO))
        parts = (plain(goal(draw)),)
    return Sentence(Clause(asker, verb, tense, parts).about_subject(opening), "?")


def _somebody() -> NounPhrase:
    """The unknown subject of a question with who: third person singular."""
    return NounPhrase((), ())


@frame(3)
def whom_does_somebody(draw: Random) -> Sentence:
    """Who are you waiting for / qui est-ce que tu attends."""
    verb = draw.choice([each for each in WITH_PEOPLE if each.en not in ("find", "draw", "hear")])
    tense = draw.choice((PAST, FUTURE, WANT_TO)) if not verb.stative else PRESENT
    if not verb.momentary:
        tense = draw.choice((PROGRESSIVE, tense))
    time = when(draw, tense) if tense is PAST and draw.random() < 0.4 else ()
    clause = Clause(_you_mostly(draw), verb, tense, time)
    return Sentence(clause.question(phrase("who", "qui")), "?")


_COUNTED = nouns(
    "brother",
    "sister",
    "child",
    "cat",
    "dog",
    "book",
    "car",
    "friend",
    "cousin",
    "hat",
    "suitcase",
    "key",
    "shirt",
    "horse",
    "hen",
    "cow",
    "ticket",
    "chair",
    "bed",
    "daughter",
    "son",
    "student",
)


@frame(3)
def how_many_does_somebody(draw: Random) -> Sentence:
    """How many brothers do you have / combien de frères est-ce que tu as."""
    kind = draw.random()
    if kind < 0.55:
        verb, what, tense = HAVE, draw.choice(_COUNTED), PRESENT
    else:
        name = draw.choice(("eat", "drink", "buy", "read", "sell", "write", "take"))
        verb = named(WITH_THINGS, name)
        what = draw.choice(verb.objects)
        tense = draw.choice((PAST, GOING_TO, WANT_TO))
    much = what.kind in UNCOUNTED
    if much and tense is PAST:
        tense = GOING_TO
    counted = quantity("how much" if much else "how many", "combien de", what, plural=not much)
    fronted = (what.feminine, not much)
    clause = Clause(_you_mostly(draw), verb, tense, fronted=fronted)
    return Sentence(clause.question(counted), "?")


_PRICED = nouns(
    *listed("clothing, vehicle, furniture, thing, dish, book, novel, magazine, newspaper, postcard")
)


@frame(3)
def how_much_it_costs(draw: Random) -> Sentence:
    """How much does this hat cost / combien coûte ce chapeau; it costs ten euros."""
    what = draw.choice(_PRICED)
    extra = adjective(draw, what)
    thing = draw.choice((this, the))(what, *extra, plural=draw.random() < 0.4)
    cost = Verb("cost", "coûter", stative=True)
    return Sentence(Clause(thing, cost).inversion(phrase("how much", "combien")), "?")


@frame(2)
def how_somebody_is(draw: Random) -> Sentence:
    """How is your mother / comment va ta mère; how old is she / quel âge a-t-elle."""
    if draw.random() < 0.4:
        return Sentence(
            Clause(person(draw), Verb("be", "aller")).inversion(phrase("how", "comment")), "?"
        )
    who = _you_mostly(draw)
    opening = phrase("how old", "quel âge")
    return Sentence(Clause(who, BE_AVOIR).inversion(opening), "?")


@frame(2)
def which_one(draw: Random) -> Sentence:
    """Which book are you reading / quel livre est-ce que tu lis."""
    name = draw.choice(
        ("buy", "choose", "read", "wear", "sell", "take", "watch", "sing", "visit", "learn")
    )
    verb = named(WITH_THINGS, name)
    what = draw.choice(verb.objects)
    plural = what.kind not in UNCOUNTED and draw.random() < 0.25
    french = ("quelle" if what.feminine else "quel") + ("s" if plural else "")
    which = quantity("which", french, what, plural=plural)
    tense = draw.choice((PAST, PAST, WANT_TO, GOING_TO))
    clause = Clause(_you_mostly(draw), verb, tense, fronted=(what.feminine, plural))
    return Sentence(clause.question(which), "?")


@frame(2)
def whose_it_is(draw: Random) -> Sentence:
    """Is it your umbrella / est-ce que c'est ton parapluie: see also who it is."""
    what = draw.choice(nouns("thing", "clothing", "car", "bicycle", "book", "letter"))
    mine = tag()
    it = NounPhrase(say(draw.choice(("this", "that", "it")), mine), say("ce", mine), pronoun=True)
    told = plain(own(draw.randrange(6), what, *adjective(draw, what, 0.2)))
    clause = Clause(it, BE, PRESENT, (told,))
    return Sentence(clause.question(), "?") if draw.random() < 0.5 else Sentence(clause.statement())


@frame(2)
def where_somebody_is_from(draw: Random) -> Sentence:
    """Where do you come from / d'où est-ce que tu viens; with whom."""
    who = _you_mostly(draw)
    if draw.random() < 0.35:
        source = tag()
        asked = Clause(who, COME).question(Phrase(say("where", source), say("d' où", source)))
        return Sentence(Phrase(asked.en + say("from", source), asked.fr), "?")
    whom, how = tag(), tag()
    verb = named(ALONE, draw.choice(("work", "travel", "play", "dance", "go out", "eat", "sing")))
    tense = draw.choice((PRESENT, PAST, GOING_TO, WANT_TO))
    asked = Clause(who, verb, tense).question(
        Phrase(say("who", whom), say("avec", how) + say("qui", whom))
    )
    return Sentence(Phrase(asked.en + say("with", how), asked.fr), "?")
