"""Turn the errors of the hub's libraries into one line that names the data set and the fix.

`datasets` and `huggingface_hub` raise a dozen kinds of errors, some of them misleading (if the hub
goes down in the middle, we get "Couldn't find any data file at <your folder>"). So we go through
the whole chain of causes before we choose a message.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from nmt.config import DataConfig
from nmt.data.hub.addresses import without_credentials
from nmt.data.hub.client import endpoint
from nmt.data.hub.known_corpora import CATALOGUE
from nmt.errors import DataError, HubUnreachable, WriteError
from nmt.files import FULL, write_error


@contextmanager
def explained(config: DataConfig) -> Iterator[None]:
    """Turn the libraries' errors into ours, each beginning with the data set's id.

    Raises:
        HubUnreachable: passed on, for a caller that can use a local copy.
        DataError: everything else that a user can fix.
    """
    try:
        yield
    except HubUnreachable:
        raise
    except DataError as error:
        raise DataError(f"{config.corpus}: {_line(error)}") from error.__cause__
    except (OSError, ValueError, RuntimeError) as error:
        chain = list(_chain(error))
        unreachable = next((link for link in chain if isinstance(link, HubUnreachable)), None)
        if unreachable is not None:
            raise unreachable from None
        raise _explanation(config, chain) from error
    except Exception as error:
        if message := _FROM_DATASETS.get(type(error).__name__):
            cause = _line(list(_chain(error))[-1])
            raise DataError(f"{config.corpus}: {message} ({cause:.200})") from error
        if type(error).__name__ == "InvalidURL":  # its message may quote a part of a password
            raise DataError(
                f"{config.corpus}: HF_ENDPOINT, or the proxy set in the environment, is not an "
                "address such as https://huggingface.co; in a password, write '/' as %2F"
            ) from None
        raise


@contextmanager
def cache_errors_as_write_error(folder: Path) -> Iterator[None]:
    """As `os_errors_as_write_error`, also for errors that `datasets` wraps in its own.

    Raises:
        WriteError: the disk is full, or the folder is not writable.
    """
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        for cause in map(_disk_error, _chain(error)):
            ours = isinstance(error, OSError | WriteError)  # else it may come from a connection
            if cause is not None and (cause.errno in FULL or ours):
                elsewhere = "set HF_HOME to another folder"
                if message := write_error(folder, cause, elsewhere=elsewhere):
                    raise message from error
        raise


_READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}


def _disk_error(error: BaseException) -> OSError | None:
    if "Not enough disk space" in str(error):  # raised by datasets before it writes
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if isinstance(error, OSError) and error.errno in FULL | _READ_ONLY:
        return error
    return None


_UPLOAD = "set data.revision to an intact commit, or tell its owner"
_FROM_DATASETS = {  # by name, because importing datasets takes a second
    "DatasetGenerationError": f"a file cannot be read; {_UPLOAD}",
    "DatasetGenerationCastError": f"its files have different columns; {_UPLOAD}",
    "NonMatchingSplitsSizesError": f"its card and its files differ in size; {_UPLOAD}",
}


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, its cause, the cause's cause ..."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__


def _explanation(config: DataConfig, chain: list[BaseException]) -> DataError:
    """Our error for the first one in the chain that we recognise."""
    corpus = config.corpus
    for link in chain:
        text = _line(link)
        if isinstance(link, GatedRepoError) or "is a gated dataset" in text:
            return DataError(
                f"{corpus}: its owner grants access on request: accept the terms at "
                f"https://huggingface.co/datasets/{corpus}, then `hf auth login` or set HF_TOKEN"
            )
        if isinstance(link, RevisionNotFoundError):
            return DataError(
                f"{corpus}: no revision '{config.revision}'; leave data.revision out for the "
                "newest, or see the branches and tags on its page"
            )
        if isinstance(link, RepositoryNotFoundError):
            return DataError(f"{corpus}: {_no_such(corpus)}")
        if type(link).__name__ in _NO_FILES:
            return DataError(f"{corpus}: {_NO_FILES[type(link).__name__]}; choose another data set")
        if isinstance(link, HfHubHTTPError):
            code = link.response.status_code
            return DataError(
                f"{corpus}: {endpoint()} refuses with status {code}; has HF_TOKEN expired, or is "
                "there a proxy in between?"
            )
    text = _line(chain[0])
    return DataError(f"{corpus}: cannot be read ({text:.300}); choose another data set")


def _line(error: BaseException) -> str:
    """The message of an error in one line, without credentials or control characters."""
    text = without_credentials(" ".join(str(error).split()))
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


_NO_FILES = {
    "EmptyDatasetError": "it holds no data file",
    "DataFilesNotFoundError": "the files that its card names, or that could be read, are missing",
}


def _no_such(corpus: str) -> str:
    near = get_close_matches(corpus, CATALOGUE, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return (
        f"the hub has no such data set, or it is private; {hint}"
        "see `nmt data list`, or `hf auth login` for a private one"
    )
