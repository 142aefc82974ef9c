"""Frames where English is and French has: hunger, cold, age, pain; and where one was born."""

from random import Random

from nmt.data.phrasebook.choices import anybody
from nmt.data.phrasebook.clauses import (
    FUTURE,
    PAST,
    PRESENT,
    Clause,
    plain,
)
from nmt.data.phrasebook.frames import Sentence, frame, tell
from nmt.data.phrasebook.frames_states import denial, state_tense
from nmt.data.phrasebook.noun_phrases import (
    NUMBERS,
    NounPhrase,
    subject,
)
from nmt.data.phrasebook.places import world
from nmt.data.phrasebook.times import (
    MONTHS,
    in_month,
)
from nmt.data.phrasebook.tokens import EMPTY, Phrase, Token, listed, phrase, say, tag
from nmt.data.phrasebook.verbs import BE, BE_AVOIR, BE_BORN

_FEELINGS = (
    ("hungry", "faim"),
    ("thirsty", "soif"),
    ("cold", "froid"),
    ("hot", "chaud"),
    ("afraid", "peur"),
    ("right", "raison"),
    ("wrong", "tort"),
    ("sleepy", "sommeil"),
    ("lucky", "de la chance"),
    ("ashamed", "honte"),
)
_STATES = (
    ("late", "en retard"),
    ("early", "en avance"),
    ("on holiday", "en vacances"),
    ("on time", "à l' heure"),
    ("in a hurry", "pressé"),
    ("in love", "amoureux"),
)


@frame(5)
def somebody_feels(draw: Random) -> Sentence:
    """I'm hungry / j'ai faim; they were cold / ils avaient froid."""
    who = anybody(draw, 0.75)
    tense, denied = draw.choices((PRESENT, PAST, FUTURE), (6, 3, 1))[0], denial(draw, 0.25)
    english, french = draw.choice(_FEELINGS)
    if english == "hot" and who.person in (2, 5):
        english, french = _FEELINGS[0]
    if english == "lucky" and denied:
        french = "de chance"
    degree = EMPTY
    if (
        not denied
        and english in ("hungry", "thirsty", "cold", "hot", "afraid")
        and draw.random() < 0.3
    ):
        degree = phrase(*draw.choice((("very", "très"), ("too", "trop"))))
    mine = tag()
    told = degree + Phrase(say(english, mine), say(french, mine))
    clause = Clause(who, BE_AVOIR, tense, (plain(told),), denied, short=draw.random() < 0.7)
    return tell(draw, clause, ask=0.25)


@frame(3)
def somebody_is_somehow(draw: Random) -> Sentence:
    """You're late / tu es en retard; she is in a hurry / elle est pressée."""
    who = anybody(draw, 0.7)
    tense, denied = state_tense(draw), denial(draw, 0.2)
    english, french = draw.choice(_STATES)
    if english == "in a hurry":
        french += ("e" if who.feminine else "") + ("s" if who.plural else "")
    elif english == "in love" and who.feminine:
        french = "amoureuses" if who.plural else "amoureuse"
    if english == "in love" and tense is FUTURE:
        tense = PAST
    mine = tag()
    clause = Clause(
        who,
        BE,
        tense,
        (plain(Phrase(say(english, mine), say(french, mine))),),
        denied,
        short=draw.random() < 0.7,
    )
    return tell(draw, clause, ask=0.2)


_AGES = tuple(number for number in NUMBERS if number <= 90)
_CHILDREN = listed("child, boy, girl, pupil, son, daughter, nephew, niece")
_GROWN = listed("mother, father, uncle, aunt, wife, husband")
_AGED = listed("grandmother, grandfather")


def _age(draw: Random, who: NounPhrase) -> int:
    """A likely age."""
    name = who.en[-1].text
    if who.pronoun or who.name or name in ("brother", "sister", "cousin", "friend"):
        return draw.choice(_AGES)
    low, high = 20, 60
    if name in _CHILDREN:
        low, high = 2, 15
    elif name in _AGED:
        low, high = 60, 90
    elif name in _GROWN:
        low, high = 30, 60
    return draw.choice([age for age in _AGES if low <= age <= high])


@frame(3)
def how_old_somebody_is(draw: Random) -> Sentence:
    """My son is six years old / mon fils a six ans."""
    who = anybody(draw, 0.5)
    number = _age(draw, who)
    english, french = NUMBERS[number]
    tense = draw.choice((PRESENT, PRESENT, PAST))
    mine, years = tag(), tag()
    en = say(english, mine)
    if number < 13 or draw.random() < 0.8:
        en += say("years old", years)
    told = Phrase(en, say(french, mine) + say("ans", years if len(en) > 1 else mine))
    clause = Clause(who, BE_AVOIR, tense, (plain(told),), short=draw.random() < 0.5)
    return Sentence(clause.statement())


_BODY = (
    ("head", "à la tête"),
    ("back", "à le dos"),
    ("foot", "à le pied"),
    ("arm", "à le bras"),
    ("stomach", "à le ventre"),
    ("knee", "à le genou"),
    ("leg", "à la jambe"),
    ("hand", "à la main"),
    ("shoulder", "à l' épaule"),
    ("eyes", "à les yeux"),
    ("ears", "à les oreilles"),
    ("teeth", "à les dents"),
    ("throat", "à la gorge"),
)


@frame(2)
def where_it_hurts(draw: Random) -> Sentence:
    """My head hurts / j'ai mal à la tête; does your back hurt / est-ce que tu as mal au dos."""
    who = subject(draw.randrange(6))
    index = next(i for i in range(6) if subject(i).fr[0].text == who.fr[0].text)
    english, french = draw.choice(_BODY)
    possessive = ("my", "your", "his", "her", "our", "their")[index]
    many = english in ("eyes", "ears", "teeth")
    if index >= 4 and not many:
        index, possessive, who = 0, "my", subject(0)
    owner, part, pain, preposition = tag(), tag(), tag(), tag()
    melted = {"à le": "au", "à les": "aux"}
    first, article, rest = french.split()
    place = melted.get(f"{first} {article}", f"{first} {article}")
    past = draw.random() < 0.3
    verb = "hurt" if many or past else "hurts"
    en = say(possessive, owner) + say(english, part, preposition)
    fr_verb = (
        ("avais", "avais", "avait", "avait", "avions", "avaient")
        if past
        else ("ai", "as", "a", "a", "avons", "ont")
    )
    if past:
        verb = "were hurting" if many else "was hurting"
    en_verb = say(verb, pain)
    fr = say(who.fr[0].text, owner) + say(fr_verb[index], pain) + say("mal", pain)
    fr += say(place, preposition) + say(rest, part)
    return Sentence(Phrase(en + en_verb, fr))


@frame(2)
def where_somebody_was_born(draw: Random) -> Sentence:
    """She was born in Spain in May / elle est née en Espagne en mai."""
    who = anybody(draw, 0.6)
    time = in_month(draw.choice(tuple(MONTHS))) if draw.random() < 0.3 else EMPTY
    born = Clause(who, BE_BORN, PAST).statement()
    was = born.en[len(who.en)]
    en = (*who.en, was, Token("born", was.tags))
    place = world(draw)
    return Sentence(Phrase(en + place.en + time.en, born.fr + place.fr + time.fr))
