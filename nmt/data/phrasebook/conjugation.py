"""French verbs: regular patterns are computed, irregular forms are listed."""

from functools import cache
from typing import NamedTuple


class Conjugation(NamedTuple):
    """The forms of a verb; lists of six run je, tu, il, nous, vous, ils."""

    infinitive: str
    present: tuple[str, ...]
    imperfect: tuple[str, ...]
    future: tuple[str, ...]
    conditional: tuple[str, ...]
    imperative: tuple[str, str, str]
    participle: str


_IMPERFECT = ("ais", "ais", "ait", "ions", "iez", "aient")
_FUTURE = ("ai", "as", "a", "ons", "ez", "ont")

# infinitive: present of the six persons / participle / stem of the future
_IRREGULAR = {
    "être": "suis es est sommes êtes sont / été / ser",
    "avoir": "ai as a avons avez ont / eu / aur",
    "aller": "vais vas va allons allez vont / allé / ir",
    "faire": "fais fais fait faisons faites font / fait / fer",
    "dire": "dis dis dit disons dites disent / dit / dir",
    "pouvoir": "peux peux peut pouvons pouvez peuvent / pu / pourr",
    "vouloir": "veux veux veut voulons voulez veulent / voulu / voudr",
    "devoir": "dois dois doit devons devez doivent / dû / devr",
    "savoir": "sais sais sait savons savez savent / su / saur",
    "voir": "vois vois voit voyons voyez voient / vu / verr",
    "croire": "crois crois croit croyons croyez croient / cru / croir",
    "boire": "bois bois boit buvons buvez boivent / bu / boir",
    "lire": "lis lis lit lisons lisez lisent / lu / lir",
    "écrire": "écris écris écrit écrivons écrivez écrivent / écrit / écrir",
    "rire": "ris ris rit rions riez rient / ri / rir",
    "sourire": "souris souris sourit sourions souriez sourient / souri / sourir",
    "suivre": "suis suis suit suivons suivez suivent / suivi / suivr",
    "vivre": "vis vis vit vivons vivez vivent / vécu / vivr",
    "venir": "viens viens vient venons venez viennent / venu / viendr",
    "tenir": "tiens tiens tient tenons tenez tiennent / tenu / tiendr",
    "prendre": "prends prends prend prenons prenez prennent / pris / prendr",
    "mettre": "mets mets met mettons mettez mettent / mis / mettr",
    "connaître": "connais connais connaît connaissons connaissez connaissent / connu / connaîtr",
    "ouvrir": "ouvre ouvres ouvre ouvrons ouvrez ouvrent / ouvert / ouvrir",
    "courir": "cours cours court courons courez courent / couru / courr",
    "partir": "pars pars part partons partez partent / parti / partir",
    "sortir": "sors sors sort sortons sortez sortent / sorti / sortir",
    "dormir": "dors dors dort dormons dormez dorment / dormi / dormir",
    "peindre": "peins peins peint peignons peignez peignent / peint / peindr",
    "construire": "construis construis construit construisons construisez construisent "
    "/ construit / construir",
    "conduire": "conduis conduis conduit conduisons conduisez conduisent / conduit / conduir",
    "traduire": "traduis traduis traduit traduisons traduisez traduisent / traduit / traduir",
    "recevoir": "reçois reçois reçoit recevons recevez reçoivent / reçu / recevr",
    "plaire": "plais plais plaît plaisons plaisez plaisent / plu / plair",
    "naître": "nais nais naît naissons naissez naissent / né / naîtr",
    "envoyer": "envoie envoies envoie envoyons envoyez envoient / envoyé / enverr",
    "jeter": "jette jettes jette jetons jetez jettent / jeté / jetter",
    "appeler": "appelle appelles appelle appelons appelez appellent / appelé / appeller",
}

_FAMILIES = {  # verbs conjugated like another one: the model, and the prefix before it
    "comprendre": ("prendre", "com"),
    "apprendre": ("prendre", "ap"),
    "promettre": ("mettre", "pro"),
    "permettre": ("mettre", "per"),
    "revenir": ("venir", "re"),
    "devenir": ("venir", "de"),
    "souvenir": ("venir", "sou"),
    "reconnaître": ("connaître", "re"),
    "rappeler": ("appeler", "r"),
    "endormir": ("dormir", "en"),
    "découvrir": ("ouvrir", "déc"),
    "repartir": ("partir", "re"),
    "revoir": ("voir", "re"),
    "surprendre": ("prendre", "sur"),
}

_IMPERATIVES = {
    "être": ("sois", "soyons", "soyez"),
    "avoir": ("aie", "ayons", "ayez"),
    "savoir": ("sache", "sachons", "sachez"),
}


@cache
def conjugation(infinitive: str) -> Conjugation:
    """All forms of a verb that the phrasebook uses.

    >>> conjugation("manger").present[3], conjugation("acheter").future[0]
    ('mangeons', 'achèterai')
    """
    present, participle, future = _principal_parts(infinitive)
    root = "ét" if infinitive == "être" else present[3].removesuffix("ons")
    return Conjugation(
        infinitive=infinitive,
        present=present,
        imperfect=tuple(_softened(root, ending) for ending in _IMPERFECT),
        future=tuple(future + ending for ending in _FUTURE),
        conditional=tuple(future + ending for ending in _IMPERFECT),
        imperative=_IMPERATIVES.get(infinitive) or _imperative(present),
        participle=participle,
    )


def _principal_parts(infinitive: str) -> tuple[tuple[str, ...], str, str]:
    if infinitive in _FAMILIES:
        model, prefix = _FAMILIES[infinitive]
        present, participle, future = _principal_parts(model)
        return tuple(prefix + form for form in present), prefix + participle, prefix + future
    if infinitive in _IRREGULAR:
        listed, participle, future = _IRREGULAR[infinitive].split(" / ")
        return tuple(listed.split()), participle, future
    root, ending = infinitive[:-2], infinitive[-2:]
    if ending == "er":
        return _first_group(root)
    if ending == "ir":
        endings = ("is", "is", "it", "issons", "issez", "issent")
        return tuple(root + each for each in endings), root + "i", infinitive
    endings = ("s", "s", "", "ons", "ez", "ent")
    return tuple(root + each for each in endings), root + "u", infinitive[:-1]


def _first_group(root: str) -> tuple[tuple[str, ...], str, str]:
    """Verbs in -er, with the spelling of the root before a silent e."""
    strong = _before_silent_e(root)
    keeps_in_future = strong != root and "é" in root[-3:]  # préférer: je préfère, je préférerai
    future = (root if keeps_in_future else strong) + "er"
    nous = _softened(root, "ons")
    present = (strong + "e", strong + "es", strong + "e", nous, root + "ez", strong + "ent")
    return present, root + "é", future


def _before_silent_e(root: str) -> str:
    if root.endswith(("oy", "uy", "ay")):
        return root[:-1] + "i"
    if root.endswith(("et", "ev", "en", "es")) and root in _GRAVE:
        return root[:-2] + "è" + root[-1]
    if root.endswith(("ét", "ér", "ég")):
        return root[:-2] + "è" + root[-1]
    return root


_GRAVE = frozenset(["achet", "lev", "enlev", "emmen", "amen", "promen", "pes"])


def _softened(root: str, ending: str) -> str:
    """Keep the sound of c and g before a and o: nous mangeons, nous commençons."""
    if root.endswith("ge") and ending.startswith("i"):
        return root[:-1] + ending
    if root.endswith("ç") and ending.startswith("i"):
        return root[:-1] + "c" + ending
    if ending[0] in "ao" and root.endswith("g"):
        return root + "e" + ending
    if ending[0] in "ao" and root.endswith("c"):
        return root[:-1] + "ç" + ending
    return root + ending


def _imperative(present: tuple[str, ...]) -> tuple[str, str, str]:
    """The second person singular loses its s after e (mange !) and in va."""
    singular = present[1]
    if singular.endswith("es") or singular == "vas":
        singular = singular[:-1]
    return singular, present[3], present[4]
