"""The clause: a subject, a verb in some tense, and its complements, in both word orders."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from nmt.data.phrasebook import english
from nmt.data.phrasebook.conjugation import conjugation
from nmt.data.phrasebook.noun_phrases import PRONOUNS, NounPhrase
from nmt.data.phrasebook.surface import after
from nmt.data.phrasebook.tokens import (
    EMPTY,
    GOVERNED,
    Phrase,
    Token,
    Tokens,
    governed,
    merge,
    say,
    tag,
)
from nmt.data.phrasebook.verbs import Verb


@dataclass(frozen=True)
class Object:
    """What completes a verb.

    French objects that are clitics stand before the verb: `clitic` is their place in the row
    me te se nous vous (1) < le la les (2) < lui leur (3) < y (4) < en (5); 0 means no clitic.
    `agreement` is set for a preceding direct object: the participle agrees with it.
    `early` complements (rien, bien) stand before a participle or an infinitive.
    """

    phrase: Phrase
    clitic: int = 0
    agreement: tuple[bool, bool] | None = None


def plain(thing: Phrase) -> Object:
    """A complement that stands after the verb in both languages."""
    return Object(thing)


def direct(who: int) -> Object:
    """A pronoun as direct object: (see) me / me (voir)."""
    pronoun = PRONOUNS[who]
    mine = tag()
    en, fr = pronoun.direct
    return Object(
        Phrase(say(en, mine), say(fr, mine)),
        clitic=2 if who in (2, 3, 5) else 1,
        agreement=(pronoun.feminine, pronoun.plural),
    )


def dative(who: int, *, to: bool = False) -> Object:
    """A pronoun as indirect object: (give) me / me (donner), with `to` (give it) to me."""
    mine = tag()
    en, fr = PRONOUNS[who].dative
    return Object(
        Phrase(say(f"to {en}" if to else en, mine), say(fr, mine)),
        clitic=3 if who in (2, 3, 5) else 1,
    )


def standing_for(thing: NounPhrase) -> Object:
    """It or them, for a thing or a person that was just named."""
    mine = tag()
    en = "them" if thing.plural else "it"
    fr = "les" if thing.plural else ("la" if thing.feminine else "le")
    return Object(
        Phrase(say(en, mine), say(fr, mine)), clitic=2, agreement=(thing.feminine, thing.plural)
    )


def to_person(preposition: str, person: NounPhrase) -> Object:
    """A person that needs a preposition after the French verb but not after the English one."""
    return Object(Phrase(person.en, after(preposition, (GOVERNED,), person.fr)))


class Tense(NamedTuple):
    """A tense in both languages.

    english: the auxiliaries, then the form of the verb ("will" + base).
    french: one of present, imperfect, future, conditional, perfect; or, with `helper`, the tense
    of the helping verb that an infinitive follows (`link` stands between them).
    """

    name: str
    english: tuple[str, ...]
    french: str
    helper: str = ""
    link: str = ""


PRESENT = Tense("present", ("present",), "present")
PROGRESSIVE = Tense("progressive", ("be", "ing"), "present")
PAST = Tense("past", ("past",), "perfect")
PERFECT = Tense("perfect", ("have", "participle"), "perfect")
WAS_DOING = Tense("was doing", ("was", "ing"), "imperfect")
USED_TO = Tense("used to", ("used to", "base"), "imperfect")
FUTURE = Tense("future", ("will", "base"), "future")
GOING_TO = Tense("going to", ("be", "going to", "base"), "present", "aller")
CAN = Tense("can", ("can", "base"), "present", "pouvoir")
MUST = Tense("must", ("must", "base"), "present", "devoir")
WOULD = Tense("would", ("would", "base"), "conditional")
COULD = Tense("could", ("could", "base"), "conditional", "pouvoir")
SHOULD = Tense("should", ("should", "base"), "conditional", "devoir")
WANT_TO = Tense("want to", ("want", "to", "base"), "present", "vouloir")
HAVE_TO = Tense("have to", ("have", "to", "base"), "present", "devoir")
WOULD_LIKE_TO = Tense("would like to", ("would", "like to", "base"), "conditional", "vouloir")
NEED_TO = Tense("need to", ("need", "to", "base"), "present", "avoir besoin", "de")
WANTED_TO = Tense("wanted to", ("wanted", "to", "base"), "imperfect", "vouloir")
LIKE_TO = Tense("like to", ("like", "to", "base"), "present", "aimer")
HOPE_TO = Tense("hope to", ("hope", "to", "base"), "present", "espérer")
KNOW_HOW_TO = Tense("know how to", ("know", "how to", "base"), "present", "savoir")
TRY_TO = Tense("try to", ("be", "trying to", "base"), "present", "essayer", "de")
WILL_BE_ABLE_TO = Tense("will be able to", ("will", "be able to", "base"), "future", "pouvoir")

_LEXICAL = {
    "want": ("want", "present"), "need": ("need", "present"), "wanted": ("want", "past"),
    "like": ("like", "present"), "hope": ("hope", "present"), "know": ("know", "present"),
}  # fmt: skip
"""First words of a tense that behave like ordinary verbs: they need `do`."""


class Negation(NamedTuple):
    """The English word, whether it needs `do`, and the French partner of `ne`."""

    en: str
    fr: str
    asks_do: bool = False


NOT = Negation("not", "pas", True)
NEVER = Negation("never", "jamais")
NO_LONGER = Negation("no longer", "plus")


@dataclass(frozen=True)
class Clause:
    """Everything that makes up a clause. `parts` have the same order in both languages."""

    subject: NounPhrase
    verb: Verb
    tense: Tense = PRESENT
    parts: Sequence[Object] = field(default_factory=tuple)
    negation: Negation | None = None
    adverb: Phrase = EMPTY
    short: bool = False
    """Whether English is written with contractions."""
    fronted: tuple[bool, bool] | None = None
    """Gender and number of a direct object that stands before the clause (feminine, plural)."""
    fixed: bool = False
    """Whether the participle stays as it is: elle s'est lavé les mains."""
    partner: int = 0
    """The tag of an English word (anything) that the partner of `ne` (rien) stands for."""

    def statement(self, *, french: "Clause | None" = None) -> Phrase:
        """I do not love you / je ne t'aime pas.

        `french` is another clause that supplies the French where the languages swap subject and
        object: I miss you / tu me manques. Its verb group is aligned with the English one.
        """
        group = _Verbs(self)
        subject, auxiliaries = self.subject.en, group.english()
        if self.short:
            subject, auxiliaries = _shortened(subject, auxiliaries, pronoun=self.subject.pronoun)
        else:
            auxiliaries = _cannot(auxiliaries)
        if french is not None:
            group.clause = french
        fr = group.clause.subject.fr + group.french()
        return Phrase(subject + auxiliaries + self._english_rest(), fr)

    def question(self, opening: Phrase = EMPTY) -> Phrase:
        """Do you love me / est-ce que tu m'aimes; also after a question word."""
        asked = tag()
        group = _Verbs(self)
        first, *rest = group.english(question=asked)
        en = opening.en + (first,) + self.subject.en + tuple(rest) + self._english_rest()
        fr = opening.fr + say("est-ce que", asked) + self.subject.fr + group.french()
        return Phrase(en, fr)

    def inversion(self, opening: Phrase) -> Phrase:
        """A short question whose subject follows the verb in French, too: where is / où est.

        A pronoun is attached to the verb: how old is she / quel âge a-t-elle.
        """
        group = _Verbs(self)
        asked = tag()
        first, *rest = group.english(question=asked)
        if first.tags == (asked,):  # `do` alone has no counterpart in French
            first = first._replace(tags=(group.acting,))
        en = opening.en + (first,) + self.subject.en + tuple(rest) + self._english_rest()
        fr = group.french()
        subject = self.subject.fr
        if self.subject.pronoun:
            euphonic = "-t-" if fr[-1].text[-1] in "ae" and self.subject.person == 2 else "-"
            subject = (subject[0]._replace(text=euphonic + subject[0].text),)
        return Phrase(en, opening.fr + fr + subject)

    def about_subject(self, opening: Phrase) -> Phrase:
        """A question about the subject: who loves me / qui m'aime; or a relative clause."""
        group = _Verbs(self)
        return Phrase(
            opening.en + group.english() + self._english_rest(), opening.fr + group.french()
        )

    def _english_rest(self) -> Tokens:
        return tuple(token for part in self.parts for token in part.phrase.en)


class _Verbs:
    """The verb group of a clause in both languages, sharing its tags."""

    def __init__(self, clause: Clause) -> None:
        self.clause = clause
        self.helping, self.acting, self.denied = tag(), tag(), tag()

    def english(self, *, question: int = 0) -> Tokens:
        """Auxiliaries, negation, adverb, verb, particles."""
        clause = self.clause
        words = self._english_words(question)
        head, tail = words[0], words[1:]
        middle: Tokens = ()
        if clause.negation is not None:
            middle = say(clause.negation.en, self.denied)
        middle += clause.adverb.en
        if self._before_verb(words):
            return middle + words
        return (head, *middle, *tail)

    def _before_verb(self, words: Tokens) -> bool:
        """I never eat, but I have never eaten, I am never late."""
        single = len(words) == len(self.clause.verb.english) and self.clause.verb.en != "be"
        lexical = self.clause.tense.english[0] in (*_LEXICAL, "used to")
        return single or (lexical and words[0].text not in ("do", "does", "did"))

    def _english_words(self, question: int) -> Tokens:
        clause = self.clause
        first, *later = clause.tense.english
        asks_do = question or (clause.negation is not None and clause.negation.asks_do)
        past = first == "past"
        both = (self.helping, self.acting)
        base, *particles = clause.verb.english
        tail = say(" ".join(particles), self.acting)
        if first in ("present", "past"):
            if base == "be":
                form = english.be(clause.subject.person, past_tense=past)
                return (Token(form, (*both, question) if question else both), *tail)
            if asks_do:
                return (self._do(past, question), Token(base, (self.acting,)), *tail)
            form = english.past(base) if past else self._agreeing(base)
            return (Token(form, both), *tail)
        head = self._auxiliary(first, bool(asks_do), question)
        between = tuple(t for word in later[:-1] for t in say(word, self.helping))
        return (*head, *between, Token(_ending(base, later[-1]), (self.acting,)), *tail)

    def _auxiliary(self, first: str, asks_do: bool, question: int) -> Tokens:
        tags = (self.helping, question) if question else (self.helping,)
        if first in _LEXICAL or first == "have" and self.clause.tense.helper:
            base, tense = _LEXICAL.get(first, (first, "present"))
            if asks_do:
                return (self._do(tense == "past", question), Token(base, (self.helping,)))
            form = english.past(base) if tense == "past" else self._agreeing(base)
            return say(form, self.helping)
        person = self.clause.subject.person
        if first in ("be", "was"):
            return (Token(english.be(person, past_tense=first == "was"), tags),)
        if first == "have":
            return (Token(self._agreeing("have"), tags),)
        return tuple(Token(word, tags) for word in first.split())

    def _do(self, past: bool, question: int) -> Token:
        tags = (question,) if question else (self.denied,)
        if past:
            return Token("did", (self.helping, *tags))
        return Token("does" if self.clause.subject.person == 2 else "do", tags)

    def _agreeing(self, base: str) -> str:
        return english.third(base) if self.clause.subject.person == 2 else base

    def french(self) -> Tokens:
        """ne, clitics, verb, pas, participle or infinitive, complements."""
        clause = self.clause
        clitics = self._clitics()
        head, rest = self._french_verb()
        before, late = (clitics, ()) if not clause.tense.helper else ((), clitics)
        ne: Tokens = ()
        partner: Tokens = ()
        if clause.negation is not None:
            ne, partner = (
                say("ne", self.denied),
                say(clause.negation.fr, clause.partner or self.denied),
            )
        complements = tuple(t for part in clause.parts if not part.clitic for t in part.phrase.fr)
        middle = head + partner + clause.adverb.fr + self._link()
        return ne + before + middle + late + rest + governed(complements, self.acting)

    def _link(self) -> Tokens:
        _, _, noun = self.clause.tense.helper.partition(" ")
        return say(f"{noun} {self.clause.tense.link}", self.helping)

    def _french_verb(self) -> tuple[Tokens, Tokens]:
        """The conjugated word, and the rest, which follows negation and adverb."""
        clause = self.clause
        both = (self.helping, self.acting)
        person = clause.subject.person
        tail = say(clause.verb.tail, self.acting)
        tense = _french_tense(clause)
        if clause.tense.helper:
            helper = _forms(clause.tense.helper.partition(" ")[0], tense, person)
            return say(helper, self.helping), say(clause.verb.forms.infinitive, self.acting) + tail
        if tense == "perfect":
            auxiliary = _forms("être" if clause.verb.moves else "avoir", "present", person)
            return say(auxiliary, self.helping), say(self._participle(), self.acting) + tail
        return say(_forms(clause.verb.forms.infinitive, tense, person), *both), tail

    def _participle(self) -> str:
        clause = self.clause
        agreement = clause.fronted or (False, False)
        if clause.verb.moves and not clause.fixed:
            agreement = (clause.subject.feminine, clause.subject.plural)
        for part in clause.parts:
            agreement = part.agreement if part.agreement and part.clitic else agreement
        return agreed(clause.verb.forms.participle, *agreement)

    def _clitics(self) -> Tokens:
        clause = self.clause
        row = [(part.clitic, part.phrase.fr) for part in clause.parts if part.clitic]
        if clause.verb.reflexive:
            own = ("me", "te", "se", "nous", "vous", "se")[clause.subject.person]
            row.append((1, say(own, self.acting)))
        return tuple(
            token for _, tokens in sorted(row, key=lambda each: each[0]) for token in tokens
        )


def _french_tense(clause: Clause) -> str:
    stative_past = clause.verb.stative and clause.tense.name == "past"
    return "imperfect" if stative_past else clause.tense.french


def _forms(infinitive: str, tense: str, person: int) -> str:
    forms: tuple[str, ...] = getattr(conjugation(infinitive), tense)
    return forms[person]


def _ending(base: str, how: str) -> str:
    if how == "ing":
        return english.gerund(base)
    return english.participle(base) if how == "participle" else base


def agreed(participle: str, feminine: bool, plural: bool) -> str:
    """A participle with its endings for gender and number: pris, prise, prises."""
    form = "dû" if participle == "dû" and not (feminine or plural) else participle
    if feminine:
        form += "e"
    return form if not plural or form.endswith("s") else form + "s"


_WITH_NOT = {
    "do": "don't", "does": "doesn't", "did": "didn't", "is": "isn't", "are": "aren't",
    "was": "wasn't", "were": "weren't", "will": "won't", "can": "can't", "would": "wouldn't",
    "could": "couldn't", "should": "shouldn't", "have": "haven't", "has": "hasn't",
    "must": "mustn't",
}  # fmt: skip
_AFTER_PRONOUN = {
    "am": "'m", "is": "'s", "are": "'re", "will": "'ll", "would": "'d",
}  # fmt: skip


def _shortened(subject: Tokens, verbs: Tokens, *, pronoun: bool) -> tuple[Tokens, Tokens]:
    """I do not -> I don't; I am -> I'm; we will -> we'll."""
    first = verbs[0]
    if len(verbs) > 1 and verbs[1].text == "not" and first.text in _WITH_NOT:
        return subject, (merge(_WITH_NOT[first.text], first, verbs[1]), *verbs[2:])
    if pronoun and first.text in _AFTER_PRONOUN:
        text = subject[0].text + _AFTER_PRONOUN[first.text]
        return (merge(text, subject[0], first),), verbs[1:]
    return subject, verbs


def _cannot(verbs: Tokens) -> Tokens:
    """Can and not are written as one word."""
    if len(verbs) > 1 and (verbs[0].text, verbs[1].text) == ("can", "not"):
        return (merge("cannot", verbs[0], verbs[1]), *verbs[2:])
    return verbs
