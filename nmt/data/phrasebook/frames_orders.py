"""Imperatives: give me the book / donne-moi le livre, do not look at me / ne me regarde pas."""

from random import Random

from nmt.data.phrasebook.choices import object_of, person
from nmt.data.phrasebook.frames import Sentence, frame
from nmt.data.phrasebook.noun_phrases import HE, ME, PRONOUNS, SHE, THEY, own
from nmt.data.phrasebook.nouns import nouns
from nmt.data.phrasebook.places import goal, located, rest
from nmt.data.phrasebook.surface import after
from nmt.data.phrasebook.times import LATER
from nmt.data.phrasebook.tokens import (
    EMPTY,
    GOVERNED,
    Phrase,
    Tokens,
    governed,
    listed,
    phrase,
    say,
    tag,
)
from nmt.data.phrasebook.verbs import GIVING, SPEAKING, WITH_PEOPLE, WITH_THINGS, Verb, named

_ALTERED = {"me": "moi", "te": "toi"}
"""Clitics that change after an affirmative imperative."""


class _Order:
    """An imperative for one friend (tu), or for all of us (let's / -ons)."""

    def __init__(self, verb: Verb, *, denied: bool = False, together: bool = False) -> None:
        self.verb, self.denied, self.together = verb, denied, together
        self.acting, self.not_ = tag(), tag()

    def say(self, *parts: Phrase, clitics: tuple[Phrase, ...] = (), english: Tokens = ()) -> Phrase:
        """The order in both languages; `clitics` as ordered after an affirmative imperative.

        english: the words after the English verb, if their order differs from the clitics'
        """
        rest_en = tuple(token for part in parts for token in part.en)
        rest_fr = tuple(token for part in parts for token in part.fr)
        objects = english or tuple(token for clitic in clitics for token in clitic.en)
        fr = self._french(clitics) + governed(rest_fr, self.acting)
        return Phrase(self._english() + objects + rest_en, fr)

    def _english(self) -> Tokens:
        base = say(self.verb.en, self.acting)
        if self.together:
            not_ = say("not", self.not_) if self.denied else ()
            return say("let's", self.acting) + not_ + base
        return say("don't", self.not_) + base if self.denied else base

    def _french(self, clitics: tuple[Phrase, ...]) -> Tokens:
        singular, plural, _ = self.verb.forms.imperative
        verb = say(plural if self.together else singular, self.acting)
        own = (say("nous" if self.together else "te", self.acting),) if self.verb.reflexive else ()
        row = own + tuple(clitic.fr for clitic in clitics)
        tail = say(self.verb.tail, self.acting)
        if self.denied:
            before = tuple(token for tokens in _row(row) for token in tokens)
            return say("ne", self.not_) + before + verb + say("pas", self.not_) + tail
        after = tuple(
            token._replace(text="-" + _ALTERED.get(token.text, token.text))
            for tokens in row
            for token in tokens
        )
        return verb + after + tail


def _row(clitics: tuple[Tokens, ...]) -> list[Tokens]:
    """The order before a verb: me le, but le lui."""
    order = ("me", "te", "nous", "vous", "le", "la", "les", "lui", "leur")
    return sorted(clitics, key=lambda tokens: order.index(tokens[0].text))


def _finish(phrase_: Phrase, draw: Random, *, please: float = 0.15) -> Sentence:
    chance = draw.random()
    if chance < please:
        return Sentence(phrase_ + phrase(", | please", ", | s' il te plaît"))
    return Sentence(phrase_, "!" if chance > 0.6 else ".")


def _direct(who: int) -> Phrase:
    mine = tag()
    en, fr = PRONOUNS[who].direct
    return Phrase(say(en, mine), say(fr, mine))


def _dative(who: int, *, to: str = "") -> Phrase:
    mine = tag()
    en, fr = PRONOUNS[who].dative
    return Phrase(say(f"{to} {en}", mine), say(fr, mine))


_KNOWN = frozenset(
    listed(
        "hear, forget, see, know, love, hate, find, believe, understand, worry, admire, draw, "
        "recognise"
    )
)
_OTHERS = (ME, HE, SHE, 4, THEY)


@frame(4)
def treat_somebody(draw: Random) -> Sentence:
    """Help me / aide-moi; don't look at them / ne les regarde pas."""
    verb = draw.choice([each for each in WITH_PEOPLE if each.en not in _KNOWN])
    order = _Order(verb, denied=draw.random() < 0.4 or verb.en == "leave")
    return _finish(order.say(clitics=(_direct(draw.choice(_OTHERS)),)), draw)


@frame(2)
def treat_a_person(draw: Random) -> Sentence:
    """Wait for your sister / attends ta sœur; let's help Paul / aidons Paul."""
    verb = draw.choice([each for each in WITH_PEOPLE if each.en not in _KNOWN])
    denied = draw.random() < 0.3 or verb.en == "leave"
    order = _Order(verb, denied=denied, together=draw.random() < 0.4)
    return _finish(order.say(person(draw)), draw, please=0)


@frame(2)
def speak_to_somebody(draw: Random) -> Sentence:
    """Answer me / réponds-moi; don't speak to him / ne lui parle pas."""
    verb = draw.choice([each for each in SPEAKING if each.en != "talk to"])
    denied = draw.random() < 0.35
    if draw.random() < 0.65:
        order = _Order(verb, denied=denied)
        return _finish(order.say(clitics=(_dative(draw.choice(_OTHERS)),)), draw)
    whom = person(draw)
    addressed = Phrase(whom.en, after("à", (GOVERNED,), whom.fr))
    return _finish(_Order(verb, denied=denied).say(addressed), draw)


@frame(5)
def give_somebody_something(draw: Random) -> Sentence:
    """Give me the book / donne-moi le livre; give it to me / donne-le-moi."""
    verb = draw.choice([each for each in GIVING if each.en != "promise"])
    denied = draw.random() < 0.2
    order = _Order(verb, denied=denied)
    whom = draw.choice(_OTHERS)
    if draw.random() < 0.6:
        what = object_of(draw, verb, negated=denied)
        if verb.en == "explain":
            person_ = _dative(whom, to="to")
            return _finish(
                order.say(Phrase((), what.fr), clitics=(person_,), english=what.en + person_.en),
                draw,
            )
        return _finish(order.say(what, clitics=(_dative(whom),)), draw)
    plural = draw.random() < 0.35
    mine = tag()
    it = Phrase(say("them" if plural else "it", mine), say("les" if plural else "le", mine))
    return _finish(order.say(clitics=(it, _dative(whom, to="to"))), draw)


@frame(5)
def do_something(draw: Random) -> Sentence:
    """Close the door / ferme la porte; let's eat the cake / mangeons le gâteau."""
    verb = draw.choice(
        [each for each in WITH_THINGS if each.en not in _KNOWN | {"hear"} and not each.involuntary]
    )
    denied = draw.random() < 0.25
    together = draw.random() < 0.3
    order = _Order(verb, denied=denied, together=together)
    if draw.random() < 0.2:
        mine, plural = tag(), draw.random() < 0.3
        it = Phrase(say("them" if plural else "it", mine), say("les" if plural else "le", mine))
        return _finish(order.say(clitics=(it,)), draw, please=0 if together else 0.15)
    what = object_of(draw, verb, negated=denied)
    return _finish(order.say(what), draw, please=0 if together else 0.15)


_MOVES = (
    ("come", "venir"),
    ("wait", "attendre"),
    ("hurry", "se dépêcher"),
    ("get up", "se lever"),
    ("work", "travailler"),
    ("eat", "manger"),
    ("sleep", "dormir"),
    ("listen", "écouter"),
    ("look", "regarder"),
    ("go home", "rentrer"),
    ("rest", "se reposer"),
    ("run", "courir"),
    ("go out", "sortir"),
    ("leave", "partir"),
    ("stay", "rester"),
    ("wash", "se laver"),
    ("wake up", "se réveiller"),
    ("get dressed", "se habiller"),
    ("sing", "chanter"),
    ("dance", "danser"),
    ("shout", "crier"),
    ("laugh", "rire"),
    ("start", "commencer"),
    ("drink", "boire"),
    ("smoke", "fumer"),
    ("cry", "pleurer"),
    ("walk", "marcher"),
    ("swim", "nager"),
    ("have fun", "se amuser"),
    ("answer", "répondre"),
    ("sign", "signer"),
)
_ONLY_DO = frozenset(listed("start, hurry, have fun, come, look, listen, answer, sign, rest"))
_ONLY_DONT = frozenset(["cry", "smoke", "laugh", "shout"])
_MANNERS = (
    ("fast", "vite"),
    ("now", "maintenant"),
    ("here", "ici"),
    ("again", "encore"),
    ("slowly", "lentement"),
    ("with | me", "avec | moi"),
    ("with | us", "avec | nous"),
    ("in | the | garden", "dans | le | jardin"),
)
_SUITED = {
    "now": "*",
    "here": "wait sleep eat stay work sing dance swim wash rest sign",
    "fast": "come run eat walk",
    "slowly": "eat walk drink",
    "again": "sing dance start",
    "with | me": "come sing dance eat work stay laugh run swim",
    "with | us": "come sing dance eat work stay laugh run swim",
    "in | the | garden": "wait eat work stay sleep rest sing dance run",
}


@frame(3)
def move(draw: Random) -> Sentence:
    """Hurry up / dépêche-toi; don't cry / ne pleure pas; let's go / allons."""
    english, french = draw.choice(_MOVES)
    manner = EMPTY
    if draw.random() < 0.6:
        chosen = draw.choice(_MANNERS)
        suited = _SUITED[chosen[0]]
        if suited == "*" or english in suited.split():
            manner = phrase(*chosen)
    together = (
        draw.random() < 0.3
        and english not in _ONLY_DONT
        and not any(token.text in ("me", "us") for token in manner.en)
    )
    denied = draw.random() < (0.3 if english not in _ONLY_DO else 0) or english in _ONLY_DONT
    order = _Order(Verb(english, french), denied=denied, together=together)
    return _finish(order.say(manner), draw, please=0 if together else 0.15)


@frame(3)
def go_somewhere(draw: Random) -> Sentence:
    """Go to the market with your sister / va au marché avec ta sœur; let's go to Paris."""
    order = _Order(Verb("go", "aller"), denied=draw.random() < 0.2, together=draw.random() < 0.4)
    with_whom = EMPTY
    if draw.random() < 0.4:
        relative = draw.choice(nouns("brother", "sister", "mother", "friend", "cousin", "uncle"))
        with_whom = located("with", "avec", own(draw.choice((0, 1, 2, 3)), relative))
    where = goal(draw)
    if where.en[0].text in ("abroad", "there"):
        with_whom = EMPTY
    time = phrase(*draw.choice(LATER[:3])) if draw.random() < 0.15 else EMPTY
    return _finish(order.say(where, with_whom, time), draw, please=0)


@frame(2)
def stay_somewhere(draw: Random) -> Sentence:
    """Wait for me at the station / attends-moi à la gare."""
    verb = named(WITH_PEOPLE, "wait for") if draw.random() < 0.6 else named(SPEAKING, "phone")
    clitic = _direct if verb.en == "wait for" else _dative
    who = draw.choice(_OTHERS)
    place = rest(draw) if verb.en == "wait for" else phrase(*draw.choice(LATER))
    return _finish(_Order(verb).say(place, clitics=(clitic(who),)), draw)
