"""Frames with a relative clause: the book that I bought / le livre que j'ai acheté."""

from random import Random

from nmt.data.phrasebook.adjectives import Adjective, adjectives, of_subject
from nmt.data.phrasebook.choices import anybody, kin, object_of, pronoun
from nmt.data.phrasebook.clauses import (
    FUTURE,
    NOT,
    PAST,
    PRESENT,
    PROGRESSIVE,
    WAS_DOING,
    Clause,
    Object,
    direct,
    plain,
)
from nmt.data.phrasebook.frames import Sentence, frame
from nmt.data.phrasebook.noun_phrases import (
    NounPhrase,
    a,
    the,
)
from nmt.data.phrasebook.nouns import NOUNS, UNCOUNTED, noun, nouns
from nmt.data.phrasebook.places import at, world
from nmt.data.phrasebook.tokens import Phrase, listed, phrase, say, tag
from nmt.data.phrasebook.verbs import (
    ALONE,
    BE,
    LIKE,
    LIVE,
    WITH_PEOPLE,
    WITH_THINGS,
    named,
)

BOUGHT = tuple(
    named(WITH_THINGS, name)
    for name in (
        "buy",
        "read",
        "write",
        "find",
        "choose",
        "repair",
        "lose",
        "sell",
        "borrow",
        "visit",
        "draw",
        "forget",
        "wash",
        "receive",
        "open",
        "break",
        "use",
    )
)


def _that(head: NounPhrase, draw: Random) -> Phrase:
    """That / que; English may omit its word, and then `que` is aligned with the noun."""
    if draw.random() < 0.6:
        return phrase("that", "que")
    nouns_tags = head.en[-1].tags
    return Phrase((), say("que", *nouns_tags))


def told(draw: Random, it: NounPhrase, quality: Adjective) -> Clause:
    """It is so."""
    mine = tag()
    form = quality.form(feminine=it.feminine, plural=it.plural)
    qualified = Phrase(say(quality.en, mine), say(form, mine))
    if draw.random() < 0.4 and quality.en not in _FLAT:
        qualified = phrase("very", "très") + qualified
    return Clause(it, BE, PRESENT, (plain(qualified),), NOT if draw.random() < 0.15 else None)


_FLAT = frozenset(
    listed(
        "broken, open, closed, full, empty, delicious, ready, alone, married, red, blue, green, "
        "white, black, yellow, grey, brown"
    )
)


@frame(5)
def what_somebody_bought(draw: Random) -> Sentence:
    """The book that I bought is interesting / le livre que j'ai acheté est intéressant."""
    verb = draw.choice(BOUGHT)
    what = draw.choice([each for each in verb.objects if of_subject(each)])
    plural = what.kind not in UNCOUNTED and draw.random() < 0.35
    head = the(what, plural=plural)
    who = anybody(draw, 0.8)
    bought = Clause(who, verb, PAST, fronted=(head.feminine, head.plural)).statement()
    relative = _that(head, draw) + bought
    quality = draw.choice(
        [each for each in of_subject(what) if each.en not in ("broken", "closed")]
    )
    whole = NounPhrase(
        head.en + relative.en, head.fr + relative.fr, head.person, head.feminine, head.plural
    )
    return Sentence(told(draw, whole, quality).statement())


@frame(4)
def where_is_what_somebody_bought(draw: Random) -> Sentence:
    """I like the flowers you bought / j'aime les fleurs que tu as achetées."""
    verb = draw.choice(BOUGHT)
    what = draw.choice(verb.objects)
    head = the(what, plural=what.kind not in UNCOUNTED and draw.random() < 0.4)
    who = anybody(draw, 0.8)
    bought = Clause(who, verb, PAST, fronted=(head.feminine, head.plural)).statement()
    relative = _that(head, draw) + bought
    kind = draw.random()
    if kind < 0.3 and verb.en not in ("sell", "lose", "visit"):
        opening = phrase("where", "où")
        whole = NounPhrase(
            head.en + relative.en, head.fr + relative.fr, head.person, head.feminine, head.plural
        )
        return Sentence(Clause(whole, BE).inversion(opening), "?")
    if kind < 0.65:
        start = phrase("this is", "c' est") if not head.plural else phrase("these are", "ce sont")
        return Sentence(start + Phrase(head.en, head.fr) + relative)
    if verb.en not in ("buy", "write", "choose", "find", "draw", "read", "receive", "repair"):
        start = phrase("this is", "c' est") if not head.plural else phrase("these are", "ce sont")
        return Sentence(start + Phrase(head.en, head.fr) + relative)
    owner = pronoun(draw)
    clause = Clause(owner, LIKE, PRESENT, (plain(head),), NOT if draw.random() < 0.3 else None)
    return Sentence(clause.statement() + relative)


_NOT_KIN = frozenset(listed("king, queen, hero, princess, friend, neighbour, guest, colleague"))
_HUMAN = tuple(each for each in NOUNS["person"] if each.en not in _NOT_KIN)


def _who(draw: Random, head: NounPhrase) -> Phrase:
    """Who lives here / qui habite ici."""
    kind = draw.random()
    opening = phrase("who", "qui")
    parts: tuple[Object, ...]
    if kind < 0.25:
        verb, tense, parts = LIVE, PRESENT, (plain(world(draw)),)
    elif kind < 0.45:
        verb = named(ALONE, draw.choice(("work", "sing", "dance", "wait", "cry", "laugh", "sleep")))
        tense = draw.choice((PROGRESSIVE, PRESENT, WAS_DOING))
        spots = ("garden", "hotel", "kitchen", "park", "station")
        parts = (plain(at(noun(draw.choice(spots)))),) if draw.random() < 0.6 else ()
    elif kind < 0.65:
        verb = named(
            WITH_PEOPLE,
            draw.choice(
                (
                    "help",
                    "call",
                    "invite",
                    "thank",
                    "love",
                    "know",
                    "look at",
                    "follow",
                    "wait for",
                    "greet",
                )
            ),
        )
        tense, parts = (PRESENT if verb.stative else PAST), (direct(draw.randrange(6)),)
    else:
        verb = draw.choice(BOUGHT)
        tense, parts = PAST, (plain(object_of(draw, verb)),)
    return Clause(head, verb, tense, parts).about_subject(opening)


@frame(4)
def somebody_who(draw: Random) -> Sentence:
    """The woman who lives here is my aunt / la femme qui habite ici est ma tante."""
    head = the(draw.choice(_HUMAN))
    relative = _who(draw, head)
    whole = NounPhrase(head.en + relative.en, head.fr + relative.fr, 2, head.feminine)
    if draw.random() < 0.5:
        relatives = (
            nouns("sister", "daughter") if head.feminine else nouns("brother", "son", "cousin")
        )
        if head.en[-1].text not in ("boy", "girl", "child", "pupil"):
            relatives += nouns("mother", "aunt") if head.feminine else nouns("father", "uncle")
        told_kin = plain(kin(draw, relatives))
        return Sentence(Clause(whole, BE, PRESENT, (told_kin,)).statement())
    young = head.en[-1].text in listed("boy, girl, child, pupil")
    grown = "" if young else " famous rich old"
    quality = draw.choice(
        adjectives("tired happy sad kind funny young intelligent serious" + grown)
    )
    return Sentence(told(draw, whole, quality).statement())


@frame(4)
def somebody_knows_somebody_who(draw: Random) -> Sentence:
    """I know a man who works here / je connais un homme qui travaille ici."""
    human = draw.choice(_HUMAN)
    head = draw.choice((the, a))(human)
    verb = named(
        WITH_PEOPLE, draw.choice(("know", "see", "meet", "help", "look for", "wait for", "thank"))
    )
    tense = PRESENT if verb.stative else draw.choice((PAST, PAST, FUTURE))
    who = anybody(draw, 0.85)
    clause = Clause(who, verb, tense, (plain(head),))
    relative = _who(draw, head)
    if draw.random() < 0.15 and who.person not in (0, 3) and tense is not FUTURE:
        return Sentence(clause.question() + relative, "?")
    return Sentence(clause.statement() + relative)
