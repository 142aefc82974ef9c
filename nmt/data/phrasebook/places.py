"""Where things happen: cities, countries, buildings and rooms, with their prepositions."""

from random import Random

from nmt.data.phrasebook.noun_phrases import NounPhrase, own, the
from nmt.data.phrasebook.nouns import Noun, noun
from nmt.data.phrasebook.surface import after
from nmt.data.phrasebook.tokens import Phrase, phrase, say, tag
from nmt.data.phrasebook.verbs import Verb

# English = French, preposition of rest and goal / of origin
CITIES = {
    "Paris": "Paris",
    "London": "Londres",
    "Rome": "Rome",
    "Lyon": "Lyon",
    "Berlin": "Berlin",
    "Madrid": "Madrid",
    "Brussels": "Bruxelles",
    "Geneva": "Genève",
    "Marseille": "Marseille",
    "New York": "New York",
    "Tokyo": "Tokyo",
    "Vienna": "Vienne",
    "Lisbon": "Lisbonne",
}

COUNTRIES = {
    "France": ("en", "de", "France"),
    "Spain": ("en", "de", "Espagne"),
    "Italy": ("en", "de", "Italie"),
    "Germany": ("en", "de", "Allemagne"),
    "England": ("en", "de", "Angleterre"),
    "Belgium": ("en", "de", "Belgique"),
    "Switzerland": ("en", "de", "Suisse"),
    "Japan": ("au", "du", "Japon"),
    "Canada": ("au", "du", "Canada"),
    "Portugal": ("au", "du", "Portugal"),
    "Brazil": ("au", "du", "Brésil"),
    "Morocco": ("au", "du", "Maroc"),
    "Mexico": ("au", "du", "Mexique"),
    "China": ("en", "de", "Chine"),
    "India": ("en", "de", "Inde"),
    "the United States": ("aux", "des", "États-Unis"),
    "the Netherlands": ("aux", "des", "Pays-Bas"),
    "Africa": ("en", "de", "Afrique"),
}

# noun: English preposition of rest, French preposition of rest and of goal
_SPOTS = {
    "station": ("at", "à"),
    "market": ("at", "à"),
    "beach": ("at", "à"),
    "hotel": ("at", "à"),
    "airport": ("at", "à"),
    "restaurant": ("at", "à"),
    "cinema": ("at", "à"),
    "theatre": ("at", "à"),
    "museum": ("at", "à"),
    "library": ("at", "à"),
    "bank": ("at", "à"),
    "post office": ("at", "à"),
    "bakery": ("at", "à"),
    "pharmacy": ("at", "à"),
    "swimming pool": ("at", "à"),
    "stadium": ("at", "à"),
    "farm": ("at", "à"),
    "university": ("at", "à"),
    "hospital": ("at", "à"),
    "office": ("at", "à"),
    "church": ("in", "à"),
    "park": ("in", "à"),
    "castle": ("in", "à"),
    "kitchen": ("in", "dans"),
    "garden": ("in", "dans"),
    "bedroom": ("in", "dans"),
    "bathroom": ("in", "dans"),
    "living room": ("in", "dans"),
    "forest": ("in", "dans"),
    "cellar": ("in", "dans"),
    "garage": ("in", "dans"),
    "village": ("in", "dans"),
    "street": ("in", "dans"),
}

ROOMS = tuple(
    noun(name)
    for name in ("kitchen", "garden", "bedroom", "bathroom", "living room", "cellar", "garage")
)
GOALS = tuple(noun(name) for name, (_, french) in _SPOTS.items() if french == "à")
SPOTS = tuple(noun(name) for name in _SPOTS)

_FIXED_REST = (
    ("at | home", "à la | maison"),
    ("at | school", "à l' | école"),
    ("at | work", "au | travail"),
    ("in | bed", "au | lit"),
    ("in | town", "en | ville"),
    ("here", "ici"),
    ("over there", "là-bas"),
    ("abroad", "à l' étranger"),
    ("in | the | country", "à | la | campagne"),
    ("at the seaside", "au bord de la mer"),
)
_FIXED_GOAL = (
    ("to | school", "à l' | école"),
    ("to | work", "au | travail"),
    ("to | town", "en | ville"),
    ("abroad", "à l' étranger"),
    ("there", "là-bas"),
)

_PEOPLE_AT = ("doctor", "dentist", "hairdresser", "neighbour")


def at(spot: Noun) -> Phrase:
    """At the station / à la gare."""
    english, french = _SPOTS[spot.en]
    return located(english, french, the(spot))


def to(spot: Noun) -> Phrase:
    """To the station / à la gare; into a room / dans."""
    _, french = _SPOTS[spot.en]
    return located("to" if french == "à" else "into", french, the(spot))


def located(english: str, french: str, thing: NounPhrase) -> Phrase:
    """A preposition and its noun phrase."""
    mine = tag()
    return Phrase(say(english, mine) + thing.en, after(french, (mine,), thing.fr))


def city(name: str, english: str = "in", french: str = "à") -> Phrase:
    """In Paris / à Paris."""
    place, mine = tag(), tag()
    return Phrase(
        say(english, mine) + say(name, place), say(french, mine) + say(CITIES[name], place)
    )


def country(name: str, english: str = "in") -> Phrase:
    """In Spain / en Espagne, from Japan / du Japon."""
    rest, origin, french = COUNTRIES[name]
    place, mine = tag(), tag()
    preposition = origin if english == "from" else rest
    return Phrase(
        say(english, mine) + say(name, place), say(preposition, mine) + say(french, place)
    )


def world(draw: Random, english: str = "in") -> Phrase:
    """A city or a country; `english` is in, to or from."""
    if draw.random() < 0.5:
        french = "de" if english == "from" else "à"
        return city(draw.choice(tuple(CITIES)), english, french)
    return country(draw.choice(tuple(COUNTRIES)), english)


def chez(draw: Random, english: str) -> Phrase:
    """At the doctor's / chez le médecin; to my aunt's / chez ma tante."""
    if draw.random() < 0.5:
        person = the(noun(draw.choice(_PEOPLE_AT)))
    else:
        relatives = ("uncle", "aunt", "grandmother", "brother", "sister", "cousin")
        person = own(draw.randrange(6), noun(draw.choice(relatives)))
    mine = tag()
    *others, last = person.en
    possessor = (*others, *say(last.text + "'s", *last.tags, mine))
    return Phrase(say(english, mine) + possessor, say("chez", mine) + person.fr)


def rest(draw: Random) -> Phrase:
    """Any place where somebody may be or do something."""
    kind = draw.random()
    if kind < 0.25:
        return world(draw)
    if kind < 0.7:
        return at(draw.choice(SPOTS))
    if kind < 0.78:
        return chez(draw, "at")
    return phrase(*draw.choice(_FIXED_REST))


# verb: where people do it; `world` stands for any city or country
SCENES = {
    "sleep": "bedroom hotel garden living-room home",
    "work": "office bank hospital pharmacy restaurant farm library home world university",
    "sing": "kitchen bathroom church garden theatre",
    "dance": "kitchen garden street park theatre",
    "run": "park garden forest stadium street",
    "walk": "park forest street village town",
    "swim": "swimming-pool beach sea",
    "cry": "bedroom kitchen street",
    "laugh": "kitchen garden street",
    "travel": "world",
    "eat": "restaurant kitchen garden home relatives",
    "read": "garden bedroom library home bed park",
    "write": "office bedroom kitchen home library",
    "study": "library university home bedroom school",
    "wait": "station airport hotel doctor park garden here street",
    "cook": "kitchen home",
    "draw": "kitchen bedroom garden park",
    "play": "garden park street bedroom beach home",
    "smoke": "garden street",
    "drive": "town world",
    "shout": "street garden stadium",
    "stay": "home bed hotel world relatives here garden",
    "fall": "street garden kitchen",
}
_SIMPLE = {
    "home": ("at | home", "à la | maison"),
    "bed": ("in | bed", "au | lit"),
    "here": ("here", "ici"),
    "school": ("at | school", "à l' | école"),
    "town": ("in | town", "en | ville"),
}


def scene(draw: Random, verb: Verb) -> Phrase:
    """A place where people do this."""
    name = draw.choice(SCENES[verb.en].split()).replace("-", " ")
    if name == "world":
        return world(draw)
    if name in _SIMPLE:
        return phrase(*_SIMPLE[name])
    if name in ("relatives", "doctor"):
        return chez(draw, "at")
    if name == "sea":
        return phrase("in | the sea", "dans | la mer")
    return at(noun(name))


def goal(draw: Random, *, near: bool = False) -> Phrase:
    """Any place where somebody may go; a `near` one, every day."""
    kind = draw.random()
    if kind < 0.3 and not near:
        return world(draw, "to")
    if kind < 0.75:
        return to(draw.choice(GOALS))
    if kind < 0.87:
        return chez(draw, "to")
    return phrase(*draw.choice(_FIXED_GOAL))
