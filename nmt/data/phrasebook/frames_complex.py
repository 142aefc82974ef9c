"""Frames of two clauses: that, because, when, if, but, and indirect questions."""

from dataclasses import replace
from random import Random

from nmt.data.phrasebook.adjectives import adjectives
from nmt.data.phrasebook.choices import anybody, object_of, person, pronoun
from nmt.data.phrasebook.clauses import (
    FUTURE,
    NOT,
    PAST,
    PRESENT,
    PROGRESSIVE,
    WAS_DOING,
    Clause,
    Object,
    Tense,
    direct,
    plain,
)
from nmt.data.phrasebook.frames import Sentence, frame
from nmt.data.phrasebook.frames_pronouns import other
from nmt.data.phrasebook.frames_relative import BOUGHT
from nmt.data.phrasebook.noun_phrases import (
    ME,
    THEY,
    WE,
    YOU,
    NounPhrase,
    a,
    subject,
    this,
)
from nmt.data.phrasebook.nouns import nouns
from nmt.data.phrasebook.places import goal, rest, world
from nmt.data.phrasebook.tokens import Phrase, listed, phrase, say, tag
from nmt.data.phrasebook.verbs import (
    ALONE,
    BE,
    BE_AVOIR,
    COME,
    GO,
    HOPE,
    KNOW_THAT,
    LIKE,
    LIVE,
    THINK,
    WANT,
    WITH_PEOPLE,
    WITH_THINGS,
    Verb,
    named,
)


def _content(draw: Random, *, tense: Tense | None = None) -> Clause:
    """Something that one may think, know or say."""
    who = anybody(draw, 0.7)
    denied = NOT if draw.random() < 0.2 else None
    kind = draw.random()
    short = draw.random() < 0.5
    if kind < 0.35:
        mine = tag()
        quality = draw.choice(
            adjectives(
                "tired happy sad ill busy ready angry lazy funny jealous worried alone free "
                "intelligent shy kind rich"
            )
        )
        form = quality.form(feminine=who.feminine, plural=who.plural)
        parts = (plain(Phrase(say(quality.en, mine), say(form, mine))),)
        return Clause(who, BE, tense or PRESENT, parts, denied, short=short)
    if kind < 0.55:
        feeling = (
            ("hungry", "faim"),
            ("thirsty", "soif"),
            ("cold", "froid"),
            ("right", "raison"),
            ("wrong", "tort"),
            ("afraid", "peur"),
        )
        parts = (plain(phrase(*draw.choice(feeling))),)
        return Clause(who, BE_AVOIR, tense or PRESENT, parts, denied, short=short)
    if kind < 0.75:
        verb = draw.choice([each for each in WITH_PEOPLE if each.stative])
        parts = (direct(other(draw, who)),)
        return Clause(who, verb, tense or PRESENT, parts, denied, short=short)
    if kind < 0.88:
        verb = named(ALONE, draw.choice(("sleep", "work", "leave", "come back", "stay", "go out")))
        return Clause(
            who, verb, tense or draw.choice((FUTURE, PROGRESSIVE)), (), denied, short=short
        )
    verb = draw.choice(BOUGHT)
    parts = (plain(object_of(draw, verb, negated=denied is not None)),)
    return Clause(who, verb, tense or draw.choice((PAST, FUTURE)), parts, denied, short=short)


@frame(6)
def somebody_thinks_that(draw: Random) -> Sentence:
    """I think she is tired / je pense qu'elle est fatiguée; we know that he is right."""
    verb = draw.choice(
        (THINK, THINK, KNOW_THAT, HOPE, Verb("say", "dire"), Verb("believe", "croire"))
    )
    who = anybody(draw, 0.8)
    content = _content(draw, tense=FUTURE if verb is HOPE else None)
    if content.short and content.tense is FUTURE:
        content = replace(content, short=False)
    tense = PRESENT
    linking = phrase("that", "que")
    main = Clause(who, verb, tense).statement()
    if draw.random() < 0.5 and verb.en != "believe":
        linking = Phrase((), say("que", *main.en[-1].tags))
    return Sentence(main + linking + content.statement())


_REASONS = listed("tired, ill, busy, sad, angry, alone, worried")


@frame(4)
def because(draw: Random) -> Sentence:
    """He isn't coming because he is ill / il ne vient pas parce qu'il est malade."""
    who = anybody(draw, 0.7)
    again = _again(who)
    mine = tag()
    quality = adjectives(draw.choice(_REASONS))[0]
    form = quality.form(feminine=who.feminine, plural=who.plural)
    reason = Clause(
        again,
        BE,
        PRESENT,
        (plain(Phrase(say(quality.en, mine), say(form, mine))),),
        short=draw.random() < 0.5,
    )
    if draw.random() < 0.3:
        feeling = (("hungry", "faim"), ("thirsty", "soif"), ("cold", "froid"), ("afraid", "peur"))
        reason = Clause(again, BE_AVOIR, PRESENT, (plain(phrase(*draw.choice(feeling))),))
    verb, denied = draw.choice(
        (
            (named(ALONE, "sleep"), None),
            (named(ALONE, "cry"), None),
            (COME, NOT),
            (named(ALONE, "stay"), None),
            (named(ALONE, "work"), NOT),
            (named(ALONE, "go home"), None),
            (named(ALONE, "leave"), None),
            (named(ALONE, "sing"), NOT),
            (named(ALONE, "dance"), NOT),
            (named(ALONE, "go out"), NOT),
        )
    )
    place = (plain(phrase("at home", "à la maison")),) if verb.en == "stay" else ()
    main = Clause(who, verb, PROGRESSIVE, place, denied, short=draw.random() < 0.7).statement()
    return Sentence(main + phrase("because", "parce que") + reason.statement())


def _again(who: NounPhrase) -> NounPhrase:
    """The pronoun for somebody just mentioned."""
    if who.pronoun:
        index = {("he",): 2, ("she",): 3}.get(
            (who.en[0].text,), {0: ME, 1: YOU, 3: WE}.get(who.person, THEY)
        )
        return subject(index)
    mine = tag()
    english = "they" if who.plural else ("she" if who.feminine else "he")
    french = ("elle" if who.feminine else "il") + ("s" if who.plural else "")
    return NounPhrase(
        say(english, mine), say(french, mine), who.person, who.feminine, who.plural, pronoun=True
    )


@frame(4)
def if_and_when(draw: Random) -> Sentence:
    """If it rains, we'll stay at home / s'il pleut, nous resterons à la maison."""
    condition = _condition(draw)
    who = anybody(draw, 0.85)
    kind = draw.random()
    parts: tuple[Object, ...]
    if kind < 0.3:
        verb, parts = named(ALONE, "stay"), (plain(rest(draw)),)
    elif kind < 0.6:
        verb, parts = GO, (plain(goal(draw)),)
    elif kind < 0.8:
        verb = named(
            WITH_PEOPLE, draw.choice(("help", "call", "wait for", "invite", "thank", "see"))
        )
        parts = (direct(other(draw, who)),)
    else:
        verb = named(
            WITH_THINGS, draw.choice(("buy", "sell", "repair", "read", "finish", "eat", "clean"))
        )
        parts = (plain(object_of(draw, verb)),)
    result = Clause(
        who, verb, FUTURE, parts, NOT if draw.random() < 0.15 else None, short=draw.random() < 0.6
    )
    return Sentence(condition + phrase(",", ",") + result.statement())


def _condition(draw: Random) -> Phrase:
    kind = draw.random()
    if kind < 0.3:
        weather = (
            ("if | it | rains", "si | il | pleut"),
            ("if | it | snows", "si | il | neige"),
            ("if | it's | cold", "si | il fait | froid"),
            ("if | it's | hot", "si | il fait | chaud"),
            ("if | the weather's | nice", "si | il fait | beau"),
        )
        return phrase(*draw.choice(weather))
    if kind < 0.5:
        return (
            phrase("if", "si") + Clause(subject(draw.choice((YOU, 2, 3, THEY))), WANT).statement()
        )
    if kind < 0.75:
        english, french = draw.choice((("tired", "fatigué"), ("ready", "prêt"), ("free", "libre")))
        condition = Clause(subject(YOU), BE, PRESENT, (plain(phrase(english, french)),), short=True)
        return phrase("if", "si") + condition.statement()
    verb = named(ALONE, draw.choice(("arrive", "come back", "leave", "wake up", "go home")))
    who = subject(draw.randrange(6))
    later = Clause(who, verb, FUTURE)
    return phrase("when", "quand") + Clause(who, verb, PRESENT).statement(french=later)


@frame(4)
def but(draw: Random) -> Sentence:
    """I like this car, but it is too expensive / j'aime cette voiture, mais elle est trop chère."""
    if draw.random() < 0.5:
        what = draw.choice(
            nouns(
                "clothing",
                "vehicle",
                "furniture",
                "house",
                "flat",
                "bag",
                "watch",
                "phone",
                "computer",
                "lamp",
            )
        )
        liked = this(what, plural=draw.random() < 0.3 and what.kind == "clothing")
        first = Clause(pronoun(draw), LIKE, PRESENT, (plain(liked),))
        quality = adjectives(draw.choice(("expensive", "small", "big", "old")))[0]
        mine = tag()
        words = (
            ("they", "elles" if liked.feminine else "ils")
            if liked.plural
            else ("it", "elle" if liked.feminine else "il")
        )
        it = NounPhrase(
            say(words[0], mine),
            say(words[1], mine),
            liked.person,
            liked.feminine,
            liked.plural,
            pronoun=True,
        )
        form = quality.form(feminine=liked.feminine, plural=liked.plural)
        blame = phrase("too", "trop") + phrase(quality.en, form)
        second = Clause(it, BE, PRESENT, (plain(blame),), short=draw.random() < 0.6)
        return Sentence(first.statement() + phrase(", | but", ", | mais") + second.statement())
    who = anybody(draw, 0.7)
    good, bad = draw.choice(
        (
            ("rich", "happy"),
            ("young", "strong"),
            ("tired", "happy"),
            ("kind", "shy"),
            ("strong", "lazy"),
            ("intelligent", "lazy"),
            ("poor", "happy"),
            ("old", "strong"),
            ("small", "brave"),
            ("funny", "serious"),
        )
    )
    denied = (
        NOT
        if (good, bad) in (("rich", "happy"), ("young", "strong"), ("funny", "serious"))
        else None
    )
    clauses = []
    for each, name, negation in ((who, good, None), (_again(who), bad, denied)):
        quality, mine = adjectives(name)[0], tag()
        form = quality.form(feminine=each.feminine, plural=each.plural)
        parts = (plain(Phrase(say(quality.en, mine), say(form, mine))),)
        clauses.append(
            Clause(each, BE, PRESENT, parts, negation, short=draw.random() < 0.6).statement()
        )
    return Sentence(clauses[0] + phrase(", | but", ", | mais") + clauses[1])


@frame(4)
def indirect_question(draw: Random) -> Sentence:
    """I don't know where she lives / je ne sais pas où elle habite."""
    who = draw.choice(
        (subject(ME), subject(WE), subject(2), subject(3), subject(THEY), person(draw))
    )
    about = draw.choice((subject(2), subject(3), subject(THEY), person(draw)))
    word, verb, tense = draw.choice(
        (
            ("where | où", LIVE, PRESENT),
            ("where | où", named(ALONE, "work"), PRESENT),
            ("why | pourquoi", named(ALONE, "cry"), PROGRESSIVE),
            ("when | quand", named(ALONE, "arrive"), FUTURE),
            ("why | pourquoi", named(ALONE, "laugh"), PROGRESSIVE),
            ("where | où", GO, PROGRESSIVE),
            ("when | quand", named(ALONE, "come back"), FUTURE),
            ("why | pourquoi", named(ALONE, "leave"), PAST),
            ("when | quand", named(ALONE, "leave"), FUTURE),
            ("how | comment", COME, FUTURE),
            ("what | ce que", Verb("want", "vouloir", stative=True), PRESENT),
            ("what | ce que", Verb("do", "faire"), PROGRESSIVE),
            ("what | ce que", Verb("buy", "acheter"), PAST),
            ("if | si", COME, FUTURE),
            ("if | si", Verb("understand", "comprendre"), PAST),
            ("where | où", named(ALONE, "wait"), PROGRESSIVE),
        )
    )
    english, french = word.split(" | ")
    asked = phrase(english, french) + Clause(about, verb, tense).statement()
    if draw.random() < 0.3:
        start = Clause(subject(YOU), KNOW_THAT).question()
        return Sentence(start + asked, "?")
    main = Clause(who, KNOW_THAT, PRESENT, (), NOT, short=draw.random() < 0.8).statement()
    return Sentence(main + asked)


@frame(2.5)
def once(draw: Random) -> Sentence:
    """When I was young, I lived in Paris / quand j'étais jeune, j'habitais à Paris."""
    who = pronoun(draw)
    if who.person == 1:
        who = subject(ME)
    quality = adjectives("young" if draw.random() < 0.5 else "small")[0]
    mine = tag()
    form = quality.form(feminine=who.feminine, plural=who.plural)
    young = Phrase(say(quality.en, mine), say(form, mine))
    first = phrase("when", "quand") + Clause(who, BE, PAST, (plain(young),)).statement()
    verb, parts = draw.choice(
        (
            (LIVE, (plain(world(draw)),)),
            (BE_AVOIR, (plain(phrase("always | afraid", "toujours | peur")),)),
            (Verb("like", "aimer", stative=True), (plain(phrase("school", "l' école")),)),
            (
                Verb("have", "avoir", stative=True),
                (plain(a(draw.choice(nouns("cat", "dog", "horse", "rabbit")))),),
            ),
        )
    )
    second = Clause(_again(who), verb, PAST, parts).statement()
    return Sentence(first + phrase(",", ",") + second)


@frame(2)
def long_ago(draw: Random) -> Sentence:
    """I was sleeping when you arrived / je dormais quand tu es arrivé."""
    who, whom = anybody(draw, 0.7), anybody(draw, 0.7)
    names = (
        "sleep",
        "work",
        "cook",
        "sing",
        "cry",
        "laugh",
        "eat",
        "read",
        "dance",
        "wait",
        "wash",
        "rest",
    )
    first = Clause(who, named(ALONE, draw.choice(names)), WAS_DOING, (), short=True).statement()
    event = draw.choice(("arrive", "go home", "come back", "leave", "fall", "wake up", "go out"))
    second = Clause(whom, named(ALONE, event), PAST).statement()
    return Sentence(first + phrase("when", "quand") + second)
