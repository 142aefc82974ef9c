"""Frames about things: to buy, to eat, to have, to want, to need, to like them."""

from random import Random

from nmt.data.phrasebook.choices import (
    anybody,
    indefinite,
    negation,
    object_of,
    pronoun,
    thing,
)
from nmt.data.phrasebook.clauses import (
    FUTURE,
    HAVE_TO,
    KNOW_HOW_TO,
    LIKE_TO,
    NO_LONGER,
    NOT,
    PAST,
    PRESENT,
    PROGRESSIVE,
    USED_TO,
    WANT_TO,
    WAS_DOING,
    WOULD,
    Clause,
    Object,
    plain,
)
from nmt.data.phrasebook.frames import Sentence, frame, tell
from nmt.data.phrasebook.frames_pronouns import deny, tense_for
from nmt.data.phrasebook.noun_phrases import (
    NAMES,
    NounPhrase,
    a,
    every_one_of,
    person_named,
    quantity,
    some,
    subject,
    the,
    this,
)
from nmt.data.phrasebook.nouns import NOUNS, UNCOUNTED, Noun, noun, nouns
from nmt.data.phrasebook.places import SCENES, scene
from nmt.data.phrasebook.surface import after
from nmt.data.phrasebook.times import HABIT, when
from nmt.data.phrasebook.tokens import EMPTY, Phrase, Token, Tokens, phrase, say, tag
from nmt.data.phrasebook.verbs import (
    ALONE,
    BE,
    HAVE,
    LIKE,
    LOVE_THING,
    NEED,
    SPEAK,
    WANT,
    WITH_THINGS,
    Verb,
    named,
)

LANGUAGES = {
    "French": "français", "English": "anglais", "Spanish": "espagnol", "Italian": "italien",
    "German": "allemand", "Japanese": "japonais", "Chinese": "chinois", "Arabic": "arabe",
    "Portuguese": "portugais",
}  # fmt: skip


@frame(15)
def somebody_does_something(draw: Random) -> Sentence:
    """She bought a red dress yesterday / elle a acheté une robe rouge hier."""
    verb = draw.choice(WITH_THINGS)
    who = anybody(draw, 0.65)
    tense = tense_for(draw, verb)
    denied = deny(draw, tense, 0.18)
    what = plain(object_of(draw, verb, negated=denied is not None))
    time = when(draw, tense, verb=verb) if draw.random() < 0.3 and not verb.stative else ()
    clause = Clause(who, verb, tense, (what, *time), denied, short=draw.random() < 0.7)
    return tell(draw, clause, ask=0.15)


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
    ("eat", "food"), ("eat", "dish"), ("drink", "drink"), ("read", "novel"), ("read", "poem"),
    ("read", "story"), ("read", "magazine"), ("read", "newspaper"), ("sing", "song"),
    ("wear", "hat"), ("wear", "glove"), ("wear", "tie"), ("wear", "boot"), ("wear", "dress"),
    ("wear", "skirt"), ("wear", "suit"), ("write", "letter"), ("write", "poem"),
    ("watch", "film"), ("watch", "match"), ("buy", "flower"), ("buy", "book"), ("buy", "toy"),
)  # fmt: skip


def _habit(draw: Random) -> tuple[Verb, NounPhrase]:
    """Something that one does again and again."""
    name, kind = draw.choice(_HABITS)
    return named(WITH_THINGS, name), _habitual(draw.choice(nouns(kind)))


def _habitual(what: Noun) -> NounPhrase:
    if what.kind in UNCOUNTED:
        return some(what, word="")
    return some(what, plural=True, word="")


@frame(4)
def somebody_eats_or_drinks(draw: Random) -> Sentence:
    """I drink tea every morning / je bois du thé tous les matins; no bread / pas de pain."""
    verb = named(WITH_THINGS, draw.choice(("eat", "drink")))
    tense = draw.choice((PRESENT, PRESENT, PROGRESSIVE, FUTURE, PAST, WANT_TO))
    denied = deny(draw, tense, 0.35)
    what = draw.choice(verb.objects)
    if what.kind in UNCOUNTED:
        word = draw.choice(("any", "")) if denied else draw.choice(("", "some"))
        eaten = some(what, word=word, negated=denied is not None)
    elif denied:
        eaten = some(what, plural=True, word=draw.choice(("any", "")), negated=True)
    else:
        eaten = draw.choice((a(what), some(what, plural=True)))
    clause = Clause(
        anybody(draw), verb, tense, (plain(eaten), *when(draw, tense)), denied, short=True
    )
    return Sentence(clause.statement())


_OWNED = ("vehicle", "thing", "clothing", "animal", "flat", "house", "garden", "idea", "question",
          "problem", "friend", "brother", "sister", "cousin", "uncle", "son", "daughter")  # fmt: skip
_NOT_OWNED = frozenset("train bus plane bear lion hedgehog snake fox wolf owl frog elephant "
                       "monkey lorry taxi".split())  # fmt: skip
_HOLDINGS = tuple(each for each in nouns(*_OWNED) if each.en not in _NOT_OWNED)


@frame(5)
def somebody_has_something(draw: Random) -> Sentence:
    """I have two sisters / j'ai deux sœurs; do you have a pen / est-ce que tu as un stylo."""
    tense = draw.choice((PRESENT, PRESENT, PRESENT, PAST))
    denied = draw.choice((NOT, NOT, NO_LONGER)) if draw.random() < 0.2 else None
    denied = denied if tense is PRESENT else None
    what = draw.choice(_HOLDINGS)
    owned = plain(indefinite(draw, what, negated=denied is not None))
    clause = Clause(anybody(draw), HAVE, tense, (owned,), denied, short=draw.random() < 0.7)
    return tell(draw, clause, ask=0.25)


_WISHES = nouns("food", "seasoning", "drink", "dish", "clothing", "car", "bicycle", "lamp", "watch", "dog", "cat",
                "computer", "guitar", "ticket", "book", "glass", "umbrella", "suitcase")  # fmt: skip


@frame(4)
def somebody_wants_something(draw: Random) -> Sentence:
    """He wants some water / il veut de l'eau; I would like a coffee / je voudrais un café."""
    tense = draw.choice((PRESENT, PRESENT, PAST, WOULD))
    verb = Verb("like", "vouloir") if tense is WOULD else WANT
    denied = negation(draw, 0.2) if tense is not WOULD else None
    denied = NOT if denied else None
    what = plain(indefinite(draw, draw.choice(_WISHES), negated=denied is not None))
    polite = tense is WOULD and draw.random() < 0.3
    ending = phrase(", | please", ", | s' il te plaît") if polite else EMPTY
    who = pronoun(draw) if tense is WOULD else anybody(draw)
    clause = Clause(who, verb, tense, (what, plain(ending)), denied, short=draw.random() < 0.7)
    return tell(draw, clause, ask=0.2)


_NEEDED = nouns("thing", "clothing", "car", "bicycle", "table", "chair", "bed", "food", "seasoning", "drink",
                "egg",
                "tomato", "potato", "onion", "friend", "doctor", "lawyer")  # fmt: skip
_NOT_NEEDED = frozenset("doll picture axe rose violin ring radio ball flower".split())


@frame(3)
def somebody_needs_something(draw: Random) -> Sentence:
    """I need a knife / j'ai besoin d'un couteau; he needs water / il a besoin d'eau."""
    what = draw.choice([each for each in _NEEDED if each.en not in _NOT_NEEDED])
    tense = draw.choice((PRESENT, PRESENT, PAST))
    denied = NOT if draw.random() < 0.15 and tense is PRESENT else None
    clause = Clause(
        anybody(draw), NEED, tense, (_needed(draw, what, denied is not None),), denied, short=True
    )
    return tell(draw, clause, ask=0.2)


def _needed(draw: Random, what: Noun, denied: bool) -> Object:
    """After `besoin de` the partitive and the plural article fall: besoin d'eau, d'œufs."""
    mine = tag()
    if what.kind in UNCOUNTED:
        needed = some(what, word=draw.choice(("", "any" if denied else "some")), negated=True)
        return plain(Phrase(needed.en, needed.fr))
    needed = a(what) if draw.random() < 0.6 else thing_owned(draw, what)
    return plain(Phrase(needed.en, _behind(after("de", (mine,), needed.fr), mine, needed)))


def _behind(tokens: Tokens, mine: int, needed: NounPhrase) -> Tokens:
    """De has no English word: it goes with the thing's first word."""
    owner = needed.fr[0].tags
    return tuple(
        token._replace(tags=tuple(each for each in token.tags if each != mine) or owner)
        for token in tokens
    )


def thing_owned(draw: Random, what: Noun) -> NounPhrase:
    """My key, this key, the key."""
    while True:
        drawn = thing(draw, what)
        if drawn.fr[0].text not in ("un", "une", "des", "de"):
            return drawn


@frame(4)
def somebody_likes_a_kind(draw: Random) -> Sentence:
    """I like coffee / j'aime le café; she loves cats / elle adore les chats."""
    denied = negation(draw, 0.25)
    denied = NOT if denied else None
    what = draw.choice(nouns("food", "drink", "animal", "dish", "flower", "film", "museum", "castle"))
    kind = every_one_of(what, plural=what.kind not in UNCOUNTED)
    verb = LOVE_THING if draw.random() < 0.4 and denied is None else LIKE
    clause = Clause(anybody(draw), verb, PRESENT, (plain(kind),), denied, short=True)
    return tell(draw, clause, ask=0.25)


@frame(1.5)
def somebody_prefers(draw: Random) -> Sentence:
    """I prefer tea to coffee / je préfère le thé au café."""
    kind = draw.choice(("drink", "food", "dish", "animal"))
    first, second = draw.sample(NOUNS[kind], 2)
    plural = kind not in UNCOUNTED
    liked, other = every_one_of(first, plural=plural), every_one_of(second, plural=plural)
    mine = tag()
    to_other = Phrase(say("to", mine) + other.en, after("à", (mine,), other.fr))
    verb = Verb("prefer", "préférer", stative=True, momentary=True)
    clause = Clause(anybody(draw), verb, PRESENT, (plain(liked), plain(to_other)))
    return Sentence(clause.statement())


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
    ("football", "à le football"), ("tennis", "à le tennis"), ("cards", "à les cartes"),
    ("chess", "à les échecs"), ("basketball", "à le basket"), ("the piano", "de le piano"),
    ("the guitar", "de la guitare"), ("the violin", "de le violon"), ("the flute", "de la flûte"),
    ("rugby", "à le rugby"), ("the trumpet", "de la trompette"), ("the drums", "de la batterie"),
)  # fmt: skip


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


_PORTIONS = (
    ("glass", "drink", "verre"), ("bottle", "drink", "bouteille"), ("cup", "tea", "tasse"),
    ("cup", "coffee", "tasse"), ("piece", "cheese", "morceau"), ("piece", "bread", "morceau"),
    ("kilo", "meat", "kilo"), ("kilo", "rice", "kilo"), ("kilo", "apple", "kilo"),
    ("kilo", "tomato", "kilo"), ("kilo", "potato", "kilo"), ("slice", "ham", "tranche"),
    ("slice", "bread", "tranche"), ("bowl", "soup", "bol"), ("kilo", "sugar", "kilo"), ("bottle", "oil", "bouteille"),
    ("pot", "jam", "pot"), ("piece", "chocolate", "morceau"), ("bowl", "rice", "bol"),
)  # fmt: skip
_POURED = tuple(each for each in NOUNS["drink"] if each.en not in ("tea", "coffee"))


@frame(2.5)
def somebody_takes_a_portion(draw: Random) -> Sentence:
    """I would like a glass of water / je voudrais un verre d'eau."""
    english, kind, french = draw.choice(_PORTIONS)
    what = draw.choice(_POURED) if kind == "drink" else noun(kind)
    article, measure, of = tag(), tag(), tag()
    inner = quantity("", "", what, plural=what.kind not in UNCOUNTED)
    feminine = french in ("tasse", "bouteille", "tranche")
    en = say("a", article) + say(english, measure) + say("of", of) + inner.en
    fr = say("une" if feminine else "un", article) + say(french, measure) + say("de", of) + inner.fr
    portion = plain(Phrase(en, fr))
    who = anybody(draw)
    if english == "kilo":
        return _bought(draw, who, portion)
    verb, tense = draw.choice(
        ((Verb("like", "vouloir"), WOULD), (Verb("want", "vouloir", stative=True), PRESENT),
         (Verb("take", "prendre"), PAST), (Verb("take", "prendre"), FUTURE))
    )  # fmt: skip
    return Sentence(Clause(who, verb, tense, (portion,), short=True).statement())


def _bought(draw: Random, who: NounPhrase, portion: Object) -> Sentence:
    tense = draw.choice((PAST, FUTURE, WANT_TO))
    parts = (portion, *when(draw, tense)) if draw.random() < 0.4 else (portion,)
    return Sentence(Clause(who, Verb("buy", "acheter"), tense, parts, short=True).statement())


@frame(2)
def somebody_does_nothing(draw: Random) -> Sentence:
    """I don't see anything / je ne vois rien; he did nothing / il n'a rien fait."""
    verb, tense = draw.choice(
        ((Verb("eat", "manger"), PAST), (Verb("see", "voir"), PRESENT),
         (Verb("say", "dire"), PAST), (Verb("hear", "entendre"), PRESENT),
         (Verb("buy", "acheter"), PAST), (Verb("do", "faire"), PAST),
         (Verb("understand", "comprendre"), PRESENT), (Verb("want", "vouloir"), PRESENT),
         (Verb("find", "trouver"), PAST), (Verb("drink", "boire"), PAST),
         (Verb("know", "savoir"), PRESENT), (Verb("see", "voir"), PAST),
         (Verb("forget", "oublier"), PAST), (Verb("lose", "perdre"), PAST))
    )  # fmt: skip
    time = when(draw, tense) if tense is PAST and draw.random() < 0.5 else ()
    who = anybody(draw)
    nothing = NOT._replace(fr="rien")
    anything = tag()
    partner = Object(Phrase(say("anything", anything), ()))
    clause = Clause(who, verb, tense, (partner, *time), nothing, short=True, partner=anything)
    return Sentence(clause.statement())


@frame(3)
def somebody_likes_doing(draw: Random) -> Sentence:
    """She knows how to swim / elle sait nager; I like to read / j'aime lire."""
    tense = draw.choice((LIKE_TO, KNOW_HOW_TO, LIKE_TO))
    if tense is KNOW_HOW_TO:
        names = ("swim", "dance", "sing", "read", "write", "cook", "draw", "drive")
    else:
        names = ("swim", "dance", "sing", "read", "travel", "cook", "draw", "drive", "walk", "run",
                 "play", "sleep", "work", "eat", "laugh", "go for a walk", "get up", "rest")  # fmt: skip
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
    adverb = phrase(*draw.choice((("often", "souvent"), ("always", "toujours"),
                                  ("sometimes", "parfois"), ("rarely", "rarement"))))  # fmt: skip
    time = (plain(phrase(*draw.choice(HABIT[:5]))),) if draw.random() < 0.25 else ()
    time = () if adverb.en[0].text != "always" else time
    clause = Clause(anybody(draw), verb, PRESENT, (plain(what), *time), adverb=adverb)
    return Sentence(clause.statement())


_BODY = (
    ("hands", "les", "mains"), ("face", "le", "visage"), ("hair", "les", "cheveux"),
    ("feet", "les", "pieds"),
)  # fmt: skip


@frame(1.5)
def somebody_washes_a_part(draw: Random) -> Sentence:
    """She washed her hands / elle s'est lavé les mains: the participle does not agree."""
    who = draw.randrange(6)
    english, article, french = draw.choice(_BODY)
    owner = ("my", "your", "his", "her", "our", "their")[who]
    english = english + "s" if english == "face" and who > 3 else english
    mine, part = tag(), tag()
    washed = Phrase(say(owner, mine) + say(english, part), say(article, mine) + say(french, part))
    tense = draw.choice((PRESENT, PROGRESSIVE, PAST, FUTURE, WANT_TO, HAVE_TO))
    time = when(draw, tense) if draw.random() < 0.5 else ()
    verb = Verb("wash", "se laver")
    clause = Clause(
        subject(who), verb, tense, (plain(washed), *time), deny(draw, tense, 0.15),
        short=draw.random() < 0.7, fixed=True,
    )
    return tell(draw, clause, ask=0.2)


_MINE = (("mine", "moi"), ("yours", "toi"), ("his", "lui"), ("hers", "elle"), ("ours", "nous"),
         ("theirs", "eux"))  # fmt: skip


@frame(2)
def whose_something_is(draw: Random) -> Sentence:
    """This book is mine / ce livre est à moi; these keys are Paul's / sont à Paul."""
    what = draw.choice(nouns("thing", "clothing", "book", "newspaper", "car", "bicycle", "dog", "cat"))
    it = draw.choice((the, this))(what, plural=draw.random() < 0.35)
    mine = tag()
    if draw.random() < 0.75:
        english, french = draw.choice(_MINE)
        whose = Phrase(say(english, mine), say("à " + french, mine))
    else:
        owner = person_named(draw.choice(NAMES))
        named_ = owner.en[0]
        whose = Phrase(
            (Token(named_.text + "'s", (*named_.tags, mine)),), say("à", mine) + owner.fr
        )
    tense = PRESENT if draw.random() < 0.8 else PAST
    denied = NOT if draw.random() < 0.2 else None
    clause = Clause(it, BE, tense, (plain(whose),), denied, short=draw.random() < 0.6)
    return tell(draw, clause, ask=0.25)


_SOME = (("two of them", "deux"), ("three of them", "trois"), ("a lot of them", "beaucoup"),
         ("some", ""), ("five of them", "cinq"), ("ten of them", "dix"))  # fmt: skip


@frame(2)
def somebody_has_some(draw: Random) -> Sentence:
    """I have three of them / j'en ai trois; he doesn't want any / il n'en veut pas."""
    verb = draw.choice((HAVE, HAVE, WANT, named(WITH_THINGS, "buy"), named(WITH_THINGS, "eat")))
    tense = PRESENT if verb in (HAVE, WANT) else draw.choice((PAST, FUTURE))
    denied = NOT if draw.random() < 0.3 else None
    english, french = draw.choice(_SOME) if denied is None else ("any", "")
    number, rest = tag(), tag()
    if french:
        words = say(english.removesuffix(" of them"), number) + say("of them", rest)
        many = Object(Phrase((), say(french, number)))
    else:
        words, many = say(english, rest), Object(EMPTY)
    clause = Clause(
        anybody(draw, 0.8), verb, tense, (Object(Phrase(words, say("en", rest)), clitic=5), many),
        denied, short=draw.random() < 0.7,
    )
    return tell(draw, clause, ask=0.15)
