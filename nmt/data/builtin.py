"""Corpora that come with nmt and need no network."""

from collections.abc import Callable

from nmt.data.corpus import SPLITS, Origin
from nmt.data.raw import RawBitext, RawCorpus
from nmt.errors import DataError
from nmt.registry import Registry

Builtin = Callable[[str, str], RawCorpus]  # from the source and the target language
builtins: Registry[Builtin] = Registry("built-in corpus")
PHRASEBOOK_SEED = 1  # fixed: runs with other training seeds still learn from the same pairs


@builtins.register("phrasebook")
def phrasebook(source: str, target: str) -> RawCorpus:
    """Everyday English and French made by a grammar, with three splits of its own.

    Raises:
        DataError: the languages are not English and French.
    """
    if {source, target} != {"en", "fr"}:
        raise DataError(
            f"phrasebook: it has English and French only, not {source}-{target}; "
            "set data.source and data.target to en and fr, or choose another data.corpus"
        )
    from nmt.data.phrasebook import splits  # the grammar takes a moment to build

    made = splits(PHRASEBOOK_SEED)
    raw = {}
    for name in SPLITS:
        english: list[str | None] = [pair.source for pair in made[name]]
        french: list[str | None] = [pair.target for pair in made[name]]
        raw[name] = RawBitext(english, french) if source == "en" else RawBitext(french, english)
    origin = Origin("phrasebook", splits=dict.fromkeys(SPLITS, "its own"))
    return RawCorpus(raw, origin)
