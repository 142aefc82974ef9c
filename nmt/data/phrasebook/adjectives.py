"""The adjectives: French forms, position, and the nouns and subjects that they go with."""

from collections.abc import Mapping
from dataclasses import dataclass

from nmt.data.phrasebook.nouns import Noun, begins_with_vowel


@dataclass(frozen=True)
class Adjective:
    """An adjective with its four French forms; `liaison` is the form of bel, vieil, nouvel."""

    en: str
    masculine: str
    feminine: str
    liaison: str
    before: bool

    def form(self, *, feminine: bool, plural: bool) -> str:
        """The form that agrees in gender and number."""
        form = self.feminine if feminine else self.masculine
        return _plural(form) if plural and form != "marron" else form

    def attributive(self, noun: Noun, *, plural: bool) -> str:
        """The form next to a noun: un bel homme, un vieil ami."""
        singular_masculine = not plural and not noun.feminine
        if singular_masculine and self.liaison and begins_with_vowel(noun.fr):
            return self.liaison
        return self.form(feminine=noun.feminine, plural=plural)


# English = masculine feminine [liaison] [<], where < means that it stands before its noun
_TABLE = """
    small = petit petite <; big = grand grande <; beautiful = beau belle bel <;
    old = vieux vieille vieil <; new = nouveau nouvelle nouvel <; good = bon bonne <;
    bad = mauvais mauvaise <; young = jeune jeune <; pretty = joli jolie <;
    long = long longue <; tall = grand grande;
    red = rouge rouge; blue = bleu bleue; green = vert verte; white = blanc blanche;
    black = noir noire; yellow = jaune jaune; grey = gris grise; brown = marron marron;
    expensive = cher chère; heavy = lourd lourde; light = léger légère; clean = propre propre;
    dirty = sale sale; interesting = intéressant intéressante; difficult = difficile difficile;
    easy = facile facile; round = rond ronde; empty = vide vide; full = plein pleine;
    famous = célèbre célèbre; rich = riche riche; poor = pauvre pauvre; kind = gentil gentille;
    tired = fatigué fatiguée; happy = heureux heureuse; sad = triste triste;
    ill = malade malade; busy = occupé occupée; ready = prêt prête; angry = fâché fâchée;
    strong = fort forte; shy = timide timide; proud = fier fière; funny = drôle drôle;
    serious = sérieux sérieuse; lazy = paresseux paresseuse; polite = poli polie;
    brave = courageux courageuse; intelligent = intelligent intelligente;
    curious = curieux curieuse; jealous = jaloux jalouse; free = libre libre;
    alone = seul seule; worried = inquiet inquiète; broken = cassé cassée;
    open = ouvert ouverte; closed = fermé fermée; delicious = délicieux délicieuse;
    hot = chaud chaude; cold = froid froide; boring = ennuyeux ennuyeuse;
    short = court courte; dangerous = dangereux dangereuse; useful = utile utile;
    sweet = sucré sucrée; wet = mouillé mouillée; dry = sec sèche; important = important importante;
    simple = simple simple; quiet = calme calme; modern = moderne moderne;
    French = français française; English = anglais anglaise; Italian = italien italienne;
    Spanish = espagnol espagnole; German = allemand allemande; surprised = surpris surprise;
    patient = patient patiente; honest = honnête honnête; elegant = élégant élégante;
    fresh = frais fraîche; married = marié mariée;
    comfortable = confortable confortable; fast = rapide rapide; strange = étrange étrange;
    nice = sympathique sympathique; wonderful = merveilleux merveilleuse;
    right = juste juste; wrong = faux fausse
"""

_IRREGULAR_PLURALS = {"beau": "beaux", "nouveau": "nouveaux"}


def _plural(form: str) -> str:
    if form in _IRREGULAR_PLURALS:
        return _IRREGULAR_PLURALS[form]
    return form if form.endswith(("s", "x")) else form + "s"


def _adjective(line: str) -> Adjective:
    english, french = (side.strip() for side in line.split("="))
    before = french.endswith("<")
    forms = french.removesuffix("<").split()
    liaison = forms[2] if len(forms) == 3 else ""
    return Adjective(english, forms[0], forms[1], liaison, before)


ADJECTIVES: Mapping[str, Adjective] = {
    each.en: each for each in (_adjective(line) for line in _TABLE.split(";"))
}

_COLOURS = "red blue green white black yellow grey brown"

# Next to a noun ("a red car").
_BESIDE = {
    "person": "young old rich famous intelligent kind funny shy polite lazy brave French English "
    "Italian Spanish German serious good curious honest elegant",
    "relative": "",
    "animal": "small big beautiful old young black white brown dangerous intelligent pretty",
    "dish": "small big good delicious",
    "food": "good delicious hot cold",
    "seasoning": "",
    "drink": "good hot cold",
    "reading": "long interesting new old beautiful good short boring funny important",
    "thing": "small big beautiful old new pretty expensive useful heavy light round modern "
    + _COLOURS,
    "clothing": "beautiful old new pretty expensive elegant light " + _COLOURS,
    "furniture": "small big beautiful old new comfortable modern white black brown heavy",
    "vehicle": "small big beautiful old new fast red blue white black green yellow French German",
    "transport": "small big old new",
    "abstract": "good bad difficult easy interesting important strange long new",
    "place": "small big beautiful old new quiet modern pretty",
    "nature": "beautiful big small",
    "opening": "small big old white green blue",
}

# After "to be" ("the car is red").
_OF_SUBJECT = {
    "person": "tired happy sad ill busy ready angry strong shy proud funny serious lazy polite "
    "brave intelligent curious jealous free alone worried young old tall small famous kind rich "
    "poor surprised patient honest married nice",
    "animal": "small big beautiful old young black white tired ill dangerous intelligent hungry",
    "dish": "delicious good expensive",
    "food": "delicious good hot cold expensive fresh",
    "seasoning": "expensive",
    "drink": "delicious good hot cold expensive fresh sweet",
    "reading": "long interesting new old short boring funny important difficult",
    "thing": "small big beautiful old new expensive useful heavy light broken dirty clean modern "
    + _COLOURS,
    "clothing": "beautiful old new expensive elegant clean dirty wet dry small big " + _COLOURS,
    "furniture": "small big beautiful old new comfortable modern expensive heavy dirty white",
    "vehicle": "small big beautiful old new fast expensive dirty clean modern red blue white black",
    "transport": "small big old new fast expensive dirty clean modern full empty",
    "abstract": "good bad difficult easy interesting important strange long simple",
    "place": "small big beautiful old new quiet modern closed open full empty clean dirty",
    "nature": "beautiful big quiet dangerous",
    "opening": "open closed small big old white green new",
}
_OF_SUBJECT["animal"] = _OF_SUBJECT["animal"].replace(" hungry", "")
_OF_SUBJECT["relative"] = _OF_SUBJECT["person"]

_MISFITS = {  # noun: adjectives of its kind that do not go with it
    "soap": "modern old useful heavy new expensive beautiful small big broken dirty clean",
    "flower": "old new modern heavy light useful expensive round dirty clean broken brown black",
    "rose": "old new modern heavy light useful expensive round dirty clean broken brown blue green "
    "black grey",
    "present": "old modern light black dirty clean broken new",
    "ticket": "beautiful old modern heavy light round useful broken dirty clean small big pretty",
    "map": "heavy light round pretty",
    "ball": "modern useful heavy expensive",
    "key": "round modern useful light beautiful pretty expensive",
    "picture": "useful light round red blue yellow green white grey brown black clean dirty",
    "knife": "round yellow",
    "umbrella": "round heavy",
    "rope": "round modern beautiful pretty expensive broken",
    "candle": "old modern heavy useful dirty clean broken",
    "wallet": "round heavy light useful modern broken",
    "parcel": "beautiful old modern pretty useful expensive new round red blue green black yellow",
    "passport": "small big beautiful old pretty expensive useful heavy light round modern white "
    "black yellow grey broken dirty clean brown green",
    "radio": "round heavy light useful dirty clean",
    "guitar": "useful round heavy light dirty clean modern small big grey",
    "violin": "useful round heavy light dirty clean modern big grey white green yellow blue red",
    "axe": "beautiful pretty round modern white yellow grey blue green brown light black",
    "computer": "round pretty beautiful yellow green red brown",
    "phone": "round heavy green yellow brown",
    "camera": "round pretty yellow green red brown",
    "tool": "beautiful pretty round white black yellow grey blue green brown red modern light",
    "clock": "useful light green yellow",
    "ring": "useful light heavy modern red blue green yellow grey brown white black dirty clean",
    "mirror": "red blue green yellow grey brown white black useful light",
    "doll": "useful heavy light round modern yellow green grey brown",
    "watch": "heavy green yellow light round",
    "pen": "round heavy light dirty clean",
    "pencil": "round heavy light modern expensive dirty clean beautiful",
    "comb": "round heavy light modern dirty clean beautiful expensive",
    "brush": "round heavy light modern beautiful expensive",
    "glass": "yellow brown black heavy light modern useful",
    "spoon": "red blue green yellow brown black heavy light modern useful round",
    "fork": "red blue green yellow brown black heavy light modern useful round",
    "bottle": "modern useful round expensive",
    "notebook": "round heavy light modern useful broken",
    "bag": "round broken",
    "blanket": "round modern broken useful",
    "towel": "round modern broken useful heavy light",
    "suitcase": "round useful modern",
    "basket": "modern",
    "toy": "heavy light brown grey useful",
    "lamp": "heavy light useful brown",
    "box": "modern useful broken expensive",
    "cup": "modern useful heavy light",
    "plate": "modern useful heavy light",
    "sock": "beautiful expensive elegant light",
    "boot": "light",
    "apron": "elegant light expensive",
    "message": "beautiful old new",
    "letter": "boring new",
    "postcard": "long short boring important interesting difficult funny new",
    "poem": "boring important",
    "novel": "short",
    "report": "beautiful old funny",
    "article": "beautiful",
    "newspaper": "beautiful long difficult short funny important",
    "magazine": "beautiful long difficult important short",
    "story": "important new old difficult",
    "water": "good delicious expensive sweet",
    "milk": "delicious expensive sweet",
    "coffee": "fresh expensive sweet",
    "tea": "fresh expensive sweet",
    "wine": "hot fresh cold sweet",
    "beer": "hot sweet expensive",
    "juice": "hot expensive",
    "orange juice": "hot expensive",
    "cider": "hot expensive",
    "lemonade": "hot expensive",
    "bread": "hot cold expensive",
    "cheese": "hot cold fresh",
    "butter": "hot cold delicious",
    "rice": "fresh expensive delicious",
    "sugar": "hot cold delicious fresh good",
    "salt": "hot cold delicious fresh good expensive",
    "oil": "hot cold delicious fresh",
    "garlic": "hot cold delicious",
    "honey": "hot cold fresh",
    "jam": "hot cold fresh",
    "ham": "hot cold",
    "chocolate": "cold fresh",
    "ice cream": "hot fresh cold",
    "meat": "sweet",
    "fruit": "hot cold good delicious fresh expensive",
    "salad": "hot expensive cold",
    "soup": "fresh expensive",
    "onion": "delicious sweet good",
    "lemon": "delicious sweet good",
    "garage": "beautiful quiet pretty",
    "kitchen": "quiet full closed open",
    "bathroom": "quiet full closed open",
    "bedroom": "quiet full closed open",
    "town": "closed open full empty new",
    "village": "closed open full empty new modern",
    "street": "full open closed new modern",
    "square": "full open closed new modern",
    "forest": "modern new full closed open empty clean dirty",
    "bridge": "quiet full empty clean dirty",
    "beach": "modern new old closed open",
    "castle": "modern new closed open full clean quiet dirty",
    "garden": "full open closed modern new old clean dirty empty",
    "house": "open closed full",
    "flat": "open closed full",
    "farm": "open closed full modern",
    "harbour": "open closed",
    "factory": "pretty beautiful quiet full empty open",
    "cellar": "beautiful pretty modern quiet new",
    "living room": "full open closed",
    "station": "quiet full pretty",
    "church": "modern full dirty",
    "moon": "small big dangerous quiet",
    "sun": "small big dangerous quiet beautiful",
    "sky": "small big dangerous quiet",
    "star": "big small dangerous quiet",
    "tree": "dangerous quiet",
    "field": "dangerous",
    "sea": "small big",
    "road": "big small beautiful",
    "river": "quiet",
    "wall": "open closed",
    "roof": "open closed small big",
    "drawer": "green blue old new big",
    "stairs": "open closed blue green white",
    "name": "good bad easy interesting important difficult",
    "number": "good bad difficult easy interesting strange long",
    "address": "good bad difficult easy interesting strange long simple",
    "secret": "good bad difficult easy interesting long simple strange",
    "mistake": "good bad easy interesting long difficult new simple strange",
    "answer": "new important",
    "dream": "bad difficult easy new important interesting simple good",
    "song": "difficult easy important bad strange interesting",
    "film": "easy difficult important simple",
    "idea": "easy difficult long bad",
    "exam": "strange interesting good bad",
    "problem": "good bad interesting long strange easy",
    "plan": "easy long strange bad",
    "game": "bad important long strange",
    "word": "bad good interesting important",
    "journey": "bad easy important strange simple new interesting",
    "meeting": "easy difficult strange good bad simple",
    "question": "bad",
    "sentence": "bad good interesting strange new important",
    "lesson": "strange bad",
    "exercise": "strange bad",
    "rule": "long interesting strange bad good",
    "child": "old rich famous elegant serious good honest married poor tall",
    "boy": "old rich famous elegant good serious honest married poor",
    "girl": "old rich famous elegant good serious honest married poor",
    "pupil": "old rich famous elegant married poor tall honest small",
    "princess": "serious good old lazy honest ill poor",
    "king": "funny curious shy lazy small poor married",
    "queen": "funny curious shy lazy small poor married",
    "hero": "rich shy lazy good poor young old curious small funny elegant polite serious",
    "friend": "rich famous elegant French English young poor",
    "neighbour": "good famous",
    "guest": "good young old",
    "man": "good",
    "woman": "good",
    "lady": "good funny lazy shy young",
    "soldier": "elegant rich shy",
    "colleague": "old young good rich famous",
    "tourist": "good famous brave serious lazy",
    "shopkeeper": "good brave famous",
    "waiter": "good brave famous rich",
    "waitress": "good brave famous rich",
    "driver": "famous rich good",
    "postman": "famous rich good",
    "elephant": "small black white brown pretty",
    "lion": "small black white pretty brown",
    "mouse": "big dangerous intelligent beautiful old",
    "hedgehog": "big dangerous black white intelligent old beautiful",
    "fox": "dangerous black white",
    "wolf": "small pretty brown",
    "frog": "black white brown dangerous intelligent old beautiful big",
    "hen": "dangerous intelligent beautiful big pretty",
    "duck": "dangerous intelligent big pretty",
    "sheep": "dangerous intelligent beautiful pretty brown",
    "pig": "dangerous beautiful pretty white",
    "goat": "dangerous intelligent beautiful pretty",
    "rabbit": "dangerous intelligent big old",
    "cow": "dangerous intelligent small pretty beautiful",
    "donkey": "dangerous beautiful pretty white",
    "bird": "dangerous intelligent old brown",
    "owl": "dangerous black small pretty",
    "monkey": "dangerous white pretty beautiful black",
    "snake": "pretty intelligent white old",
    "bear": "small pretty intelligent beautiful",
    "cat": "dangerous",
    "taxi": "beautiful French German red green blue expensive modern fast",
    "bus": "beautiful French German fast",
    "train": "French German blue red green yellow black white pretty beautiful expensive",
    "plane": "French German red green yellow black fast expensive dirty clean",
    "boat": "French German yellow fast dirty clean",
    "lorry": "beautiful French German fast",
    "bicycle": "French German fast dirty",
    "motorbike": "yellow",
    "bed": "heavy black brown dirty modern",
    "carpet": "heavy comfortable modern brown",
    "shelf": "comfortable heavy dirty black",
    "cupboard": "comfortable heavy modern dirty",
    "wardrobe": "comfortable dirty black",
    "table": "comfortable",
    "desk": "comfortable",
    "bench": "heavy expensive black",
}
_COMFORT = frozenset({"chair", "sofa", "armchair", "bed"})


def _fitting(noun: Noun, table: Mapping[str, str]) -> tuple[Adjective, ...]:
    misfits = set(_MISFITS.get(noun.en, "").split())
    if noun.kind == "furniture" and noun.en not in _COMFORT:
        misfits.add("comfortable")
    return tuple(ADJECTIVES[name] for name in table[noun.kind].split() if name not in misfits)


_cache: dict[tuple[bool, Noun], tuple[Adjective, ...]] = {}


def beside(noun: Noun) -> tuple[Adjective, ...]:
    """The adjectives that may stand next to this noun; may be empty."""
    if (True, noun) not in _cache:
        _cache[True, noun] = _fitting(noun, _BESIDE)
    return _cache[True, noun]


def of_subject(noun: Noun) -> tuple[Adjective, ...]:
    """The adjectives that may follow this noun and `to be`."""
    if (False, noun) not in _cache:
        _cache[False, noun] = _fitting(noun, _OF_SUBJECT)
    return _cache[False, noun]


def adjectives(names: str) -> tuple[Adjective, ...]:
    """Several adjectives by their English names."""
    return tuple(ADJECTIVES[name] for name in names.split())
