"""Frames with to be and its French counterparts: qualities, ages, hunger, weather, time."""

from random import Random

from nmt.data.phrasebook.adjectives import Adjective, adjectives, beside, of_subject
from nmt.data.phrasebook.choices import anybody, kin, person
from nmt.data.phrasebook.clauses import (
    FUTURE,
    NOT,
    PAST,
    PRESENT,
    Clause,
    Negation,
    Tense,
    plain,
)
from nmt.data.phrasebook.frames import Sentence, frame, tell
from nmt.data.phrasebook.noun_phrases import (
    NUMBERS,
    NounPhrase,
    a,
    belonging,
    own,
    person_named,
    strong,
    subject,
    the,
    this,
)
from nmt.data.phrasebook.nouns import UNCOUNTED, Noun, noun, nouns
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
from nmt.data.phrasebook.tokens import EMPTY, Phrase, Token, phrase, say, tag
from nmt.data.phrasebook.verbs import BE, BE_AVOIR, BE_BORN

_OF_PERSON = adjectives(
    "tired happy sad ill busy ready angry strong shy proud funny serious lazy polite brave "
    "intelligent curious jealous free alone worried young old tall small famous kind rich poor "
    "surprised patient honest married nice French English Italian Spanish German"
)
_ABSOLUTE = frozenset(
    "ready alone married broken open closed wrong right French English Italian Spanish German "
    "delicious full empty wonderful red blue green white black yellow grey brown free".split()
)
_A_LITTLE = frozenset(
    "tired sad ill shy worried jealous lazy strange expensive difficult long boring heavy dirty "
    "sweet cold angry old curious surprised".split()
)
_TOO = frozenset(
    "tired shy proud serious lazy curious jealous young old small tall kind expensive heavy dirty "
    "light big long short difficult easy hot cold sweet dangerous boring strange modern quiet".split()
)


def predicate(
    draw: Random, quality: Adjective, thing: NounPhrase, *, denied: bool = False
) -> Phrase:
    """Tired, very tired / fatigué, très fatiguée: it agrees with its subject."""
    mine = tag()
    french = quality.form(feminine=thing.feminine, plural=thing.plural)
    told = Phrase(say(quality.en, mine), say(french, mine))
    degrees = [("very", "très")]
    if quality.en in _TOO:
        degrees.append(("too", "trop"))
    if quality.en in _A_LITTLE and not denied:
        degrees.append(("a little", "un peu"))
    if quality.en in _ABSOLUTE or draw.random() < 0.5:
        return told
    return phrase(*draw.choice(degrees)) + told


def _tense(draw: Random) -> Tense:
    return draw.choices((PRESENT, PAST, FUTURE), (6, 3, 1))[0]


def _denial(draw: Random, chance: float = 0.2) -> Negation | None:
    return NOT if draw.random() < chance else None


@frame(8)
def somebody_is_so(draw: Random) -> Sentence:
    """She is very happy / elle est très heureuse; were you tired / est-ce que tu étais fatigué."""
    who = anybody(draw, 0.65)
    tense, denied = _tense(draw), _denial(draw)
    quality = draw.choice(_OF_PERSON)
    if tense is FUTURE:
        quality = draw.choice(adjectives("tired happy sad busy ready angry free proud surprised rich"))
    clause = Clause(
        who, BE, tense, (plain(predicate(draw, quality, who, denied=bool(denied))),), denied, short=draw.random() < 0.7
    )
    return tell(draw, clause, ask=0.2)


_DESCRIBED = nouns("thing", "clothing", "furniture", "vehicle", "reading", "abstract", "place",
                   "dish", "food", "drink", "animal", "opening")  # fmt: skip


def described(draw: Random, what: Noun) -> NounPhrase:
    """A definite thing that something may be said of."""
    plural = draw.random() < 0.25 and what.kind not in UNCOUNTED
    kind = draw.random()
    if what.kind == "place" or kind < 0.45:
        return the(what, plural=plural and what.kind != "place")
    if kind < 0.65:
        return own(draw.randrange(6), what, plural=plural)
    if kind < 0.85 or what.kind in UNCOUNTED:
        return this(what, plural=plural, far=draw.random() < 0.3)
    return belonging(what, person_named(draw.choice(("Paul", "Marie", "Alice", "Luc"))))


def _quality(draw: Random, kinds: tuple[Noun, ...]) -> tuple[Noun, Adjective]:
    while True:
        what = draw.choice(kinds)
        fitting = of_subject(what)
        if fitting:
            return what, draw.choice(fitting)


@frame(7)
def something_is_so(draw: Random) -> Sentence:
    """These shoes are too expensive / ces chaussures sont trop chères."""
    what, quality = _quality(draw, _DESCRIBED)
    it = described(draw, what)
    tense, denied = draw.choice((PRESENT, PRESENT, PAST)), _denial(draw, 0.15)
    clause = Clause(
        it, BE, tense, (plain(predicate(draw, quality, it, denied=bool(denied))),), denied, short=draw.random() < 0.6
    )
    return tell(draw, clause, ask=0.2)


@frame(3)
def it_is_so(draw: Random) -> Sentence:
    """It is easy / c'est facile."""
    quality = draw.choice(
        adjectives("easy difficult expensive dangerous interesting important useful strange boring "
                   "simple beautiful delicious wonderful wrong right funny")
    )  # fmt: skip
    tense, denied = draw.choice((PRESENT, PRESENT, PAST)), _denial(draw, 0.25)
    it = _ce("it")
    told = predicate(draw, quality, it, denied=bool(denied))
    clause = Clause(it, BE, tense, (plain(told),), denied, short=draw.random() < 0.7)
    return tell(draw, clause, ask=0.2)


def _ce(english: str) -> NounPhrase:
    mine = tag()
    return NounPhrase(say(english, mine), say("ce", mine), pronoun=True)


@frame(3)
def who_it_is(draw: Random) -> Sentence:
    """This is my brother / c'est mon frère; it is a good idea / c'est une bonne idée."""
    denied = _denial(draw, 0.2)
    if draw.random() < 0.5:
        told = kin(draw)
        it = _ce("this")
    else:
        what, quality = _beside(draw)
        told = a(what, quality)
        it = _ce(draw.choice(("it", "this", "that")))
    clause = Clause(it, BE, PRESENT, (plain(told),), denied)
    return tell(draw, clause, ask=0.25)


def _beside(draw: Random) -> tuple[Noun, Adjective]:
    while True:
        what = draw.choice(nouns("reading", "abstract", "place", "clothing", "vehicle", "animal"))
        if beside(what):
            return what, draw.choice(beside(what))


_FEELINGS = (
    ("hungry", "faim"), ("thirsty", "soif"), ("cold", "froid"), ("hot", "chaud"),
    ("afraid", "peur"), ("right", "raison"), ("wrong", "tort"), ("sleepy", "sommeil"),
    ("lucky", "de la chance"), ("ashamed", "honte"),
)  # fmt: skip
_STATES = (
    ("late", "en retard"), ("early", "en avance"), ("on holiday", "en vacances"),
    ("on time", "à l' heure"), ("in a hurry", "pressé"), ("in love", "amoureux"),
)  # fmt: skip


@frame(5)
def somebody_feels(draw: Random) -> Sentence:
    """I'm hungry / j'ai faim; they were cold / ils avaient froid."""
    who = anybody(draw, 0.75)
    tense, denied = draw.choices((PRESENT, PAST, FUTURE), (6, 3, 1))[0], _denial(draw, 0.25)
    english, french = draw.choice(_FEELINGS)
    if english == "hot" and who.person in (2, 5):
        english, french = _FEELINGS[0]
    if english == "lucky" and denied:
        french = "de chance"
    degree = EMPTY
    if not denied and english in ("hungry", "thirsty", "cold", "hot", "afraid") and draw.random() < 0.3:
        degree = phrase(*draw.choice((("very", "très"), ("too", "trop"))))
    mine = tag()
    told = degree + Phrase(say(english, mine), say(french, mine))
    clause = Clause(who, BE_AVOIR, tense, (plain(told),), denied, short=draw.random() < 0.7)
    return tell(draw, clause, ask=0.25)


@frame(3)
def somebody_is_somehow(draw: Random) -> Sentence:
    """You're late / tu es en retard; she is in a hurry / elle est pressée."""
    who = anybody(draw, 0.7)
    tense, denied = _tense(draw), _denial(draw, 0.2)
    english, french = draw.choice(_STATES)
    if english == "in a hurry":
        french += ("e" if who.feminine else "") + ("s" if who.plural else "")
    elif english == "in love" and who.feminine:
        french = "amoureuses" if who.plural else "amoureuse"
    if english == "in love" and tense is FUTURE:
        tense = PAST
    mine = tag()
    clause = Clause(
        who, BE, tense, (plain(Phrase(say(english, mine), say(french, mine))),), denied,
        short=draw.random() < 0.7,
    )
    return tell(draw, clause, ask=0.2)


_AGES = tuple(number for number in NUMBERS if number <= 90)


@frame(3)
def how_old_somebody_is(draw: Random) -> Sentence:
    """My son is six years old / mon fils a six ans."""
    number = draw.choice(_AGES)
    english, french = NUMBERS[number]
    who = anybody(draw, 0.5)
    tense = draw.choice((PRESENT, PRESENT, PAST))
    mine, years = tag(), tag()
    en = say(english, mine)
    if draw.random() < 0.8:
        en += say("years old", years)
    told = Phrase(en, say(french, mine) + say("ans", years if len(en) > 1 else mine))
    clause = Clause(who, BE_AVOIR, tense, (plain(told),), short=draw.random() < 0.5)
    return Sentence(clause.statement())


_WEATHER = (
    ("it's | cold", "il fait | froid"), ("it's | hot", "il fait | chaud"),
    ("it's | raining", "il | 1,2:pleut"), ("it's | snowing", "il | 1,2:neige"),
    ("it's | sunny", "il y a du | soleil"), ("it's | windy", "il y a du | vent"),
    ("it's | foggy", "il y a du | brouillard"), ("it was | cold", "il faisait | froid"),
    ("it was | hot", "il faisait | chaud"), ("it will be | cold", "il fera | froid"),
    ("it will be | hot", "il fera | chaud"), ("it | will snow", "il | neigera"),
    ("it | will rain", "il | pleuvra"), ("the weather is | nice", "il fait | beau"),
    ("it | rained", "il | a plu"), ("it | snowed", "il | a neigé"),
    ("it | is going to | rain", "il | va | pleuvoir"), ("it | is going to | snow", "il | va | neiger"),
    ("the weather was | bad", "il faisait | mauvais"),
)  # fmt: skip


@frame(3)
def what_the_weather_is(draw: Random) -> Sentence:
    """It is cold in winter / il fait froid en hiver."""
    english, french = draw.choice(_WEATHER)
    told = phrase(english.replace("it's", "it is") if draw.random() < 0.5 else english, french)
    where = world(draw) if draw.random() < 0.5 else EMPTY
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
        (("today | is", "aujourd'hui , | c' est"), ("tomorrow | is", "demain , | c' est"),
         ("yesterday | was", "hier , | c' était"))
    )  # fmt: skip
    if draw.random() < 0.5:
        return Sentence(phrase(*start) + phrase(day, DAYS[day]))
    what = own(draw.randrange(6), draw.choice((_BIRTHDAY, noun("exam"))))
    date = on_day(day) if draw.random() < 0.4 else in_month(draw.choice(tuple(MONTHS)))
    return Sentence(Clause(what, BE, PRESENT, (plain(date),)).statement())


_BIRTHDAY = Noun("birthday", "birthdays", "anniversaire", "anniversaires", False, "abstract")


@frame(3)
def comparison(draw: Random) -> Sentence:
    """My brother is taller than me / mon frère est plus grand que moi."""
    if draw.random() < 0.6:
        left = anybody(draw, 0.35)
        quality = draw.choice(
            adjectives("tall old young strong happy rich intelligent kind funny patient serious "
                       "brave lazy polite shy famous")
        )  # fmt: skip
        right = _than_person(draw, left)
    else:
        what, quality = _quality(draw, nouns("clothing", "vehicle", "furniture", "reading", "place"))
        if quality.en in ("broken", "closed", "open", "full", "empty", "white", "black", "dry", "wet",
                          *"red blue green grey yellow brown".split()):  # fmt: skip
            quality = adjectives("small")[0]
        left, right = this(what), own(draw.randrange(6), what)
    compared = _compared(draw, quality, left, right)
    tense = PRESENT if draw.random() < 0.8 else PAST
    denied = _denial(draw, 0.1)
    clause = Clause(left, BE, tense, (plain(compared),), denied, short=draw.random() < 0.6)
    return tell(draw, clause, ask=0.2)


def _than_person(draw: Random, left: NounPhrase) -> Phrase:
    if draw.random() < 0.6:
        same = {0: (0, 4), 1: (1,), 3: (0, 4)}.get(left.person, ())
        return strong(draw.choice([each for each in range(6) if each not in same]))
    while True:
        right = person(draw)
        if right.en[-1].text != left.en[-1].text:
            return right


_SHORT_COMPARATIVES = {
    "tall": "taller", "old": "older", "young": "younger", "strong": "stronger",
    "happy": "happier", "rich": "richer", "kind": "kinder", "funny": "funnier",
    "lazy": "lazier", "small": "smaller", "big": "bigger", "long": "longer", "short": "shorter",
    "new": "newer", "fast": "faster", "heavy": "heavier", "quiet": "quieter", "clean": "cleaner",
    "dirty": "dirtier", "brave": "braver", "shy": "shyer", "good": "better", "bad": "worse",
}  # fmt: skip


def _compared(draw: Random, quality: Adjective, left: NounPhrase, right: Phrase) -> Phrase:
    mine, degree, than = tag(), tag(), tag()
    form = quality.form(feminine=left.feminine, plural=left.plural)
    if draw.random() < 0.25:
        en = say("as", degree) + say(quality.en, mine) + say("as", than)
        fr = say("aussi", degree) + say(form, mine) + say("que", than)
        return Phrase(en + right.en, fr + right.fr)
    if quality.en in ("good", "bad"):
        better = {"bon": "meilleur", "mauvais": "pire"}[quality.masculine]
        french = {"meilleur": ("meilleur", "meilleure"), "pire": ("pire", "pire")}[better]
        word = french[left.feminine] + ("s" if left.plural else "")
        en = say(_SHORT_COMPARATIVES[quality.en], mine) + say("than", than)
        return Phrase(en + right.en, say(word, mine) + say("que", than) + right.fr)
    short = _SHORT_COMPARATIVES.get(quality.en)
    if short:
        en = (Token(short, (mine, degree)),)
    else:
        en = say("more", degree) + say(quality.en, mine)
    fr = say("plus", degree) + say(form, mine) + say("que", than)
    return Phrase(en + say("than", than) + right.en, fr + right.fr)


_BODY = (
    ("head", "à la tête"), ("back", "à le dos"), ("foot", "à le pied"), ("arm", "à le bras"),
    ("stomach", "à le ventre"), ("knee", "à le genou"), ("leg", "à la jambe"),
    ("hand", "à la main"), ("shoulder", "à l' épaule"), ("eyes", "à les yeux"),
    ("ears", "à les oreilles"), ("teeth", "à les dents"), ("throat", "à la gorge"),
)  # fmt: skip


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
    fr_verb = ("avais", "avais", "avait", "avait", "avions", "avaient") if past else (
        "ai", "as", "a", "a", "avons", "ont")  # fmt: skip
    if past:
        en_verb = say("were hurting" if many else "was hurting", pain)
    else:
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


_SUPERLATIVES = {
    "tall": "tallest", "old": "oldest", "young": "youngest", "strong": "strongest",
    "rich": "richest", "kind": "kindest", "funny": "funniest", "lazy": "laziest",
    "small": "smallest", "brave": "bravest",
}  # fmt: skip


@frame(1.5)
def who_is_the_most(draw: Random) -> Sentence:
    """Marie is the tallest / Marie est la plus grande; in the class / de la classe."""
    who = anybody(draw, 0.5)
    quality = draw.choice(adjectives("tall old young strong rich kind funny lazy small brave "
                                     "intelligent famous patient polite serious"))  # fmt: skip
    the_, degree, mine = tag(), tag(), tag()
    article = "les" if who.plural else ("la" if who.feminine else "le")
    form = quality.form(feminine=who.feminine, plural=who.plural)
    short = _SUPERLATIVES.get(quality.en)
    en = (Token(short, (degree, mine)),) if short else say("most", degree) + say(quality.en, mine)
    most = Phrase(say("the", the_) + en, say(article, the_) + say("plus", degree) + say(form, mine))
    ending = draw.choice((EMPTY, phrase("in | the | class", "de | la | classe")))
    tense = PRESENT if draw.random() < 0.75 else PAST
    clause = Clause(
        who, BE, tense, (plain(most), plain(ending)), _denial(draw, 0.15), short=draw.random() < 0.6
    )
    return tell(draw, clause, ask=0.2)
