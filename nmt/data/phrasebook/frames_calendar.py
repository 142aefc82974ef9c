"""Frames about the weather, the time of day, and the days."""

from random import Random

from nmt.data.phrasebook.clauses import (
    PRESENT,
    Clause,
    plain,
)
from nmt.data.phrasebook.frames import Sentence, frame
from nmt.data.phrasebook.noun_phrases import (
    own,
)
from nmt.data.phrasebook.nouns import Noun, noun
from nmt.data.phrasebook.places import world
from nmt.data.phrasebook.times import (
    DAYS,
    LATER,
    MONTHS,
    NOW,
    in_month,
    in_season,
    on_day,
    random_clock,
)
from nmt.data.phrasebook.tokens import EMPTY, Phrase, listed, phrase, say, tag
from nmt.data.phrasebook.verbs import BE

_WEATHER = (
    ("it's | cold", "il fait | froid"),
    ("it's | hot", "il fait | chaud"),
    ("it's | raining", "il | 1,2:pleut"),
    ("it's | snowing", "il | 1,2:neige"),
    ("it's | sunny", "il y a du | soleil"),
    ("it's | windy", "il y a du | vent"),
    ("it's | foggy", "il y a du | brouillard"),
    ("it was | cold", "il faisait | froid"),
    ("it was | hot", "il faisait | chaud"),
    ("it will be | cold", "il fera | froid"),
    ("it will be | hot", "il fera | chaud"),
    ("it | will snow", "il | neigera"),
    ("it | will rain", "il | pleuvra"),
    ("the weather is | nice", "il fait | beau"),
    ("it | rained", "il | a plu"),
    ("it | snowed", "il | a neigé"),
    ("it | is going to | rain", "il | va | pleuvoir"),
    ("it | is going to | snow", "il | va | neiger"),
    ("the weather was | bad", "il faisait | mauvais"),
)


_NEVER_SNOWY = listed("Brazil, Morocco, Africa, India, Mexico, Lisbon, Portugal")


@frame(3)
def what_the_weather_is(draw: Random) -> Sentence:
    """It is cold in winter / il fait froid en hiver."""
    english, french = draw.choice(_WEATHER)
    told = phrase(english.replace("it's", "it is") if draw.random() < 0.5 else english, french)
    where = world(draw) if draw.random() < 0.5 else EMPTY
    if "snow" in english and where.en and where.en[-1].text in _NEVER_SNOWY:
        where = EMPTY
    if "will" in english or "going" in english:
        time = phrase(*draw.choice([each for each in LATER if each[0][:2] != "in"]))
    elif "was" in english or "ed" in english:
        time = draw.choice((phrase("yesterday", "hier"), phrase("last night", "hier soir")))
    else:
        time = draw.choice((phrase(*draw.choice(NOW[:1] + NOW[2:])), in_season(_season(draw))))
        if time.en[0].text == "in" and "ing" in english:
            time = phrase("today", "aujourd'hui")
    return Sentence(told + where + (time if where is EMPTY or draw.random() < 0.3 else EMPTY))


def _season(draw: Random) -> str:
    return draw.choice(("summer", "winter", "autumn", "spring"))


@frame(3)
def what_time_it_is(draw: Random) -> Sentence:
    """It's half past two / il est deux heures et demie."""
    it = tag()
    start = Phrase(say("it is", it), say("il est", it))
    if draw.random() < 0.6:
        start = Phrase(say("it's", it), say("il est", it))
    adverb = phrase("already", "déjà")
    if draw.random() < 0.25:
        start = start + adverb
    return Sentence(start + random_clock(draw))


@frame(1.5)
def what_day_it_is(draw: Random) -> Sentence:
    """Today is Monday / aujourd'hui, c'est lundi; my birthday is in May."""
    day = draw.choice(tuple(DAYS))
    start = draw.choice(
        (
            ("today | is", "aujourd'hui , | c' est"),
            ("tomorrow | is", "demain , | c' est"),
            ("yesterday | was", "hier , | c' était"),
        )
    )
    if draw.random() < 0.5:
        return Sentence(phrase(*start) + phrase(day, DAYS[day]))
    what = own(draw.randrange(6), draw.choice((_BIRTHDAY, noun("exam"))))
    date = on_day(day) if draw.random() < 0.4 else in_month(draw.choice(tuple(MONTHS)))
    return Sentence(Clause(what, BE, PRESENT, (plain(date),)).statement())


_BIRTHDAY = Noun("birthday", "birthdays", "anniversaire", "anniversaires", False, "abstract")
