"""Noun phrases: determiners, adjectives in their place, agreement, possession, pronouns."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nmt.data.phrasebook.adjectives import Adjective
from nmt.data.phrasebook.nouns import Noun
from nmt.data.phrasebook.surface import after, article, vowel_first
from nmt.data.phrasebook.tokens import Phrase, Token, Tokens, listed, say, tag

ME, YOU, HE, SHE, WE, THEY, YOU_SIR, YOU_MADAM, YOU_ALL = range(9)
"""Indices of `PRONOUNS`. The last three are the polite or plural `vous`."""


@dataclass(frozen=True)
class NounPhrase(Phrase):
    """A phrase that may be a subject or an object.

    `person` counts je, tu, il, nous, vous, ils as 0 to 5. `pronoun` and `name` say what the
    phrase is, where that changes the sentence around it.
    """

    person: int = 2
    feminine: bool = False
    plural: bool = False
    pronoun: bool = False
    name: bool = False


@dataclass(frozen=True)
class Pronoun:
    """The forms of a personal pronoun in both languages."""

    subject: tuple[str, str]
    direct: tuple[str, str]
    dative: tuple[str, str]
    strong: tuple[str, str]
    person: int
    feminine: bool = False
    plural: bool = False


PRONOUNS = (
    Pronoun(("I", "je"), ("me", "me"), ("me", "me"), ("me", "moi"), 0),
    Pronoun(("you", "tu"), ("you", "te"), ("you", "te"), ("you", "toi"), 1),
    Pronoun(("he", "il"), ("him", "le"), ("him", "lui"), ("him", "lui"), 2),
    Pronoun(("she", "elle"), ("her", "la"), ("her", "lui"), ("her", "elle"), 2, feminine=True),
    Pronoun(("we", "nous"), ("us", "nous"), ("us", "nous"), ("us", "nous"), 3, plural=True),
    Pronoun(("they", "ils"), ("them", "les"), ("them", "leur"), ("them", "eux"), 5, plural=True),
    Pronoun(("you", "vous"), ("you", "vous"), ("you", "vous"), ("you", "vous"), 4),
    Pronoun(("you", "vous"), ("you", "vous"), ("you", "vous"), ("you", "vous"), 4, feminine=True),
    Pronoun(("you", "vous"), ("you", "vous"), ("you", "vous"), ("you", "vous"), 4, plural=True),
)


def subject(who: int) -> NounPhrase:
    """A pronoun as a subject: I / je."""
    pronoun = PRONOUNS[who]
    mine = tag()
    return NounPhrase(
        say(pronoun.subject[0], mine),
        say(pronoun.subject[1], mine),
        person=pronoun.person,
        feminine=pronoun.feminine,
        plural=pronoun.plural,
        pronoun=True,
    )


def strong(who: int) -> Phrase:
    """A pronoun after a preposition: (with) me / (avec) moi."""
    mine = tag()
    english, french = PRONOUNS[who].strong
    return Phrase(say(english, mine), say(french, mine))


_MEN = listed("Paul, Pierre, Tom, Marc, Louis, Antoine, Daniel, Luc, Simon")
_WOMEN = listed("Marie, Anne, Julie, Sophie, Emma, Claire, Alice, Sarah, Nadia")
NAMES = (*_MEN, *_WOMEN)


def person_named(name: str) -> NounPhrase:
    """A first name, the same in both languages."""
    mine = tag()
    word = say(name, mine)
    return NounPhrase(word, word, feminine=name in _WOMEN, name=True)


@dataclass(frozen=True)
class _Core:
    """A noun with its adjectives, still without a determiner."""

    en: Tokens
    fr: Tokens
    noun: Noun
    plural: bool
    meaning: int
    early: bool

    @property
    def vowel(self) -> bool:
        return vowel_first(self.fr[0].text)

    def determined(self, en: Tokens, fr: Tokens) -> NounPhrase:
        return NounPhrase(
            en + self.en,
            fr + self.fr,
            person=5 if self.plural else 2,
            feminine=self.noun.feminine,
            plural=self.plural,
        )

    def pick(self, masculine: str, feminine: str, vowel: str, plural: str) -> str:
        """The French determiner that agrees."""
        if self.plural:
            return plural
        if self.vowel:
            return vowel
        return feminine if self.noun.feminine else masculine


def _core(noun: Noun, plural: bool, adjectives: Sequence[Adjective]) -> _Core:
    meaning = tag()
    en: Tokens = ()
    early: Tokens = ()
    late: Tokens = ()
    for adjective in adjectives:
        mine = tag()
        form = say(adjective.attributive(noun, plural=plural), mine)
        en += say(adjective.en, mine)
        if adjective.before:
            early += form
        else:
            late += form
    en += say(noun.en_plural if plural else noun.en, meaning)
    fr = early + say(noun.fr_plural if plural else noun.fr, meaning) + late
    if early and len(adjectives) > 1:
        early_only = [each for each in adjectives if each.before]
        fr = _liaison_settled(noun, plural, early_only, fr)
    return _Core(en, fr, noun, plural, meaning, bool(early))


def _liaison_settled(noun: Noun, plural: bool, early: Sequence[Adjective], fr: Tokens) -> Tokens:
    """Only the adjective directly before the noun takes its liaison form."""
    settled = list(fr)
    for place, adjective in enumerate(early[:-1]):
        form = adjective.form(feminine=noun.feminine, plural=plural)
        following = settled[place + 1].text
        if adjective.liaison and not plural and not noun.feminine and vowel_first(following):
            form = adjective.liaison
        settled[place] = Token(form, fr[place].tags)
    return tuple(settled)


def the(noun: Noun, *adjectives: Adjective, plural: bool = False) -> NounPhrase:
    """The cat / le chat."""
    core, mine = _core(noun, plural, adjectives), tag()
    return core.determined(say("the", mine), say(core.pick("le", "la", "l'", "les"), mine))


def every_one_of(noun: Noun, *, plural: bool) -> NounPhrase:
    """A whole kind: (I like) cats / les chats, milk / le lait."""
    core = _core(noun, plural, ())
    return core.determined((), say(core.pick("le", "la", "l'", "les"), core.meaning))


def a(noun: Noun, *adjectives: Adjective, negated: bool = False) -> NounPhrase:
    """A cat / un chat; (I do not have) a cat / de chat."""
    core, mine = _core(noun, False, adjectives), tag()
    french = "de" if negated else ("une" if noun.feminine else "un")
    return core.determined(say(article(core.en[0].text), mine), say(french, mine))


def some(
    noun: Noun,
    *adjectives: Adjective,
    plural: bool = False,
    word: str = "some",
    negated: bool = False,
) -> NounPhrase:
    """Some bread / du pain, some cats / des chats, some good cats / de bons chats.

    `word` is the English determiner: some, any, or none at all (bread / du pain).
    """
    core = _core(noun, plural, adjectives)
    mine = tag() if word else core.meaning
    french = core.pick("du", "de la", "de l'", "des")
    if negated or (plural and core.early):
        french = "de"
    return core.determined(say(word, mine), say(french, mine))


_POSSESSIVES = (
    ("my", "mon", "ma", "mes"),
    ("your", "ton", "ta", "tes"),
    ("his", "son", "sa", "ses"),
    ("her", "son", "sa", "ses"),
    ("our", "notre", "notre", "nos"),
    ("their", "leur", "leur", "leurs"),
    ("your", "votre", "votre", "vos"),
    ("your", "votre", "votre", "vos"),
    ("your", "votre", "votre", "vos"),
)


def own(who: int, noun: Noun, *adjectives: Adjective, plural: bool = False) -> NounPhrase:
    """My cat / mon chat, my friend / mon amie."""
    core, mine = _core(noun, plural, adjectives), tag()
    english, masculine, feminine, many = _POSSESSIVES[who]
    french = core.pick(masculine, feminine, masculine, many)
    return core.determined(say(english, mine), say(french, mine))


def this(noun: Noun, *adjectives: Adjective, plural: bool = False, far: bool = False) -> NounPhrase:
    """This cat / ce chat, those men / ces hommes. French does not distinguish near from far."""
    core, mine = _core(noun, plural, adjectives), tag()
    english = ("those" if far else "these") if plural else ("that" if far else "this")
    french = core.pick("ce", "cette", "cette" if noun.feminine else "cet", "ces")
    return core.determined(say(english, mine), (Token(french, (mine,)),))


NUMBERS = {
    2: ("two", "deux"), 3: ("three", "trois"), 4: ("four", "quatre"), 5: ("five", "cinq"),
    6: ("six", "six"), 7: ("seven", "sept"), 8: ("eight", "huit"), 9: ("nine", "neuf"),
    10: ("ten", "dix"), 11: ("eleven", "onze"), 12: ("twelve", "douze"),
    13: ("thirteen", "treize"), 14: ("fourteen", "quatorze"), 15: ("fifteen", "quinze"),
    16: ("sixteen", "seize"), 17: ("seventeen", "dix-sept"), 18: ("eighteen", "dix-huit"),
    19: ("nineteen", "dix-neuf"), 20: ("twenty", "vingt"), 25: ("twenty-five", "vingt-cinq"),
    30: ("thirty", "trente"), 35: ("thirty-five", "trente-cinq"), 40: ("forty", "quarante"),
    50: ("fifty", "cinquante"), 60: ("sixty", "soixante"), 70: ("seventy", "soixante-dix"),
    80: ("eighty", "quatre-vingts"), 90: ("ninety", "quatre-vingt-dix"),
    100: ("a hundred", "cent"),
}  # fmt: skip
"""Cardinals in words, both languages."""


def counted(number: int, noun: Noun, *adjectives: Adjective) -> NounPhrase:
    """Three cats / trois chats."""
    core, mine = _core(noun, True, adjectives), tag()
    english, french = NUMBERS[number]
    return core.determined(say(english, mine), say(french, mine))


def quantity(
    english: str, french: str, noun: Noun, *adjectives: Adjective, plural: bool = True
) -> NounPhrase:
    """A fixed determiner: a lot of / beaucoup de, a few / quelques, every / chaque."""
    core, mine = _core(noun, plural, adjectives), tag()
    return core.determined(say(english, mine), say(french, mine))


def belonging(noun: Noun, owner: NounPhrase, *, plural: bool = False) -> NounPhrase:
    """Paul's cat / le chat de Paul: the owner is singular."""
    core = _core(noun, plural, ())
    *others, last = owner.en
    mine = tag()
    possessor = (*others, Token(last.text + "'s", (*last.tags, mine)))
    head = say(core.pick("le", "la", "l'", "les"), core.meaning)
    whole = core.determined(possessor, head)
    return replace(whole, fr=whole.fr + after("de", (mine,), owner.fr))
