"""Read corpora from the Hugging Face hub, through local copies of the two columns.

First we ask the hub, with a short timeout, which commit the data set is at. If there is a local
copy of that commit, we use it; otherwise we fetch Parquet files with range requests, and other
files through `datasets`. If the hub does not answer, we use the last copy, with a warning.
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
from nmt.data.hub.errors import cache_errors_as_write_error, explained
from nmt.data.hub.known_corpora import CATALOGUE
from nmt.errors import DataError, HubUnreachable

log = logging.getLogger(__name__)

ID = re.compile(r"(?!.*(?:--|\.\.))\w[\w.-]*/\w[\w.-]*", re.ASCII)


def read_hub(config: DataConfig) -> RawCorpus:
    """A data set on the hub.

    Raises:
        HubUnreachable: the hub does not answer and there is no copy.
        DataError: the data set, or a part of it, is missing, not accessible, or not usable.
        WriteError: the cache cannot be written.
    """
    check_id(config.corpus)
    local_copies = copies.CorpusCopies(config)
    if client.offline():
        return _copy(local_copies, "HF_HUB_OFFLINE is set")
    client.use_patient_client()
    try:
        with explained(config), cache_errors_as_write_error(copies.root()):
            newest = _ask(local_copies)
            corpus = _intact_copy(local_copies, newest.name)
            if corpus is None:
                copies.sweep()
                client.persistently(partial(fetch, config, newest, local_copies.at(newest.name)))
                corpus = local_copies.load(local_copies.at(newest.name))
            local_copies.remember(newest.name)
            return corpus
    except HubUnreachable as error:
        return _copy(local_copies, str(error))


def _intact_copy(local_copies: copies.CorpusCopies, commit: str) -> RawCorpus | None:
    """Read the copy of a commit; a damaged one is deleted, since the hub can be asked again."""
    copy = local_copies.copy(commit)
    if copy is None:
        return None
    try:
        return local_copies.load(copy)
    except copies.DamagedCopy as error:
        log.warning(
            "%s: %s; it is deleted and fetched again", local_copies.config.corpus, error.reason
        )
        copies.discard(copy)
        return None


def check_id(corpus: str) -> None:
    """Reject a name that cannot be the id of a data set.

    Raises:
        DataError: the name is not an id; the message suggests the one that was probably meant.
    """
    near = get_close_matches(corpus, CATALOGUE, n=1, cutoff=0.5)
    near = near or [known for known in CATALOGUE if known.split("/")[-1] == corpus]
    hint = f"; did you mean '{near[0]}'?" if near else ""
    if Path(corpus).exists():
        hint = "; to read your own files, set data.corpus: files and name them in data.files"
    corpus = without_credentials(corpus)  # the user may have pasted an address
    if corpus.count("/") != 1:
        raise DataError(
            f"'{corpus}' is neither built in nor an id on the hub, which is owner/name{hint}"
        )
    if not ID.fullmatch(corpus):
        raise DataError(
            f"'{corpus}' cannot be an id on the hub, which is owner/name, made of letters, "
            f"digits, '-', '_' and '.'{hint}"
        )


def _copy(local_copies: copies.CorpusCopies, because: str) -> RawCorpus:
    """The last copy, since the hub cannot be reached."""
    corpus, revision = local_copies.config.corpus, local_copies.config.revision
    commit = local_copies.commit()
    copy = None if commit is None else local_copies.copy(commit) or local_copies.old_copy(commit)
    if commit is not None and copy is not None:
        try:
            copied = local_copies.load(copy)
        except copies.DamagedCopy as error:
            raise HubUnreachable(
                f"{corpus}: {because}, and {error.reason}; it will be fetched again once the hub "
                "answers"
            ) from None
        level = logging.INFO if client.offline() else logging.WARNING  # offline is the user's wish
        log.log(level, "%s: %s; using the copy of commit %s", corpus, because, commit[:12])
        return copied
    kept = local_copies.revisions()
    if revision is not None and kept and commit is None:
        raise HubUnreachable(
            f"{corpus}: {because}, and there is no copy of revision '{revision}', "
            f"only of {', '.join(kept)}"
        )
    what = "no copy of what this config asks for" if kept else "no copy of it yet"
    raise HubUnreachable(f"{corpus}: {because}, and there is {what} in {copies.root()}")


def _ask(local_copies: copies.CorpusCopies) -> Commit:
    """Which commit the revision is at, and its files."""
    config = local_copies.config
    commit = local_copies.commit()
    copied = commit is not None and local_copies.copy(commit) is not None
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
        raise DataError(f"{config.corpus}: the hub reports no commit for it; try again later")
    return Commit(info.sha, sizes)
