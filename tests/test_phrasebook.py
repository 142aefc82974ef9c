"""The built-in corpus: its guarantees, its French, its English and its alignments."""

import re
from collections import Counter
from collections.abc import Callable
from itertools import islice

import pytest

from nmt.data.phrasebook import AlignedPair, gold, splits
from nmt.data.phrasebook.adjectives import adjectives
from nmt.data.phrasebook.clauses import (
    CAN,
    FUTURE,
    GOING_TO,
    NEVER,
    NO_LONGER,
    NOT,
    PAST,
    PERFECT,
    PRESENT,
    PROGRESSIVE,
    USED_TO,
    WANT_TO,
    WOULD,
    Clause,
    dative,
    direct,
    plain,
    standing_for,
)
from nmt.data.phrasebook.conjugation import conjugation
from nmt.data.phrasebook.corpus import draws, key
from nmt.data.phrasebook.english import gerund, past, third
from nmt.data.phrasebook.everyday import EVERYDAY
from nmt.data.phrasebook.frames import FRAMES
from nmt.data.phrasebook.noun_phrases import (
    HE,
    ME,
    SHE,
    THEY,
    WE,
    YOU,
    YOU_MADAM,
    NounPhrase,
    a,
    belonging,
    counted,
    every_one_of,
    own,
    person_named,
    quantity,
    some,
    subject,
    the,
    this,
)
from nmt.data.phrasebook.nouns import NOUNS, noun
from nmt.data.phrasebook.places import at, city, country, to
from nmt.data.phrasebook.surface import render
from nmt.data.phrasebook.times import clock
from nmt.data.phrasebook.tokens import Phrase, phrase
from nmt.data.phrasebook.verbs import (
    ALONE,
    BE,
    BE_AVOIR,
    GIVING,
    GO,
    HAVE,
    LIKE,
    LIVE,
    NEED,
    SPEAKING,
    WANT,
    WITH_PEOPLE,
    WITH_THINGS,
    Verb,
    named,
)
from nmt.data.words import split_words

Splits = dict[str, list[AlignedPair]]


@pytest.fixture(scope="module")
def corpus() -> Splits:
    return splits()


@pytest.fixture(scope="module")
def pairs(corpus: Splits) -> list[AlignedPair]:
    return [pair for each in corpus.values() for pair in each]


Cut = dict[str, list[str]]


@pytest.fixture(scope="module")
def cut(pairs: list[AlignedPair]) -> Cut:
    """The words of every text, split once for all tests."""
    texts = {text for pair in pairs for text in (pair.source, pair.target)}
    return {text: [word.text for word in split_words(text)] for text in texts}


# --- what the corpus promises -------------------------------------------------------------------


def test_the_splits_have_the_promised_sizes(corpus: Splits) -> None:
    assert list(corpus) == ["train", "validation", "test"]
    assert len(corpus["train"]) > 23_000
    assert len(corpus["validation"]) == len(corpus["test"]) == 1_000


def test_the_pairs_are_distinct(pairs: list[AlignedPair]) -> None:
    assert len({pair.source for pair in pairs}) == len(pairs)


def test_no_source_sentence_is_in_two_splits(corpus: Splits) -> None:
    held = [{key(pair.source) for pair in corpus[name]} for name in corpus]
    train, validation, test = held
    assert not train & validation
    assert not train & test
    assert not validation & test


def test_a_held_out_translation_is_new_too(corpus: Splits) -> None:
    known = {key(pair.target) for pair in corpus["train"]}
    assert not known & {key(p.target) for p in (*corpus["validation"], *corpus["test"])}


def test_every_held_out_word_occurs_several_times_in_training(corpus: Splits, cut: Cut) -> None:
    for side in ("source", "target"):
        known: Counter[str] = Counter()
        for pair in corpus["train"]:
            known.update(set(cut[getattr(pair, side)]))
        for pair in (*corpus["validation"], *corpus["test"]):
            rare = [word for word in cut[getattr(pair, side)] if known[word] < 5]
            assert not rare, (rare, pair)


def test_a_source_sentence_has_one_translation(pairs: list[AlignedPair]) -> None:
    translations: dict[str, str] = {}
    for pair in (*pairs, *islice(draws(11), 3_000)):
        assert translations.setdefault(key(pair.source), key(pair.target)) == key(pair.target)


def test_ambiguous_verb_forms_are_always_past(pairs: list[AlignedPair]) -> None:
    """I read it, they cut it: English does not show the tense, so the corpus has only one."""
    present = re.compile(r"\b(lis|lisons|lisent|coupes?|coupons|coupent|mets|mettons|mettent)\b")
    unclear = [p for p in pairs if re.match(r"(I|you|we|they) (read|cut|put)\b", p.source, re.I)]
    assert unclear
    assert not [pair for pair in unclear if present.search(pair.target)][:3]


def test_the_same_seed_gives_the_same_corpus_and_another_seed_another() -> None:
    first = list(islice(draws(3), 500))
    assert first == list(islice(draws(3), 500))
    assert len({pair.source for pair in first} & {p.source for p in islice(draws(4), 500)}) < 100


def test_the_lists_handed_out_may_be_changed(corpus: Splits) -> None:
    splits()["test"].clear()
    assert len(splits()["test"]) == len(corpus["test"])


def test_hand_written_pairs_are_in_training_in_both_styles(corpus: Splits) -> None:
    train = {(pair.source, pair.target) for pair in corpus["train"]}
    assert {(pair.source, pair.target) for pair in EVERYDAY} <= train
    assert len({key(pair.source) for pair in EVERYDAY}) >= 300
    assert ("I love you", "je t'aime") in train
    assert ("Thank you.", "Merci.") in train
    assert ("thank you", "merci") in train


def test_sentences_that_begin_with_i_are_bare(
    pairs: list[AlignedPair],
) -> None:
    mine = [pair for pair in pairs if re.match(r"I\b", pair.source)]
    assert len(mine) > 500
    assert not [pair for pair in mine if pair.source[-1] in ".!"]


def test_there_are_hundreds_of_words_on_both_sides() -> None:
    verbs = {verb for each in (WITH_THINGS, WITH_PEOPLE, SPEAKING, GIVING, ALONE) for verb in each}
    nouns = {each for kind in NOUNS.values() for each in kind}
    assert len({each.en for each in nouns} | {each.en for each in verbs}) >= 400
    assert len({each.fr for each in nouns} | {each.fr for each in verbs}) >= 400


def test_about_three_fifths_are_written_and_the_others_bare(pairs: list[AlignedPair]) -> None:
    told = [p for p in pairs if p.target[-1] != "?" and not re.match(r"I\b", p.source)]
    marked = [pair for pair in told if pair.target[-1] in ".!"]
    assert 0.55 < len(marked) / len(told) < 0.65
    for pair in pairs:
        assert (pair.source[-1] in ".?!") == (pair.target[-1] in ".?!")


def test_every_frame_is_used() -> None:
    assert len(FRAMES) >= 50
    assert all(weight > 0 and frame.__doc__ for frame, weight in FRAMES.values())


# --- alignments ---------------------------------------------------------------------------------


def test_links_cover_every_word_of_both_sides(pairs: list[AlignedPair], cut: Cut) -> None:
    for pair in pairs:
        assert {left for left, _ in pair.links} == set(range(len(cut[pair.source]))), pair
        assert {right for _, right in pair.links} == set(range(len(cut[pair.target]))), pair
        assert list(pair.links) == sorted(set(pair.links))


def test_punctuation_is_linked_to_punctuation(pairs: list[AlignedPair], cut: Cut) -> None:
    for pair in pairs:
        if pair.source[-1] in ".?!":
            assert (len(cut[pair.source]) - 1, len(cut[pair.target]) - 1) in pair.links


def test_the_gold_alignment_of_a_pair_is_found_by_the_pair() -> None:
    assert gold("I love you", "je t'aime") == ((0, 0), (1, 2), (2, 1))
    assert gold("Thank you.", "Merci.") == ((0, 0), (1, 0), (2, 1))
    assert gold("I love you", "je vous aime") is None


@pytest.mark.parametrize(
    ("phrase_", "expected"),
    [
        (
            Clause(
                subject(ME), named(WITH_PEOPLE, "see"), PRESENT, (direct(YOU),), NOT, short=True
            ),
            "I-je don't-ne don't-pas see-vois you-te",
        ),
        (
            Clause(subject(SHE), BE, PRESENT, (plain(phrase("late", "en retard")),), short=True),
            "she's-elle she's-est late-en late-retard",
        ),
        (
            Clause(subject(HE), named(GIVING, "give"), PAST, (direct(THEY), dative(ME, to=True))),
            "he-il gave-a gave-donnés them-les to-me me-me",
        ),
        (
            Clause(subject(WE), named(WITH_THINGS, "eat"), GOING_TO, (plain(some(noun("bread"))),)),
            "we-nous are-allons going-allons to-allons eat-manger some-du bread-pain",
        ),
    ],
)
def test_links_follow_the_words_wherever_they_go(phrase_: Clause, expected: str) -> None:
    pair = render(phrase_.statement(), ".", written=False)
    source, target = split_words(pair.source), split_words(pair.target)
    linked = {f"{source[left].text}-{target[right].text}" for left, right in pair.links}
    assert linked == set(expected.split())


def test_a_question_links_do_to_est_ce_que() -> None:
    asked = Clause(subject(YOU), named(WITH_PEOPLE, "love"), PRESENT, (direct(ME),)).question()
    pair = render(asked, "?", written=True)
    assert (pair.source, pair.target) == ("Do you love me?", "Est-ce que tu m'aimes\u00a0?")
    assert pair.links == ((0, 0), (0, 1), (1, 2), (2, 4), (3, 3), (4, 5))


# --- golden sentences ---------------------------------------------------------------------------


def _is(who: NounPhrase, english: str, french: str) -> Clause:
    return Clause(who, BE, PRESENT, (plain(phrase(english, french)),))


CAT, FRIEND, HERO, MAN, TREE = (noun(name) for name in ["cat", "friend", "hero", "man", "tree"])
OLD, NEW, BEAUTIFUL, SMALL, BLACK, BROWN = adjectives("old new beautiful small black brown")

NOUN_PHRASES: list[tuple[Phrase, str, str]] = [
    (the(MAN), "the man", "l'homme"),
    (the(HERO), "the hero", "le héros"),
    (the(noun("axe")), "the axe", "la hache"),
    (the(CAT, SMALL, BLACK), "the small black cat", "le petit chat noir"),
    (a(MAN, BEAUTIFUL), "a beautiful man", "un bel homme"),
    (a(FRIEND, OLD), "an old friend", "un vieil ami"),
    (a(noun("hotel"), NEW), "a new hotel", "un nouvel hôtel"),
    (a(noun("hotel"), BEAUTIFUL, OLD), "a beautiful old hotel", "un beau vieil hôtel"),
    (a(noun("university")), "a university", "une université"),
    (a(noun("hospital")), "a hospital", "un hôpital"),
    (a(noun("apple")), "an apple", "une pomme"),
    (some(TREE, BEAUTIFUL, plural=True), "some beautiful trees", "de beaux arbres"),
    (some(noun("shoe"), BROWN, plural=True), "some brown shoes", "des chaussures marron"),
    (some(noun("water")), "some water", "de l'eau"),
    (some(noun("meat")), "some meat", "de la viande"),
    (some(noun("bread"), word="any", negated=True), "any bread", "de pain"),
    (some(noun("water"), word="", negated=True), "water", "d'eau"),
    (own(ME, noun("idea")), "my idea", "mon idée"),
    (own(ME, noun("idea"), NEW), "my new idea", "ma nouvelle idée"),
    (own(THEY, noun("horse"), plural=True), "their horses", "leurs chevaux"),
    (own(SHE, noun("brother")), "her brother", "son frère"),
    (this(MAN), "this man", "cet homme"),
    (this(HERO), "this hero", "ce héros"),
    (this(noun("idea"), far=True), "that idea", "cette idée"),
    (this(noun("knife"), plural=True, far=True), "those knives", "ces couteaux"),
    (counted(3, noun("newspaper")), "three newspapers", "trois journaux"),
    (counted(80, noun("potato")), "eighty potatoes", "quatre-vingts pommes de terre"),
    (quantity("a lot of", "beaucoup de", TREE), "a lot of trees", "beaucoup d'arbres"),
    (every_one_of(noun("milk"), plural=False), "milk", "le lait"),
    (belonging(CAT, person_named("Alice")), "Alice's cat", "le chat d'Alice"),
    (belonging(CAT, the(noun("boy"))), "the boy's cat", "le chat du garçon"),
    (belonging(CAT, own(HE, noun("uncle"))), "his uncle's cat", "le chat de son oncle"),
    (to(noun("market")), "to the market", "au marché"),
    (to(noun("station")), "to the station", "à la gare"),
    (at(noun("hospital")), "at the hospital", "à l'hôpital"),
    (city("London"), "in London", "à Londres"),
    (country("Spain"), "in Spain", "en Espagne"),
    (country("Spain", "from"), "from Spain", "d'Espagne"),
    (country("Japan"), "in Japan", "au Japon"),
    (country("the United States"), "in the United States", "aux États-Unis"),
    (clock(2, 30), "half past two", "deux heures et demie"),
    (clock(2, 45), "a quarter to three", "trois heures moins le quart"),
    (clock(1, 5), "five past one", "une heure cinq"),
    (clock(12), "noon", "midi"),
]


@pytest.mark.parametrize(("made", "english", "french"), NOUN_PHRASES)
def test_the_grammar_makes_this_phrase(made: Phrase, english: str, french: str) -> None:
    pair = render(made, ".", written=False)
    assert (pair.source, pair.target) == (english, french)


LETTER = the(noun("letter"), plural=True)

SENTENCES: list[tuple[Clause, str, str]] = [
    (
        Clause(subject(ME), named(WITH_PEOPLE, "love"), PRESENT, (direct(YOU),)),
        "I love you",
        "je t'aime",
    ),
    (
        Clause(subject(SHE), Verb("speak", "parler"), PRESENT, (dative(HE, to=True),)),
        "she speaks to him",
        "elle lui parle",
    ),
    (
        Clause(
            subject(ME), named(GIVING, "give"), PRESENT, (standing_for(a(CAT)), dative(HE, to=True))
        ),
        "I give it to him",
        "je le lui donne",
    ),
    (
        Clause(subject(SHE), named(GIVING, "show"), PAST, (direct(THEY), dative(WE, to=True))),
        "she showed them to us",
        "elle nous les a montrés",
    ),
    (
        Clause(subject(ME), named(WITH_THINGS, "read"), PAST, (standing_for(LETTER),)),
        "I read them",
        "je les ai lues",
    ),
    (
        Clause(subject(SHE), GO, PAST, (plain(to(noun("park"))),)),
        "she went to the park",
        "elle est allée au parc",
    ),
    (Clause(subject(THEY), named(ALONE, "leave"), PERFECT), "they have left", "ils sont partis"),
    (
        Clause(own_ := own(ME, noun("sister"), plural=True), named(ALONE, "fall asleep"), PAST),
        "my sisters fell asleep",
        "mes sœurs se sont endormies",
    ),
    (
        Clause(subject(WE), named(ALONE, "get up"), FUTURE, short=True),
        "we'll get up",
        "nous nous lèverons",
    ),
    (
        Clause(
            subject(ME),
            named(WITH_THINGS, "eat"),
            PRESENT,
            (plain(some(noun("meat"), word="", negated=True)),),
            NEVER,
        ),
        "I never eat meat",
        "je ne mange jamais de viande",
    ),
    (
        Clause(subject(HE), named(ALONE, "work"), PRESENT, (), NO_LONGER),
        "he no longer works",
        "il ne travaille plus",
    ),
    (
        Clause(subject(YOU), named(WITH_PEOPLE, "hear"), CAN, (direct(ME),), NOT),
        "you cannot hear me",
        "tu ne peux pas m'entendre",
    ),
    (
        Clause(
            subject(THEY), named(WITH_THINGS, "buy"), WANT_TO, (standing_for(the(noun("car"))),)
        ),
        "they want to buy it",
        "ils veulent l'acheter",
    ),
    (Clause(subject(ME), WANT, PAST, (plain(a(CAT)),)), "I wanted a cat", "je voulais un chat"),
    (
        Clause(subject(HE), BE_AVOIR, PAST, (plain(phrase("hungry", "faim")),), NOT, short=True),
        "he wasn't hungry",
        "il n'avait pas faim",
    ),
    (
        Clause(subject(ME), Verb("like", "vouloir"), WOULD, (plain(some(noun("tea"))),)),
        "I would like some tea",
        "je voudrais du thé",
    ),
    (
        Clause(subject(WE), LIVE, USED_TO, (plain(city("Rome")),)),
        "we used to live in Rome",
        "nous habitions à Rome",
    ),
    (
        Clause(subject(ME), NEED, PRESENT, (plain(phrase("water", "d' eau")),)),
        "I need water",
        "j'ai besoin d'eau",
    ),
    (
        Clause(subject(SHE), named(WITH_THINGS, "choose"), PROGRESSIVE, (plain(a(noun("dress"))),)),
        "she is choosing a dress",
        "elle choisit une robe",
    ),
    (
        Clause(
            subject(HE), LIKE, PRESENT, (plain(every_one_of(CAT, plural=True)),), NOT, short=True
        ),
        "he doesn't like cats",
        "il n'aime pas les chats",
    ),
    (
        Clause(own_, HAVE, PRESENT, (plain(a(CAT, negated=True)),), NOT),
        "my sisters do not have a cat",
        "mes sœurs n'ont pas de chat",
    ),
    (_is(subject(YOU_MADAM), "ready", "prête"), "you are ready", "vous êtes prête"),
]


@pytest.mark.parametrize(("clause", "english", "french"), SENTENCES)
def test_the_grammar_makes_this_sentence(clause: Clause, english: str, french: str) -> None:
    pair = render(clause.statement(), ".", written=False)
    assert (pair.source, pair.target) == (english, french)


def test_a_pronoun_hangs_on_its_verb_in_an_inverted_question() -> None:
    asked = Clause(subject(SHE), BE_AVOIR).inversion(phrase("how old", "quel âge"))
    pair = render(asked, "?", written=True)
    assert (pair.source, pair.target) == ("How old is she?", "Quel âge a-t-elle\u00a0?")


@pytest.mark.parametrize(
    ("infinitive", "tense", "forms"),
    [
        ("manger", "present", "mange manges mange mangeons mangez mangent"),
        ("manger", "imperfect", "mangeais mangeais mangeait mangions mangiez mangeaient"),
        ("commencer", "present", "commence commences commence commençons commencez commencent"),
        (
            "commencer",
            "imperfect",
            "commençais commençais commençait commencions commenciez commençaient",
        ),
        ("acheter", "future", "achèterai achèteras achètera achèterons achèterez achèteront"),
        ("appeler", "present", "appelle appelles appelle appelons appelez appellent"),
        ("jeter", "future", "jetterai jetteras jettera jetterons jetterez jetteront"),
        ("préférer", "present", "préfère préfères préfère préférons préférez préfèrent"),
        (
            "préférer",
            "future",
            "préférerai préféreras préférera préférerons préférerez préféreront",
        ),
        ("protéger", "present", "protège protèges protège protégeons protégez protègent"),
        ("nettoyer", "present", "nettoie nettoies nettoie nettoyons nettoyez nettoient"),
        (
            "choisir",
            "imperfect",
            "choisissais choisissais choisissait choisissions choisissiez choisissaient",
        ),
        ("vendre", "present", "vends vends vend vendons vendez vendent"),
        ("être", "imperfect", "étais étais était étions étiez étaient"),
        ("vouloir", "conditional", "voudrais voudrais voudrait voudrions voudriez voudraient"),
        ("surprendre", "present", "surprends surprends surprend surprenons surprenez surprennent"),
        ("lire", "imperfect", "lisais lisais lisait lisions lisiez lisaient"),
    ],
)
def test_a_french_verb_is_conjugated(infinitive: str, tense: str, forms: str) -> None:
    assert list(getattr(conjugation(infinitive), tense)) == forms.split()


def test_the_imperative_drops_its_s_after_e() -> None:
    given = {
        name: conjugation(name).imperative[0]
        for name in ("manger", "ouvrir", "aller", "finir", "être")
    }
    assert list(given.values()) == ["mange", "ouvre", "va", "finis", "sois"]


@pytest.mark.parametrize(
    ("form", "base", "expected"),
    [
        (third, "watch", "watches"),
        (third, "carry", "carries"),
        (third, "play", "plays"),
        (past, "stop", "stopped"),
        (past, "visit", "visited"),
        (past, "go", "went"),
        (past, "carry", "carried"),
        (gerund, "write", "writing"),
        (gerund, "swim", "swimming"),
        (gerund, "see", "seeing"),
        (gerund, "listen", "listening"),
    ],
)
def test_an_english_verb_is_spelt_right(
    form: Callable[[str], str], base: str, expected: str
) -> None:
    assert form(base) == expected


# --- the whole corpus against rules of spelling and agreement ------------------------------------

VOWEL = "[aeiouyâàéèêëîïôœùû]"

NOT_FRENCH = [
    rf"(?<!-)\b(je|me|te|se|ne|de|que|le|la) (?!onze|oui|un peu|huit){VOWEL}",
    r"\b(le|la|de|je|ne|ce) (homme|habit|horloge|hôtel|hôpital|huile|histoire|heure|herbe)",
    r"\bl'(héros|hache|hérisson|hibou|homard)",
    r"\b(de|à) les? (?!lui |leur )(?!\w+(er|ir|re|oir)\b)",
    r"\bsi ils?\b",
    rf"\b(ma|ta|sa) (?!onze|oui){VOWEL}",
    rf"\bce {VOWEL}(?!t\b|st\b|tait\b)",
    rf"\b(un|le|ce|mon|ton|son) (beau|nouveau|vieux) ({VOWEL}|homme|hôtel|hôpital)",
    r"\b(un|une|des|du) (un|une|des|du|le|la|les)\b",
    r"(?<!est )(?<!était )\bpas (du|des|un|une) (pain|chats?|livres?|eau|viande)\b",
    r"\b[Ee]lle (est|était|sera) (très |trop |un peu )?[a-zéè]+é\b",
    r"\b[Ee]lle (est|était|sera) (très |trop |un peu )?\w+(eux|if|ant|ent|ois|ais|and)\b",
    r"\b[Ee]lle est (all|ven|part|sort|tomb|arriv|rest|rentr|n)(é|u|i)\b",
    r"\b[Ee]lle s'est \w+é\b(?! (les|le) )",
    r"\b[Ii]ls (sont|étaient|seront) (très |trop |un peu )?[a-zéèê]+(é|ri|li|ent|ant|ste)\b",
    r"\b(les|des|ces|mes|tes|ses|nos|vos|leurs) \w+(al|eau)\b",
    r"\b(je|tu|il|elle|ils) \w+ons\b",
    r"\b[Jj]e \w+(ez|ent)\b",
    r"  ",
    r" [,.]",
    r"[^\u00a0][?!]",
    r"’",
]

NOT_ENGLISH = [
    r"\ba (?!uni|one|use|eu)[aeiou]",
    r"\ban (?!hour|honest)[^aeiouEI]",
    r"(?m)^(he|she|it) (have|do|are|am|were|go|want|like|love|see|know)\b",
    r"(?m)^(I|you|we|they) (has|does|is|goes|wants|likes|loves|sees|knows)\b",
    r"\b(don't|doesn't|didn't|can't|won't) (?!speed|need|feed)\w+ed\b",
    r"\b(childs|mans|womans|mouses|foots|knifes|sheeps)\b",
    r"\b(too|how) much (?!does|is)\w+s\b",
    r"\b(I|you|we|they) (doesn't|isn't|hasn't)\b",
    r"\b(he|she) (don't|aren't|haven't)\b",
    r"  ",
    r" [,.?!]",
]


@pytest.fixture(scope="module")
def french(pairs: list[AlignedPair]) -> str:
    return "\n".join(pair.target for pair in pairs)


@pytest.fixture(scope="module")
def english(pairs: list[AlignedPair]) -> str:
    return "\n".join(pair.source for pair in pairs)


@pytest.mark.parametrize("pattern", NOT_FRENCH)
def test_the_french_of_the_corpus_has_none_of_this(french: str, pattern: str) -> None:
    found = re.search(pattern, french)
    assert not found, french[found.start() - 30 : found.end() + 30]


@pytest.mark.parametrize("pattern", NOT_ENGLISH)
def test_the_english_of_the_corpus_has_none_of_this(english: str, pattern: str) -> None:
    found = re.search(pattern, english)
    assert not found, english[found.start() - 30 : found.end() + 30]


def test_sentences_are_short(pairs: list[AlignedPair], cut: Cut) -> None:
    lengths = [len(cut[pair.source]) for pair in pairs]
    assert sum(3 <= length <= 14 for length in lengths) > 0.95 * len(lengths)
    assert max(lengths) <= 24
