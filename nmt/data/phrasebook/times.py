"""When things happen: adverbials that suit each tense, days, months and the time of day."""

from random import Random

from nmt.data.phrasebook.clauses import Object, Tense, plain
from nmt.data.phrasebook.noun_phrases import NUMBERS
from nmt.data.phrasebook.tokens import Phrase, listed, phrase, say, tag
from nmt.data.phrasebook.verbs import Verb

DAYS = {
    "Monday": "lundi", "Tuesday": "mardi", "Wednesday": "mercredi", "Thursday": "jeudi",
    "Friday": "vendredi", "Saturday": "samedi", "Sunday": "dimanche",
}  # fmt: skip

MONTHS = {
    "January": "janvier", "February": "février", "March": "mars", "April": "avril", "May": "mai",
    "June": "juin", "July": "juillet", "August": "août", "September": "septembre",
    "October": "octobre", "November": "novembre", "December": "décembre",
}  # fmt: skip

SEASONS = {
    "summer": "en été", "winter": "en hiver", "autumn": "en automne", "spring": "au printemps",
}  # fmt: skip

HABIT = (
    ("every | day", "tous les | jours"), ("every | morning", "tous les | matins"),
    ("every | evening", "tous les | soirs"), ("in the | evening", "le | soir"),
    ("in the | morning", "le | matin"), ("every | week", "toutes les | semaines"),
    ("at | the weekend", "le | week-end"), ("every | summer", "tous les | étés"),
)  # fmt: skip
NOW = (
    ("now", "maintenant"),
    ("at the moment", "en ce moment"),
    ("today", "aujourd'hui"),
    ("this | morning", "ce | matin"),
    ("this | afternoon", "cet | après-midi"),
)
BEFORE = (
    ("yesterday", "hier"),
    ("last | week", "2:la semaine | 1:dernière"),
    ("last night", "hier soir"),
    ("this | morning", "ce | matin"),
    ("yesterday | morning", "hier | matin"),
    ("yesterday | evening", "hier | soir"),
    ("two | days | ago", "3:il y a | 1:deux | 2:jours"),
    ("an | hour | ago", "3:il y a | 1:une | 2:heure"),
)
LONG_BEFORE = (
    ("last | year", "2:l' année | 1:dernière"), ("last | month", "2:le mois | 1:dernier"),
    ("three | weeks | ago", "3:il y a | 1:trois | 2:semaines"),
    ("a | month | ago", "3:il y a | 1:un | 2:mois"),
    ("last | summer", "2:l' été | 1:dernier"), ("last | week", "2:la semaine | 1:dernière"),
    ("two | years | ago", "3:il y a | 1:deux | 2:ans"),
)  # fmt: skip
LATER = (
    ("tomorrow", "demain"),
    ("next | week", "2:la semaine | 1:prochaine"),
    ("tonight", "ce soir"),
    ("this | evening", "ce | soir"),
    ("tomorrow | morning", "demain | matin"),
    ("tomorrow | evening", "demain | soir"),
    ("in | two | days", "dans | deux | jours"),
    ("in | an | hour", "dans | une | heure"),
)
MUCH_LATER = (
    ("next | year", "2:l' année | 1:prochaine"), ("next | month", "2:le mois | 1:prochain"),
    ("next | summer", "2:l' été | 1:prochain"), ("next | week", "2:la semaine | 1:prochaine"),
    ("in | three | weeks", "dans | trois | semaines"), ("soon", "bientôt"),
)  # fmt: skip


_BY_TENSE = {
    "present": HABIT, "progressive": NOW, "past": BEFORE, "going to": LATER,
    "future": (*LATER, ("later", "plus tard")),
    "used to": HABIT, "want to": LATER, "must": LATER, "have to": LATER, "would like to": LATER,
    "need to": LATER, "can": LATER, "will be able to": LATER, "hope to": LATER,
    "like to": HABIT, "should": LATER,
}  # fmt: skip


_HABITUAL = frozenset(
    listed(
        "eat, drink, read, buy, write, watch, clean, wash, listen to, sing, feed, water, open, "
        "close, wear, cross, see, call, help, wait for, meet, phone, write to, speak to, talk "
        "to, answer, bring, send, tell, prepare"
    )
)
"""Verbs for things that people may do every day."""

_FAR = {"past": LONG_BEFORE, "future": MUCH_LATER, "going to": MUCH_LATER, "want to": MUCH_LATER,
        "would like to": MUCH_LATER}  # fmt: skip


def when(
    draw: Random, tense: Tense, *, far: bool = False, verb: Verb | None = None
) -> tuple[Object, ...]:
    """An adverbial of time that suits the tense, or nothing.

    `far` allows times far away; if the verb is given, only a habit happens every day.
    """
    fitting = _BY_TENSE.get(tense.name, ())
    if tense.name == "present" and verb is not None and verb.en not in _HABITUAL:
        return ()
    if far and draw.random() < 0.6:
        fitting = _FAR.get(tense.name, fitting)
    if not fitting:
        return ()
    chance = draw.random()
    if chance < 0.12 and tense.name in ("past", "future", "going to"):
        return (plain(on_day(draw.choice(tuple(DAYS)))),)
    return (plain(phrase(*draw.choice(fitting))),)


def on_day(day: str) -> Phrase:
    """On Monday / lundi."""
    mine = tag()
    return Phrase(say(f"on {day}", mine), say(DAYS[day], mine))


def in_month(month: str) -> Phrase:
    """In May / en mai."""
    return phrase(f"in | {month}", f"en | {MONTHS[month]}")


def in_season(season: str) -> Phrase:
    """In summer / en été, in spring / au printemps."""
    preposition, french = SEASONS[season].split()
    return phrase(f"in | {season}", f"{preposition} | {french}")


def clock(hour: int, minutes: int = 0) -> Phrase:
    """The time of day in words, on the 12-hour clock: half past two / deux heures et demie.

    Hour 0 is midnight and hour 12 noon, on the hour only; minutes is a multiple of 5.
    """
    if minutes == 0:
        return _full_hour(hour)
    if minutes <= 30:
        english, french = _PAST[minutes]
        en_hour, fr_hour = _hour(hour)
        return phrase(f"{english} | past | {en_hour}", f"3:{fr_hour} | {_et(french, 2)}")
    english, french = _PAST[60 - minutes]
    en_hour, fr_hour = _hour(hour + 1)
    french = "le quart" if french == "et quart" else french
    return phrase(f"{english} | to | {en_hour}", f"3:{fr_hour} | 2:moins | 1:{french}")


_PAST = {
    5: ("five", "cinq"), 10: ("ten", "dix"), 15: ("a quarter", "et quart"),
    20: ("twenty", "vingt"), 25: ("twenty-five", "vingt-cinq"), 30: ("half", "et demie"),
}  # fmt: skip


def _et(french: str, past: int) -> str:
    """The minutes after the hour; `past` is aligned with `et`, or else with the number."""
    if french.startswith("et "):
        return f"{past}:et | 1:{french[3:]}"
    return f"1,{past}:{french}"


def _hour(hour: int) -> tuple[str, str]:
    if hour in (0, 12):
        return ("midnight", "minuit") if hour == 0 else ("noon", "midi")
    if hour == 1:
        return "one", "une heure"
    english, french = NUMBERS[hour]
    return english, f"{french} heures"


def _full_hour(hour: int) -> Phrase:
    english, french = _hour(hour)
    if hour in (0, 12):
        return phrase(english, french)
    number, heures = french.split()
    return phrase(f"{english} | o'clock", f"{number} | {heures}")


def at_time(draw: Random, *, first: int = 1, last: int = 11) -> Phrase:
    """At three o'clock / à trois heures, from one hour of the dial to another."""
    return phrase("at", "à") + random_clock(draw, first=first, last=last)


def random_clock(draw: Random, *, first: int = 1, last: int = 11) -> Phrase:
    """Some time of day."""
    minutes = draw.choice((0, 0, 0, 15, 30, 30, 45, 5, 10, 20))
    if minutes == 0 and last == 11 and draw.random() < 0.15:
        return clock(draw.choice((0, 12)))
    return clock(draw.randint(first, min(last, 10) if minutes > 30 else last), minutes)
