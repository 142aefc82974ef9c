"""The verbs: each in both languages, and the objects that it takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from nmt.data.phrasebook.conjugation import Conjugation, conjugation
from nmt.data.phrasebook.nouns import Noun, nouns


@dataclass(frozen=True)
class Verb:
    """A verb in both languages.

    en: the base form, with particles after it (look at). fr: the infinitive, with fixed words after
    it (avoir besoin) and `se` before it if it is reflexive.
    preposition: what French puts before a noun object (à for parler à; empty if nothing).
    stative: English has no progressive, and its simple past is the imparfait.
    momentary: English has no progressive. involuntary: not done on purpose (lose, break).
    etre: the passé composé takes être. kinds: the nouns that make sense as objects.
    """

    en: str
    fr: str
    preposition: str = ""
    kinds: tuple[str, ...] = ()
    stative: bool = False
    momentary: bool = False
    involuntary: bool = False
    etre: bool = False

    @cached_property
    def english(self) -> list[str]:
        return self.en.split()

    @cached_property
    def reflexive(self) -> bool:
        return self.fr.startswith("se ")

    @cached_property
    def forms(self) -> Conjugation:
        return conjugation(self._french[0])

    @cached_property
    def tail(self) -> str:
        """The fixed words after the French verb."""
        return " ".join(self._french[1:])

    @cached_property
    def _french(self) -> list[str]:
        return self.fr.removeprefix("se ").split()

    @cached_property
    def objects(self) -> tuple[Noun, ...]:
        """The nouns that make sense as objects."""
        return nouns(*self.kinds)

    @property
    def moves(self) -> bool:
        """Whether the passé composé takes être."""
        return self.etre or self.reflexive


# English = French [+ preposition] : kinds of objects : flags
# s stative, m momentary, i involuntary, e passé composé with être
_WITH_THINGS = """
    eat = manger : food dish :
    drink = boire : drink :
    buy = acheter : food seasoning drink dish book newspaper novel magazine postcard clothing
        vehicle furniture lamp clock present umbrella
        computer phone guitar flower toy ticket bag :
    sell = vendre : clothing vehicle furniture lamp computer phone guitar violin watch ring :
    read = lire : reading :
    write = écrire : letter poem message report article story postcard novel :
    watch = regarder : film match :
    open = ouvrir : door window gate letter box bottle suitcase drawer parcel cupboard wardrobe shop
        umbrella :
    close = fermer : door window gate box bottle suitcase drawer cupboard wardrobe shop book :
    break = casser : glass cup plate bottle mirror lamp window toy watch : i
    repair = réparer : vehicle bus watch clock computer radio chair roof
        lamp phone camera toy :
    clean = nettoyer : table carpet kitchen bathroom bedroom window car :
    wash = laver : shirt dress skirt sock sweater glass cup plate fork spoon towel car apple :
    carry = porter : bag suitcase box basket parcel chair :
    wear = porter : clothing ring watch :
    choose = choisir : clothing present book film ring picture flower dish :
    lose = perdre : key wallet watch umbrella passport ticket phone ring glove pen notebook hat : mi
    find = trouver : key wallet watch umbrella passport phone ring glove address answer bag : mi
    forget = oublier : key wallet umbrella passport phone ticket bag name address number answer
        word : mi
    look for = chercher : key wallet umbrella passport phone ring glove pen hat address bag shoe :
    draw = dessiner : animal flower house tree horse boat map :
    paint = peindre : picture door wall chair gate house bench :
    build = construire : house bridge castle wall boat school hospital :
    cut = couper : bread cheese cake meat rope tree apple onion :
    prepare = préparer : soup salad cake coffee tea omelette fish meat lesson exam :
    learn = apprendre : lesson word song rule poem :
    explain = expliquer : rule problem plan exercise word lesson idea mistake :
    understand = comprendre : question answer problem idea word lesson rule exercise sentence
        film : m
    finish = finir : book letter exercise soup report game novel cake :
    begin = commencer : book letter lesson game exercise report novel :
    sing = chanter : song :
    listen to = écouter : song radio story message :
    hear = entendre : song message bird dog : m
    take = prendre : bus train taxi plane umbrella coat hat bag key suitcase :
    pay for = payer : ticket dress shoe coffee book :
    receive = recevoir : letter parcel present message postcard : mi
    visit = visiter : museum castle church town village house flat farm factory island :
    drive = conduire : car bus lorry taxi :
    translate = traduire : letter sentence word book article poem message :
    hide = cacher : key letter present ring box chocolate :
    burn = brûler : letter newspaper ticket poem postcard :
    water = arroser : flower garden tree :
    feed = nourrir : cat dog horse hen rabbit duck pig bird :
    keep = garder : key letter secret ring ticket dog cat :
    borrow = emprunter : book car bicycle umbrella pen key suitcase guitar :
    correct = corriger : mistake exercise sentence letter report :
    discover = découvrir : island secret mistake town village lake : mi
    cross = traverser : street bridge river forest square road field sea lake :
    touch = toucher : cat dog wall picture horse carpet : m
    admire = admirer : picture castle church dress ring garden lake mountain sea island :
    fill = remplir : glass bottle cup basket box bag suitcase :
    empty = vider : glass bottle basket box bag suitcase drawer :
    record = enregistrer : song message film :
    photograph = photographier : cat bird flower castle church lion elephant bridge :
    use = utiliser : computer knife tool map towel rope phone brush : m
    move = déplacer : furniture box lamp :
    hate = détester : exam rule : s
"""

_WITH_PEOPLE = """
    love = aimer :: s
    see = voir :: m
    know = connaître :: s
    look at = regarder ::
    help = aider ::
    hear = entendre :: m
    understand = comprendre :: m
    call = appeler ::
    invite = inviter ::
    wait for = attendre ::
    listen to = écouter ::
    look for = chercher ::
    thank = remercier :: m
    meet = rencontrer :: m
    follow = suivre ::
    find = trouver :: mi
    forget = oublier :: mi
    believe = croire :: s
    recognise = reconnaître :: mi
    photograph = photographier ::
    hate = détester :: s
    admire = admirer :: s
    kiss = embrasser ::
    push = pousser ::
    hide = cacher ::
    protect = protéger ::
    disturb = déranger ::
    leave = quitter ::
    respect = respecter :: s
    greet = saluer :: m
    draw = dessiner ::
    pay = payer ::
"""

_SPEAKING = """
    speak to = parler + à ::
    answer = répondre + à :: m
    phone = téléphoner + à ::
    write to = écrire + à ::
    talk to = parler + à ::
    smile at = sourire + à ::
    obey = obéir + à :: s
"""

_GIVING = """
    give = donner + à : book letter key present flower pen map ticket ring toy picture watch
        apple : m
    show = montrer + à : letter house picture map garden car ring dress book passport ticket
        bedroom : m
    send = envoyer + à : letter parcel postcard message present book map picture : m
    bring = apporter + à : book key umbrella coat chair glass cup newspaper suitcase flower cake
        blanket : m
    lend = prêter + à : book car bicycle umbrella pen coat guitar computer suitcase pencil : m
    sell = vendre + à : house car bicycle guitar computer horse violin flat picture watch : m
    explain = expliquer + à : rule problem lesson exercise plan word mistake : m
    read = lire + à : letter story poem message article :
    tell = raconter + à : story dream secret : m
    promise = promettre + à : present dog bicycle horse : m
"""

_ALONE = """
    sleep = dormir ::
    work = travailler ::
    sing = chanter ::
    dance = danser ::
    run = courir ::
    walk = marcher ::
    swim = nager ::
    cry = pleurer ::
    laugh = rire ::
    smile = sourire ::
    travel = voyager ::
    eat = manger ::
    read = lire ::
    write = écrire ::
    study = étudier ::
    wait = attendre ::
    cook = cuisiner ::
    draw = dessiner ::
    play = jouer ::
    think = réfléchir ::
    smoke = fumer ::
    drive = conduire ::
    shout = crier ::
    arrive = arriver :: e
    leave = partir :: e
    go out = sortir :: e
    come back = revenir :: e
    go home = rentrer :: e
    stay = rester :: e
    fall = tomber :: e
    get up = se lever ::
    wash = se laver ::
    get dressed = se habiller ::
    go to bed = se coucher ::
    wake up = se réveiller ::
    hurry = se dépêcher ::
    rest = se reposer ::
    have fun = se amuser ::
    go for a walk = se promener ::
    fall asleep = se endormir ::
"""


def _verb(line: str) -> Verb:
    english, _, rest = line.partition(" = ")
    parts = [part.strip() for part in rest.split(":")]
    french, kinds, flags = (*parts, "", "")[:3]
    verb, _, preposition = french.partition(" + ")
    return Verb(
        en=english,
        fr=verb,
        preposition=preposition,
        kinds=tuple(kinds.split()),
        stative="s" in flags,
        momentary="m" in flags or "s" in flags,
        involuntary="i" in flags,
        etre="e" in flags,
    )


def _verbs(table: str) -> tuple[Verb, ...]:
    lines: list[str] = []
    for line in table.strip().splitlines():
        if " = " in line:
            lines.append(line.strip())
        else:
            lines[-1] += " " + line.strip()
    return tuple(map(_verb, lines))


WITH_THINGS = _verbs(_WITH_THINGS)
WITH_PEOPLE = _verbs(_WITH_PEOPLE)
SPEAKING = _verbs(_SPEAKING)
GIVING = _verbs(_GIVING)
ALONE = _verbs(_ALONE)

BE = Verb("be", "être", stative=True, momentary=True)
BE_AVOIR = Verb("be", "avoir", stative=True, momentary=True)
HAVE = Verb("have", "avoir", stative=True, momentary=True)
WANT = Verb("want", "vouloir", stative=True, momentary=True)
LIKE = Verb("like", "aimer", stative=True, momentary=True)
LOVE_THING = Verb("love", "adorer", stative=True, momentary=True)
LIKE_PERSON = Verb("like", "aimer bien", stative=True, momentary=True)
NEED = Verb("need", "avoir besoin", preposition="de", stative=True, momentary=True)
MISS = Verb("miss", "manquer", preposition="à", stative=True, momentary=True)
LIVE = Verb("live", "habiter", stative=True)
GO = Verb("go", "aller", etre=True)
COME = Verb("come", "venir", etre=True)
BE_BORN = Verb("be", "naître", etre=True)
KNOW_THAT = Verb("know", "savoir", stative=True, momentary=True)
THINK = Verb("think", "penser", stative=True, momentary=True)
HOPE = Verb("hope", "espérer", stative=True, momentary=True)
SPEAK = Verb("speak", "parler")
PUT = Verb("put", "mettre", momentary=True)


def named(verbs: Sequence[Verb], english: str) -> Verb:
    """The verb of a table with this English base form."""
    return next(verb for verb in verbs if verb.en == english)
