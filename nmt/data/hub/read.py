"""Corpora on the Hugging Face hub: found, fetched two columns at a time, kept, and read.

The hub is asked first, briefly, which commit the data set is at. A copy of that commit is used if
there is one; else its Parquet files are read by ranges, or other files through `datasets`. When
the hub does not answer, the last copy serves, and a warning says so.
"""

import logging
import re
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from huggingface_hub import HfApi

from nmt.config import DataConfig
from nmt.data.corpus.types import RawCorpus
from nmt.data.hub import client, copies
from nmt.data.hub.addresses import without_credentials
from nmt.data.hub.download import Commit, fetch
from nmt.data.hub.errors import disk_explained, explained
from nmt.data.hub.known_corpora import CATALOGUE
from nmt.errors import DataError, HubUnreachable

log = logging.getLogger(__name__)

ID = re.compile(r"(?!.*(?:--|\.\.))\w[\w.-]*/\w[\w.-]*", re.ASCII)


def read_hub(config: DataConfig) -> RawCorpus:
    """A data set on the hub.

    Raises:
        HubUnreachable: the hub does not answer and there is no copy.
        DataError: the data set, or a part of it, is not there, not open, or not usable.
    """
    check_id(config.corpus)
    shelf = copies.Shelf(config)
    if client.offline():
        return _copy(shelf, "HF_HUB_OFFLINE is set")
    client.use_patient_client()
    try:
        with explained(config), disk_explained(copies.root()):
            newest = _ask(shelf)
            found = _sound_copy(shelf, newest.name)
            if found is None:
                copies.sweep()
                client.persistently(partial(fetch, config, newest, shelf.at(newest.name)))
                found = shelf.load(shelf.at(newest.name))
            shelf.remember(newest.name)
            return found
    except HubUnreachable as error:
        return _copy(shelf, str(error))


def _sound_copy(shelf: copies.Shelf, commit: str) -> RawCorpus | None:
    """What a copy of a commit holds; a damaged one is deleted, for there is a hub to ask again."""
    copy = shelf.copy(commit)
    if copy is None:
        return None
    try:
        return shelf.load(copy)
    except copies.DamagedCopy as error:
        log.warning("%s: %s; it is deleted and fetched again", shelf.config.corpus, error.reason)
        copies.discard(copy)
        return None


def check_id(corpus: str) -> None:
    """Refuse what cannot be a data set's id.

    Raises:
        DataError: with the id that was probably meant.
    """
    near = get_close_matches(corpus, CATALOGUE, n=1, cutoff=0.5)
    near = near or [known for known in CATALOGUE if known.split("/")[-1] == corpus]
    hint = f"; did you mean '{near[0]}'?" if near else ""
    if Path(corpus).exists():
        hint = "; to read files of your own, set data.corpus: files and name them in data.files"
    corpus = without_credentials(corpus)  # somebody may have pasted an address
    if corpus.count("/") != 1:
        raise DataError(
            f"'{corpus}' is neither built in nor an id of the hub, which reads owner/name{hint}"
        )
    if not ID.fullmatch(corpus):
        raise DataError(
            f"'{corpus}' cannot be an id on the hub: owner/name, of letters, digits, "
            f"'-', '_' and '.'{hint}"
        )


def _copy(shelf: copies.Shelf, because: str) -> RawCorpus:
    """The last copy, since the hub cannot be reached."""
    corpus, revision = shelf.config.corpus, shelf.config.revision
    commit = shelf.commit()
    copy = None if commit is None else shelf.copy(commit) or shelf.old_copy(commit)
    if commit is not None and copy is not None:
        try:
            found = shelf.load(copy)
        except copies.DamagedCopy as error:
            raise HubUnreachable(
                f"{corpus}: {because}, and {error.reason}; it is fetched again as soon as the hub "
                "answers"
            ) from None
        level = logging.INFO if client.offline() else logging.WARNING  # it was asked for, or not
        log.log(level, "%s: %s; using the copy of commit %s", corpus, because, commit[:12])
        return found
    kept = shelf.revisions()
    if revision is not None and kept and commit is None:
        raise HubUnreachable(
            f"{corpus}: {because}, and there is no copy of revision '{revision}', "
            f"only of {', '.join(kept)}"
        )
    what = "no copy of what this config asks for" if kept else "no copy of it yet"
    raise HubUnreachable(f"{corpus}: {because}, and there is {what} in {copies.root()}")


def _ask(shelf: copies.Shelf) -> Commit:
    """Which commit the revision is at, and its files."""
    config = shelf.config
    commit = shelf.commit()
    copied = commit is not None and shelf.copy(commit) is not None
    ask = partial(
        HfApi().dataset_info,
        config.corpus,
        revision=config.revision,
        timeout=client.first_seconds(),
        files_metadata=True,
    )
    info = client.first_answer(ask, seconds=client.first_answer_seconds(copied=copied))
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    if info.sha is None:
        raise DataError(f"{config.corpus}: the hub names no commit of it; try again later")
    return Commit(info.sha, sizes)
