"""Frames about habits and skills: what people often do, speak, play and like to do."""

from random import Random

from nmt.data.phrasebook.choices import (
    anybody,
    negation,
    object_of,
)
from nmt.data.phrasebook.clauses import (
    FUTURE,
    KNOW_HOW_TO,
    LIKE_TO,
    NOT,
    PAST,
    PRESENT,
    PROGRESSIVE,
    USED_TO,
    WANT_TO,
    WAS_DOING,
    Clause,
    plain,
)
from nmt.data.phrasebook.frames import Sentence, frame, tell
from nmt.data.phrasebook.frames_pronouns import deny
from nmt.data.phrasebook.noun_phrases import (
    NounPhrase,
    some,
)
from nmt.data.phrasebook.nouns import UNCOUNTED, Noun, nouns
from nmt.data.phrasebook.places import SCENES, scene
from nmt.data.phrasebook.surface import after
from nmt.data.phrasebook.times import HABIT, when
from nmt.data.phrasebook.tokens import EMPTY, Phrase, listed, phrase, say, tag
from nmt.data.phrasebook.verbs import (
    ALONE,
    SPEAK,
    WITH_THINGS,
    Verb,
    named,
)

LANGUAGES = {
    "French": "français",
    "English": "anglais",
    "Spanish": "espagnol",
    "Italian": "italien",
    "German": "allemand",
    "Japanese": "japonais",
    "Chinese": "chinois",
    "Arabic": "arabe",
    "Portuguese": "portugais",
}


@frame(3)
def somebody_was_doing_something(draw: Random) -> Sentence:
    """They were reading the paper / ils lisaient le journal; I used to read / je lisais."""
    verb = draw.choice([each for each in WITH_THINGS if not each.momentary])
    tense = draw.choice((WAS_DOING, USED_TO))
    if tense is USED_TO:
        verb, what = _habit(draw)
        time = when(draw, tense, verb=verb) if draw.random() < 0.5 else ()
    else:
        what, time = object_of(draw, verb), ()
    clause = Clause(anybody(draw), verb, tense, (plain(what), *time), short=True)
    return Sentence(clause.statement())


_HABITS = (
    ("eat", "food"),
    ("eat", "dish"),
    ("drink", "drink"),
    ("read", "novel"),
    ("read", "poem"),
    ("read", "story"),
    ("read", "magazine"),
    ("read", "newspaper"),
    ("sing", "song"),
    ("wear", "hat"),
    ("wear", "glove"),
    ("wear", "boot"),
    ("write", "letter"),
    ("write", "poem"),
    ("watch", "film"),
    ("watch", "match"),
    ("buy", "flower"),
    ("buy", "book"),
    ("buy", "toy"),
)


def _habit(draw: Random) -> tuple[Verb, NounPhrase]:
    """Something that one does again and again."""
    name, kind = draw.choice(_HABITS)
    return named(WITH_THINGS, name), _habitual(draw.choice(nouns(kind)))


def _habitual(what: Noun) -> NounPhrase:
    if what.kind in UNCOUNTED:
        return some(what, word="")
    return some(what, plural=True, word="")


@frame(2.5)
def somebody_speaks_a_language(draw: Random) -> Sentence:
    """Do you speak French / est-ce que tu parles français; I am learning it / j'apprends le."""
    english, french = draw.choice(tuple(LANGUAGES.items()))
    denied = negation(draw, 0.25)
    denied = NOT if denied else None
    who = anybody(draw)
    mine = tag()
    if draw.random() < 0.6:
        manner = draw.choice((EMPTY, EMPTY, phrase("well", "bien"), phrase("a little", "un peu")))
        if denied:
            manner = EMPTY
        words = Phrase(say(english, mine) + manner.en, manner.fr + say(french, mine))
        clause = Clause(who, SPEAK, PRESENT, (plain(words),), denied, short=True)
    else:
        verb = Verb(*draw.choice((("learn", "apprendre"), ("study", "étudier"))))
        tense = draw.choice((PROGRESSIVE, PROGRESSIVE, WANT_TO, FUTURE, WAS_DOING))
        article = "l'" if french[0] in "aei" else "le"
        words = Phrase(say(english, mine), say(f"{article} {french}", mine))
        time = when(draw, tense, verb=verb) if draw.random() < 0.2 else ()
        clause = Clause(who, verb, tense, (plain(words), *time), denied, short=True)
    return tell(draw, clause, ask=0.25)


_PLAYED = (
    ("football", "à le football"),
    ("tennis", "à le tennis"),
    ("cards", "à les cartes"),
    ("chess", "à les échecs"),
    ("basketball", "à le basket"),
    ("the piano", "de le piano"),
    ("the guitar", "de la guitare"),
    ("the violin", "de le violon"),
    ("the flute", "de la flûte"),
    ("rugby", "à le rugby"),
    ("the trumpet", "de la trompette"),
    ("the drums", "de la batterie"),
)


def _played(english: str, french: str) -> Phrase:
    article, name = tag(), tag()
    en = say(english.removeprefix("the "), name)
    if english.startswith("the "):
        en = say("the", article) + en
    preposition, rest = french.split(" ", 1)
    first = article if english.startswith("the ") else name
    determiner, game = rest.split(" ", 1)
    return Phrase(en, after(preposition, (first,), say(determiner, first) + say(game, name)))


@frame(3)
def somebody_plays(draw: Random) -> Sentence:
    """He plays the piano / il joue du piano; we played chess / nous avons joué aux échecs."""
    verb = Verb("play", "jouer")
    tense = draw.choice(
        (PRESENT, PRESENT, PROGRESSIVE, PAST, FUTURE, WANT_TO, LIKE_TO, KNOW_HOW_TO, USED_TO)
    )
    denied = deny(draw, tense, 0.15) if tense is not USED_TO else None
    time = when(draw, tense, verb=verb) if draw.random() < 0.4 else ()
    what = plain(_played(*draw.choice(_PLAYED)))
    clause = Clause(anybody(draw), verb, tense, (what, *time), denied, short=True)
    return tell(draw, clause, ask=0.25)


_SKILLS = listed("swim, dance, sing, read, write, cook, draw, drive")
_PLEASURES = listed(
    "swim, dance, sing, read, travel, cook, draw, drive, walk, run, play, sleep, work, eat, laugh, "
    "go for a walk, get up, rest"
)


@frame(3)
def somebody_likes_doing(draw: Random) -> Sentence:
    """She knows how to swim / elle sait nager; I like to read / j'aime lire."""
    tense = draw.choice((LIKE_TO, KNOW_HOW_TO, LIKE_TO))
    names = _SKILLS if tense is KNOW_HOW_TO else _PLEASURES
    verb = named(ALONE, draw.choice(names))
    denied = deny(draw, tense, 0.2)
    likely = tense is LIKE_TO and verb.en in SCENES and draw.random() < 0.4
    place = (plain(scene(draw, verb)),) if likely else ()
    habit = phrase("early", "tôt") if verb.en == "get up" else EMPTY
    clause = Clause(anybody(draw), verb, tense, (plain(habit), *place), denied, short=True)
    return tell(draw, clause, ask=0.2)


@frame(1.5)
def often(draw: Random) -> Sentence:
    """I often read novels / je lis souvent des romans: adverbs of frequency."""
    verb, what = _habit(draw)
    adverb = phrase(
        *draw.choice(
            (
                ("often", "souvent"),
                ("always", "toujours"),
                ("sometimes", "parfois"),
                ("rarely", "rarement"),
            )
        )
    )
    time = (plain(phrase(*draw.choice(HABIT[3:5]))),) if draw.random() < 0.25 else ()
    clause = Clause(anybody(draw), verb, PRESENT, (plain(what), *time), adverb=adverb)
    return Sentence(clause.statement())
