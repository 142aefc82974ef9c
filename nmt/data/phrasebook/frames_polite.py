"""Frames that address a sir, a madam, or several people, where French uses vous."""

from random import Random

from nmt.data.phrasebook.adjectives import adjectives
from nmt.data.phrasebook.choices import object_of
from nmt.data.phrasebook.clauses import (
    CAN,
    FUTURE,
    HAVE_TO,
    PAST,
    PRESENT,
    PROGRESSIVE,
    WANT_TO,
    Clause,
    direct,
    plain,
)
from nmt.data.phrasebook.frames import Sentence, frame
from nmt.data.phrasebook.noun_phrases import (
    ME,
    WE,
    NounPhrase,
    subject,
)
from nmt.data.phrasebook.places import goal
from nmt.data.phrasebook.tokens import Phrase, listed, phrase, say, tag
from nmt.data.phrasebook.verbs import (
    BE,
    GO,
    WITH_PEOPLE,
    WITH_THINGS,
    named,
)


@frame(4)
def polite(draw: Random) -> Sentence:
    """Can you help me, sir / est-ce que vous pouvez m'aider, monsieur."""
    index, english, french = draw.choice(
        (
            (6, "sir", "monsieur"),
            (7, "madam", "madame"),
            (8, "children", "les enfants"),
            (8, "my friends", "mes amis"),
        )
    )
    name = tag()
    call = phrase(",", ",") + Phrase(say(english, name), say(french, name))
    if index == 8 and english == "my friends":
        mine, friends = tag(), tag()
        call = phrase(",", ",") + Phrase(
            say("my", mine) + say("friends", friends), say("mes", mine) + say("amis", friends)
        )
    you = subject(index)
    clause, asked = _addressed_to(draw, you)
    if asked:
        return Sentence(clause.question() + call, "?")
    return Sentence(clause.statement() + call)


def _addressed_to(draw: Random, you: NounPhrase) -> tuple[Clause, bool]:
    """What one says to somebody addressed as vous, and whether it is a question."""
    kind = draw.random()
    if kind < 0.3:
        verb = named(
            WITH_PEOPLE,
            draw.choice(
                (
                    "help",
                    "hear",
                    "understand",
                    "follow",
                    "wait for",
                    "see",
                    "call",
                    "know",
                    "recognise",
                )
            ),
        )
        tense = PRESENT if verb.en in ("know", "recognise") else draw.choice((CAN, PRESENT))
        return Clause(you, verb, tense, (direct(draw.choice((ME, WE))),)), True
    if kind < 0.6:
        verb = draw.choice([each for each in WITH_THINGS if each.en in _POLITE])
        tense = draw.choice((CAN, PAST, FUTURE, HAVE_TO, WANT_TO))
        return Clause(you, verb, tense, (plain(object_of(draw, verb)),)), tense is not HAVE_TO
    if kind < 0.8:
        quality, mine = draw.choice(adjectives("tired ready happy busy ill kind")), tag()
        form = quality.form(feminine=you.feminine, plural=you.plural)
        parts = (plain(Phrase(say(quality.en, mine), say(form, mine))),)
        return Clause(you, BE, PRESENT, parts), draw.random() < 0.6
    verb, tense = draw.choice(((GO, PROGRESSIVE), (GO, PAST), (GO, WANT_TO)))
    return Clause(you, verb, tense, (plain(goal(draw)),)), draw.random() < 0.7


_POLITE = frozenset(
    listed("open, close, take, choose, read, buy, eat, drink, find, repair, finish, forget, lose")
)
