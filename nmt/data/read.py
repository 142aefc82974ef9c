"""From the `data` section of a config to a clean corpus in three splits."""

import logging
from collections.abc import Callable
from dataclasses import replace

from nmt.config import DataConfig
from nmt.data.corpus.cleaning import advice, clean, tidy
from nmt.data.corpus.splits import carve, draw
from nmt.data.corpus.types import (
    SPLITS,
    Bitext,
    Cleaning,
    Corpus,
    Origin,
    RawBitext,
    RawCorpus,
    SplitName,
)
from nmt.data.hub.addresses import check_endpoint, without_credentials
from nmt.errors import DataError, HubUnreachable
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


log = logging.getLogger(__name__)

FEW, MANY = 3, 10  # pairs that tell of a copy: if all are equal, and if most are
LOOKED_AT = 1_000  # pairs next to each other
MOST_LOOKED_AT = 100_000  # pairs of a split, about
ADVICE = (
    "check the network, HF_ENDPOINT and HF_HUB_OFFLINE; fetch it once by `nmt data get`; "
    "or set data.fallback: phrasebook"
)


def read_corpus(config: DataConfig, *, seed: int) -> Corpus:
    """Read, normalise, clean and split the corpus that a config names.

    seed: draws the pairs that `max_pairs` leaves; the splits do not depend on it.

    Raises:
        DataError: the corpus is missing, unreadable, empty after cleaning, or mostly a copy: its
            sources are its targets.
        HubUnreachable: the hub does not answer, there is no copy, and no fallback is allowed.
    """
    corpus = prepare(read_raw(config), config, seed=seed)
    if copied := copies(corpus, config.max_equal):
        raise DataError(copied[0])
    return corpus


def read_raw(config: DataConfig) -> RawCorpus:
    """The corpus as it is found, or its fallback where the hub cannot be reached."""
    if config.corpus in builtins:
        return builtins[config.corpus](config.source, config.target)
    if config.corpus == "files":
        from nmt.data.formats.local import read_files

        return read_files(config)
    check_endpoint()
    from nmt.data.hub.read import read_hub  # loads the hub's library

    try:
        return read_hub(config)
    except HubUnreachable as error:
        because = without_credentials(str(error))  # it goes into files that are published
        if config.fallback is None:
            raise HubUnreachable(f"{because}; {ADVICE}") from error
        log.warning(
            "%s is NOT used, because it cannot be fetched: %s. data.fallback is taken instead: "
            "%s, A DIFFERENT CORPUS",
            config.corpus, because, config.fallback,
        )  # fmt: skip
        raw = builtins[config.fallback](config.source, config.target)
        origin = replace(raw.origin, instead_of=config.corpus, because=because)
        return RawCorpus(raw.splits, origin)


def prepare(raw: RawCorpus, config: DataConfig, *, seed: int) -> Corpus:
    """Clean a corpus and make the splits that it lacks.

    Raises:
        DataError: nothing is left to train or to measure on.
    """
    others = {name: tidy(found) for name, found in raw.splits.items() if name != "train"}
    held_out = {source for bitext, _ in others.values() for source in bitext.sources}
    train, report = clean(raw.splits["train"], config.cleaning, held_out=held_out)
    splits: dict[SplitName, Bitext] = {"train": train}
    splits.update((name, bitext) for name, (bitext, _) in others.items())
    reports: dict[SplitName, Cleaning] = {"train": report}
    reports.update((name, tidied) for name, (_, tidied) in others.items())
    dropped = dict(report.dropped)
    _refuse_empty(splits, raw.origin, reports["train"].read, dropped)
    stories = dict(raw.origin.splits)
    sizes: dict[SplitName, int] = {"validation": config.validation_size, "test": config.test_size}
    for name, size in sizes.items():
        if name not in splits:
            dropped[f"set aside for {name}"] = _set_aside(splits, name, size, raw.origin.corpus)
            reports[name] = Cleaning(len(splits[name]), len(splits[name]))
            stories[name] = f"{len(splits[name]):,} pairs set aside from train"
    train = splits["train"]
    if config.max_pairs is not None and config.max_pairs < len(train):
        dropped["more than data.max_pairs"] = len(train) - config.max_pairs
        train = draw(train, config.max_pairs, seed=seed)
    reports["train"] = replace(reports["train"], kept=len(train), dropped=dropped)
    origin = replace(raw.origin, splits=stories)
    return Corpus(train, splits["validation"], splits["test"], origin, reports)


def copies(corpus: Corpus, most: float) -> list[str]:
    """What to say of the splits in which more than a share `most` of pairs has two equal sides.

    Numbers are the same in all languages and do not count; of a few names, only all being equal
    tells something. Of a long split, pairs from all over it are looked at.
    """
    found = []
    for name in SPLITS:
        judged, equal = _equal_sides(corpus.split(name))
        enough = MANY if equal < judged else FEW
        if judged >= enough and equal > most * judged:
            found.append(
                f"{corpus.origin.corpus}: both sides are the same in {equal:,} of {judged:,} pairs "
                f"of {name}: is one text read as both sides? Look with `nmt data check`, and name "
                "the two columns or files; if it is meant so, set data.max_equal: 1"
            )
    return found


def _equal_sides(bitext: Bitext) -> tuple[int, int]:
    """How many pairs have letters, and how many of those have two equal sides."""
    judged = equal = 0
    step = max(LOOKED_AT, LOOKED_AT * (len(bitext) // MOST_LOOKED_AT))
    for start in range(0, len(bitext), step):
        part = slice(start, start + LOOKED_AT)
        for source, target in zip(bitext.sources[part], bitext.targets[part], strict=True):
            if any(map(str.isalpha, source)):
                judged += 1
                equal += source == target
    return judged, equal


def _set_aside(splits: dict[SplitName, Bitext], name: SplitName, size: int, corpus: str) -> int:
    """Make a split out of train; returns how many pairs that takes from train."""
    taken = {s for other, bitext in splits.items() if other != "train" for s in bitext.sources}
    pairs = len(splits["train"])
    carved = carve(splits["train"], size, salt=name, taken=taken)
    count = len(carved.split)
    if not count:
        raise DataError(
            f"{corpus}: {pairs} training pairs are too few to set a {name} split aside; "
            "add pairs, or name a split of its own"
        )
    if count < size:
        log.warning(
            "%s: %s pairs, a tenth of train, are set aside for %s; data.%s_size is %s",
            corpus, f"{count:,}", name, name, f"{size:,}",
        )  # fmt: skip
    splits["train"], splits[name] = carved.rest, carved.split
    return carved.removed


def _refuse_empty(
    splits: dict[SplitName, Bitext], origin: Origin, read: int, dropped: dict[str, int]
) -> None:
    """Raise DataError where a split has nothing in it."""
    for name, bitext in splits.items():
        if not len(bitext) and name != "train":
            raise DataError(f"{origin.corpus}: its {name} split is empty; choose another one")
    if not len(splits["train"]):
        reasons = ", ".join(f"{reason}: {count:,}" for reason, count in dropped.items())
        raise DataError(
            f"{origin.corpus}: no training pair is left of {read:,}"
            + (f" ({reasons}); {advice(dropped)}" if read else "; is it the right file?")
        )
