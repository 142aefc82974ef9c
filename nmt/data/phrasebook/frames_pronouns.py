"""Frames where object pronouns stand before the French verb: I love you / je t'aime."""

from random import Random

from nmt.data.phrasebook.choices import anybody, negation, object_of, person, pronoun
from nmt.data.phrasebook.clauses import (
    CAN,
    FUTURE,
    GOING_TO,
    HAVE_TO,
    HOPE_TO,
    MUST,
    NEED_TO,
    NEVER,
    NO_LONGER,
    NOT,
    PAST,
    PERFECT,
    PRESENT,
    PROGRESSIVE,
    SHOULD,
    TRY_TO,
    WANT_TO,
    WANTED_TO,
    WILL_BE_ABLE_TO,
    WOULD_LIKE_TO,
    Clause,
    Negation,
    Object,
    Tense,
    dative,
    direct,
    plain,
    standing_for,
    to_person,
)
from nmt.data.phrasebook.english import past
from nmt.data.phrasebook.frames import Sentence, frame, tell
from nmt.data.phrasebook.noun_phrases import (
    HE,
    ME,
    PRONOUNS,
    SHE,
    THEY,
    WE,
    YOU,
    NounPhrase,
    own,
    subject,
    the,
    this,
)
from nmt.data.phrasebook.nouns import NOUNS, UNCOUNTED
from nmt.data.phrasebook.surface import after
from nmt.data.phrasebook.times import when
from nmt.data.phrasebook.tokens import Phrase, phrase, say, tag
from nmt.data.phrasebook.verbs import (
    GIVING,
    LIKE_PERSON,
    MISS,
    SPEAKING,
    WITH_PEOPLE,
    WITH_THINGS,
    Verb,
)

_TENSES: tuple[Tense, ...] = (
    PRESENT,
    PAST,
    FUTURE,
    GOING_TO,
    PROGRESSIVE,
    CAN,
    WANT_TO,
    MUST,
    PERFECT,
    WOULD_LIKE_TO,
    NEED_TO,
    HAVE_TO,
    HOPE_TO,
    SHOULD,
    TRY_TO,
    WANTED_TO,
    WILL_BE_ABLE_TO,
)
_SHARES = (34, 16, 9, 8, 8, 6, 5, 4, 4, 3, 2, 2, 1, 2, 1, 1, 1)
_NO_DENIAL = {
    "would like to",
    "have to",
    "hope to",
    "try to",
    "need to",
    "going to be",
    "will be able to",
}


def tense_for(draw: Random, verb: Verb) -> Tense:
    """A tense that the verb may take."""
    tense = draw.choices(_TENSES, _SHARES)[0]
    if verb.involuntary and tense not in (PAST, PERFECT):
        return PAST
    if verb.momentary and tense is PROGRESSIVE:
        return PRESENT
    if tense is PRESENT and past(verb.english[0]) == verb.english[0]:
        return PROGRESSIVE  # I read, I cut: the present looks like the past
    if verb.stative and tense not in (PRESENT, PAST, FUTURE):
        return PRESENT
    return tense


def other(draw: Random, who: NounPhrase) -> int:
    """An object pronoun for somebody other than the subject."""
    excluded = {0: (ME, WE), 1: (YOU,), 3: (ME, WE)}.get(who.person, ())
    return draw.choice([each for each in (ME, YOU, HE, SHE, WE, THEY) if each not in excluded])


def deny(
    draw: Random, tense: Tense, chance: float = 0.25, *, verb: Verb | None = None
) -> Negation | None:
    """A negation, if the tense allows one."""
    if tense.name in _NO_DENIAL:
        return None
    chosen = negation(draw, chance, state=verb is not None and verb.stative)
    if chosen is not None and chosen is not NOT and tense not in (PRESENT, PERFECT, PAST):
        return NOT
    if chosen is NO_LONGER and tense is not PRESENT:
        return NOT
    if chosen is NEVER and tense is PAST:
        return NOT
    return chosen


@frame(9)
def somebody_does_to_somebody(draw: Random) -> Sentence:
    """I love you / je t'aime: pronouns only, in the present."""
    verb = draw.choice([each for each in WITH_PEOPLE if not each.involuntary])
    who = pronoun(draw)
    clause = Clause(
        who,
        verb,
        PRESENT,
        (direct(other(draw, who)),),
        negation(draw, 0.3, state=verb.stative),
        short=draw.random() < 0.6,
    )
    return tell(draw, clause, ask=0.3)


@frame(9)
def somebody_did_to_somebody(draw: Random) -> Sentence:
    """Paul will help us tomorrow / Paul nous aidera demain: any tense."""
    verb = draw.choice(WITH_PEOPLE)
    who = anybody(draw, 0.7)
    tense = tense_for(draw, verb)
    time = when(draw, tense, verb=verb) if draw.random() < 0.25 and not verb.stative else ()
    clause = Clause(
        who,
        verb,
        tense,
        (direct(other(draw, who)), *time),
        deny(draw, tense, verb=verb),
        short=draw.random() < 0.7,
    )
    return tell(draw, clause, ask=0.15)


@frame(4)
def somebody_does_to_a_person(draw: Random) -> Sentence:
    """I saw your sister / j'ai vu ta sœur."""
    verb = draw.choice(WITH_PEOPLE)
    who, whom = anybody(draw, 0.8), person(draw)
    tense = tense_for(draw, verb)
    time = when(draw, tense, verb=verb) if draw.random() < 0.25 and not verb.stative else ()
    clause = Clause(
        who, verb, tense, (plain(whom), *time), deny(draw, tense, verb=verb), short=True
    )
    return Sentence(clause.statement())


@frame(4)
def somebody_speaks_to_somebody(draw: Random) -> Sentence:
    """She speaks to him / elle lui parle."""
    verb = draw.choice(SPEAKING)
    who = anybody(draw, 0.75)
    tense = tense_for(draw, verb)
    time = when(draw, tense, verb=verb) if draw.random() < 0.3 and not verb.stative else ()
    parts = (_addressed(verb, other(draw, who)), *time)
    clause = Clause(
        who, _bare(verb), tense, parts, deny(draw, tense, verb=verb), short=draw.random() < 0.7
    )
    return tell(draw, clause, ask=0.15)


@frame(2)
def somebody_speaks_to_a_person(draw: Random) -> Sentence:
    """She speaks to my mother / elle parle à ma mère."""
    verb = draw.choice(SPEAKING)
    who, whom = anybody(draw, 0.8), person(draw)
    tense = tense_for(draw, verb)
    time = when(draw, tense, verb=verb) if draw.random() < 0.3 and not verb.stative else ()
    parts = (_reached(verb, whom), *time)
    clause = Clause(who, _bare(verb), tense, parts, deny(draw, tense, verb=verb), short=True)
    return Sentence(clause.statement())


def _bare(verb: Verb) -> Verb:
    """The verb without `to` or `at`, which go with the person."""
    if len(verb.english) == 1:
        return verb
    return Verb(verb.english[0], verb.fr, stative=verb.stative, momentary=verb.momentary)


def _addressed(verb: Verb, who: int) -> Object:
    """To him / lui: the English preposition belongs to the French dative."""
    mine = tag()
    english, french = PRONOUNS[who].dative
    words = " ".join((*verb.english[1:], english))
    return Object(
        Phrase(say(words, mine), say(french, mine)), clitic=3 if who in (HE, SHE, THEY) else 1
    )


def _reached(verb: Verb, whom: NounPhrase) -> Object:
    if len(verb.english) == 1:
        return to_person("à", whom)
    mine = tag()
    words = say(" ".join(verb.english[1:]), mine) + whom.en
    return plain(Phrase(words, after("à", (mine,), whom.fr)))


@frame(2)
def somebody_likes_somebody(draw: Random) -> Sentence:
    """I like you / je t'aime bien."""
    who = anybody(draw, 0.7)
    whom = direct(other(draw, who)) if draw.random() < 0.6 else plain(person(draw))
    clause = Clause(who, LIKE_PERSON, PRESENT, (whom,))
    return Sentence(clause.statement())


@frame(2.5)
def somebody_is_missed(draw: Random) -> Sentence:
    """I miss you / tu me manques: French swaps subject and object."""
    longing = draw.randrange(6)
    who = subject(longing)
    if draw.random() < 0.55:
        index = other(draw, who)
        whom = subject(index)
        whom_english = say(PRONOUNS[index].direct[0], *whom.en[0].tags)
    else:
        whom = person(draw)
        whom_english = whom.en
    me = say(PRONOUNS[longing].dative[1], *who.en[0].tags)
    clitic = Object(Phrase((), me), clitic=3 if longing in (HE, SHE, THEY) else 1)
    tense = draw.choice((PRESENT, PRESENT, PRESENT, FUTURE))
    denied = NOT if draw.random() < 0.1 else None
    english = Clause(who, MISS, tense, (plain(Phrase(whom_english, ())),), denied, short=True)
    return Sentence(english.statement(french=Clause(whom, MISS, tense, (clitic,), denied)))


@frame(6)
def somebody_gives_something(draw: Random) -> Sentence:
    """He gave me a book / il m'a donné un livre; or to Paul / à Paul."""
    verb = draw.choice(GIVING)
    who = anybody(draw, 0.75)
    tense = tense_for(draw, verb)
    denied = deny(draw, tense, 0.15)
    what = plain(object_of(draw, verb, negated=denied is not None))
    if draw.random() < 0.6:
        whom = dative(other(draw, who))
        parts = (what, whom) if whom.phrase.en[0].text == "to" else (whom, what)
        if verb.en == "explain":
            parts = (what, dative(other(draw, who), to=True))
    else:
        parts = (what, _to(person(draw)))
    time = when(draw, tense, verb=verb) if draw.random() < 0.2 else ()
    clause = Clause(who, verb, tense, (*parts, *time), denied, short=draw.random() < 0.7)
    return tell(draw, clause, ask=0.1)


def _to(whom: NounPhrase) -> Object:
    mine = tag()
    return plain(Phrase(say("to", mine) + whom.en, after("à", (mine,), whom.fr)))


@frame(4)
def somebody_gives_it_to_somebody(draw: Random) -> Sentence:
    """I give it to him / je le lui donne; she gave them to me / elle me les a donnés."""
    verb = draw.choice(GIVING)
    who = anybody(draw, 0.8)
    tense = tense_for(draw, verb)
    it = direct(THEY) if draw.random() < 0.35 else _it()
    time = when(draw, tense, verb=verb) if draw.random() < 0.2 else ()
    parts = (it, dative(other(draw, who), to=True), *time)
    clause = Clause(
        who, verb, tense, parts, deny(draw, tense, verb=verb), short=draw.random() < 0.7
    )
    return Sentence(clause.statement())


def _it() -> Object:
    mine = tag()
    return Object(Phrase(say("it", mine), say("le", mine)), clitic=2, agreement=(False, False))


@frame(4)
def somebody_does_it(draw: Random) -> Sentence:
    """I bought it yesterday / je l'ai acheté hier."""
    verb = draw.choice(WITH_THINGS)
    who = anybody(draw, 0.8)
    tense = tense_for(draw, verb)
    it = direct(THEY) if draw.random() < 0.3 else _it()
    time = when(draw, tense, verb=verb) if draw.random() < 0.35 and not verb.stative else ()
    clause = Clause(
        who, verb, tense, (it, *time), deny(draw, tense, verb=verb), short=draw.random() < 0.7
    )
    return tell(draw, clause, ask=0.2)


@frame(6)
def named_first(draw: Random) -> Sentence:
    """The letters? I read them yesterday / Les lettres ? Je les ai lues hier."""
    verb = draw.choice(WITH_THINGS)
    plural = draw.random() < 0.45
    what = _topic(draw, verb, plural)
    who = anybody(draw, 0.9)
    tense = draw.choices((PAST, PERFECT, FUTURE, GOING_TO, PRESENT), (10, 3, 3, 3, 1))[0]
    if verb.stative:
        tense = PRESENT
    elif verb.involuntary or tense is PRESENT:
        tense = PAST
    time = when(draw, tense, verb=verb) if draw.random() < 0.4 and not verb.stative else ()
    adverb = phrase("already", "déjà") if tense is PERFECT else Phrase((), ())
    clause = Clause(
        who,
        verb,
        tense,
        (standing_for(what), *time),
        None if tense is PERFECT else deny(draw, tense, 0.15),
        adverb,
        short=True,
    )
    return Sentence(_asked(what) + clause.statement())


def _topic(draw: Random, verb: Verb, plural: bool) -> NounPhrase:
    noun = draw.choice(verb.objects)
    if noun.kind in UNCOUNTED:
        return the(noun)
    kind = draw.random()
    if kind < 0.5:
        return the(noun, plural=plural)
    if kind < 0.8:
        return own(draw.randrange(6), noun, plural=plural)
    return this(noun, plural=plural)


def _asked(what: NounPhrase) -> Phrase:
    mine = tag()
    return Phrase(what.en + say("?", mine), what.fr + say("?", mine))


@frame(2)
def person_named_first(draw: Random) -> Sentence:
    """Your sisters? I saw them yesterday / Tes sœurs ? Je les ai vues hier."""
    verb = draw.choice([each for each in WITH_PEOPLE if not each.stative])
    plural = draw.random() < 0.5
    what = own(draw.choice((ME, YOU, HE, SHE)), draw.choice(NOUNS["relative"][:11]), plural=plural)
    if not plural or what.en[1].text in ("mothers", "fathers"):
        what = own(YOU, draw.choice(NOUNS["relative"][:11][2:4]), plural=True)
    tense = draw.choice((PAST, PAST, PAST, FUTURE, GOING_TO))
    time = when(draw, tense, verb=verb) if draw.random() < 0.6 else ()
    clause = Clause(anybody(draw, 0.9), verb, tense, (standing_for(what), *time), short=True)
    return Sentence(_asked(what) + clause.statement())
