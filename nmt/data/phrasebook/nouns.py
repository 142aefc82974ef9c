"""The nouns: plurals in both languages, the gender in French, and the kind of thing."""

from dataclasses import dataclass

from nmt.data.phrasebook.surface import vowel_first


@dataclass(frozen=True)
class Noun:
    """A noun; `kind` decides which verbs and adjectives make sense with it."""

    en: str
    en_plural: str
    fr: str
    fr_plural: str
    feminine: bool
    kind: str


# English[/plural] = French[/plural] gender
_TABLE = {
    "person": """
        man/men = homme m; woman/women = femme f; boy = garçon m; girl = fille f;
        child/children = enfant m; teacher = professeur m; doctor = médecin m;
        neighbour = voisin m; friend = ami m; student = étudiant m; baker = boulanger m;
        farmer = fermier m; driver = chauffeur m; policeman/policemen = policier m;
        nurse = infirmière f; lawyer = avocat m; singer = chanteuse f; actor = acteur m;
        actress = actrice f; king = roi m; queen = reine f; hero/heroes = héros m;
        dentist = dentiste m; cook = cuisinier m; waiter = serveur m; waitress = serveuse f;
        postman/postmen = facteur m; journalist = journaliste m; writer = écrivain m;
        painter = peintre m; soldier = soldat m; princess = princesse f; tourist = touriste m;
        guest = invité m; lady = dame f; engineer = ingénieur m; pupil = élève m;
        shopkeeper = marchand m; hairdresser = coiffeuse f; colleague = collègue m;
        dancer = danseuse f; musician = musicien m; secretary = secrétaire f
    """,
    "relative": """
        mother = mère f; father = père m; brother = frère m; sister = sœur f; uncle = oncle m;
        aunt = tante f; grandmother = grand-mère/grands-mères f;
        grandfather = grand-père/grands-pères m; cousin = cousin m; son = fils m;
        daughter = fille f; wife/wives = femme f; husband = mari m; nephew = neveu m;
        niece = nièce f
    """,
    "animal": """
        cat = chat m; dog = chien m; horse = cheval/chevaux m; bird = oiseau m; cow = vache f;
        rabbit = lapin m; mouse/mice = souris f; hedgehog = hérisson m; bear = ours m;
        lion = lion m; hen = poule f; duck = canard m; sheep/sheep = mouton m; pig = cochon m;
        donkey = âne m; elephant = éléphant m; snake = serpent m; fox = renard m;
        wolf/wolves = loup m; owl = hibou m; monkey = singe m; goat = chèvre f; frog = grenouille f
    """,
    "dish": """
        apple = pomme f; orange = orange f; cake = gâteau m; sandwich = sandwich/sandwichs m;
        egg = œuf m; banana = banane f; pear = poire f; tomato/tomatoes = tomate f;
        carrot = carotte f; potato/potatoes = pomme de terre f; onion = oignon m;
        pancake = crêpe f; biscuit = biscuit m; peach = pêche f; sausage = saucisse f;
        strawberry = fraise f; cherry = cerise f; lemon = citron m; omelette = omelette f;
        tart = tarte f
    """,
    "food": """
        bread = pain m; cheese = fromage m; meat = viande f; rice = riz m; soup = soupe f;
        chocolate = chocolat m; jam = confiture f; fish = poisson m; ham = jambon m;
        honey = miel m; chicken = poulet m; salad = salade f; ice cream = glace f
    """,
    "seasoning": """
        butter = beurre m; sugar = sucre m; oil = huile f; garlic = ail m; salt = sel m;
        flour = farine f; pepper = poivre m; mustard = moutarde f
    """,
    "drink": """
        water = eau f; milk = lait m; coffee = café m; tea = thé m; wine = vin m; beer = bière f;
        juice = jus m; orange juice = jus d' orange m; cider = cidre m; lemonade = limonade f
    """,
    "reading": """
        book = livre m; letter = lettre f; newspaper = journal/journaux m; novel = roman m;
        magazine = magazine m; poem = poème m; message = message m; report = rapport m;
        article = article m; story = histoire f; postcard = carte postale/cartes postales f
    """,
    "thing": """
        key = clé f; bag = sac m; umbrella = parapluie m; phone = téléphone m;
        watch = montre f; knife/knives = couteau m; glass = verre m; cup = tasse f;
        plate = assiette f; bottle = bouteille f; pen = stylo m; pencil = crayon m;
        notebook = cahier m; lamp = lampe f; box = boîte f; ball = ballon m;
        camera = appareil photo m; present = cadeau m; map = carte f; ticket = billet m;
        toy = jouet m; candle = bougie f; basket = panier m; mirror = miroir m;
        towel = serviette f; soap = savon m; clock = horloge f; computer = ordinateur m;
        suitcase = valise f; wallet = portefeuille m; flower = fleur f; blanket = couverture f;
        guitar = guitare f; violin = violon m; axe = hache f; spoon = cuillère f;
        fork = fourchette f; radio = radio f; passport = passeport m; comb = peigne m;
        ring = bague f; doll = poupée f; tool = outil m; parcel = colis m; picture = tableau m;
        rope = corde f; brush = brosse f; rose = rose f
    """,
    "clothing": """
        shirt = chemise f; dress = robe f; hat = chapeau m; coat = manteau m; skirt = jupe f;
        jacket = veste f; scarf/scarves = écharpe f; tie = cravate f; suit = costume m;
        shoe = chaussure f; glove = gant m; sock = chaussette f; boot = botte f;
        sweater = pull m; belt = ceinture f; apron = tablier m
    """,
    "furniture": """
        table = table f; chair = chaise f; bed = lit m; desk = bureau m; shelf/shelves = étagère f;
        sofa = canapé m; armchair = fauteuil m; cupboard = placard m; wardrobe = armoire f;
        carpet = tapis m; bench = banc m
    """,
    "vehicle": """
        car = voiture f; boat = bateau m; bicycle = vélo m; lorry = camion m; motorbike = moto f
    """,
    "transport": """
        train = train m; bus/buses = bus m; plane = avion m; taxi = taxi m
    """,
    "abstract": """
        question = question f; answer = réponse f; idea = idée f; problem = problème m;
        lesson = leçon f; exercise = exercice m; game = jeu m; word = mot m; name = nom m;
        secret = secret m; mistake = erreur f; plan = projet m; exam = examen m;
        song = chanson f; film = film m; match/matches = match/matchs m; number = numéro m;
        address = adresse f; dream = rêve m;
        sentence = phrase f; rule = règle f; journey = voyage m; meeting = réunion f
    """,
    "place": """
        kitchen = cuisine f; garden = jardin m; house = maison f; bedroom = chambre f;
        bathroom = salle de bains f; office = bureau m; school = école f; hospital = hôpital m;
        market = marché m; station = gare f; park = parc m; museum = musée m; church = église f;
        library = bibliothèque f; restaurant = restaurant m; hotel = hôtel m; airport = aéroport m;
        beach = plage f; bank = banque f; bakery = boulangerie f; pharmacy = pharmacie f;
        cinema = cinéma m; theatre = théâtre m; village = village m; town = ville f;
        forest = forêt f; bridge = pont m; castle = château m; farm = ferme f; factory = usine f;
        shop = magasin m; café = café m; post office = poste f; swimming pool = piscine f;
        stadium = stade m; garage = garage m; flat = appartement m; university = université f;
        living room = salon m; cellar = cave f; street = rue f; square = place f; harbour = port m;
        butcher's shop = boucherie f; bookshop = librairie f; town hall = mairie f
    """,
    "nature": """
        tree = arbre m; lake = lac m; river = rivière f; mountain = montagne f; sea = mer f;
        island = île f; field = champ m; road = route f;
        sun = soleil m
    """,
    "opening": """
        door = porte f; window = fenêtre f; drawer = tiroir m; gate = portail m;
        wall = mur m; roof = toit m; stairs = escalier m
    """,
}


def _english_plural(word: str) -> str:
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "sh", "ch", "x")) else "s")


def _french_plural(words: str) -> str:
    """In a compound, the first word takes the plural ending: pommes de terre."""
    word, space, rest = words.partition(" ")
    if word.endswith(("eau", "eu")):
        word += "x"
    elif word.endswith("al"):
        word = word[:-1] + "ux"
    elif word == "hibou":
        word = "hiboux"
    elif not word.endswith(("s", "x", "z")):
        word += "s"
    return word + space + rest


def _noun(line: str, kind: str) -> Noun:
    english, french = (side.strip() for side in line.split("="))
    french, gender = french.rsplit(" ", 1)
    en, _, en_plural = english.partition("/")
    fr, _, fr_plural = french.partition("/")
    return Noun(
        en=en,
        en_plural=en_plural or _english_plural(en),
        fr=fr,
        fr_plural=fr_plural or _french_plural(fr),
        feminine=gender == "f",
        kind=kind,
    )


NOUNS: dict[str, tuple[Noun, ...]] = {
    kind: tuple(_noun(line, kind) for line in lines.split(";")) for kind, lines in _TABLE.items()
}

_BY_NAME = {noun.en: noun for nouns in NOUNS.values() for noun in nouns}

UNCOUNTED = frozenset({"food", "drink", "seasoning"})
"""Kinds that are measured, not counted: they take the partitive."""


def noun(english: str) -> Noun:
    """The noun with this English singular."""
    return _BY_NAME[english]


def nouns(*kinds: str) -> tuple[Noun, ...]:
    """All nouns of these kinds; a kind may also be a single noun's English name."""
    found: list[Noun] = []
    for kind in kinds:
        found.extend(NOUNS.get(kind) or (noun(kind),))
    return tuple(found)


def begins_with_vowel(text: str) -> bool:
    """Whether an expression begins with a vowel sound."""
    return vowel_first(text.split()[0])
