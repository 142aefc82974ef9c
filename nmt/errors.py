"""Everything that nmt raises on purpose; the command line prints it as one line.

NmtError               something the user can mend               exit status 1
├── UsageError         a command was asked for the impossible    exit status 2
│   └── ConfigError    a config file or an override is wrong     exit status 2
├── WriteError         a place is full or may not be written     exit status 2
├── DataError          a corpus is missing, empty or unreadable  exit status 3
│   └── HubUnreachable the hub gave no answer: a fallback helps  exit status 3
├── CheckpointError    a run folder is incomplete or foreign     exit status 3
└── TrainingError      the training cannot go on                 exit status 1

Whatever else escapes is a bug and keeps its traceback.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class NmtError(Exception):
    """The user can mend this; the message says what is wrong, where, and what to do."""

    status = 1


class UsageError(NmtError):
    """A command was called with arguments that cannot work."""

    status = 2


class ConfigError(UsageError):
    """A config asks for something unknown or impossible."""


class WriteError(NmtError):
    """A file cannot be written: the disk is full, or the place is not ours."""

    status = 2


class DataError(NmtError):
    """A corpus is missing, empty, broken, or its two sides disagree."""

    status = 3


class HubUnreachable(DataError):
    """The hub did not answer and nothing is cached: the one failure that `fallback` covers."""


class CheckpointError(NmtError):
    """A run folder lacks something, was cut short, or was written by another program."""

    status = 3


class TrainingError(NmtError):
    """A training that cannot go on, such as one whose loss is no number any more."""


MANY = 12


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """What to say of a name that is not among the known ones; many are named only if none is near.

    >>> unknown("attention score", "aditive", ["additive", "dot"])
    "unknown attention score 'aditive'; did you mean 'additive'? There are: additive, dot"
    """
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else "."
    if close and len(names) > MANY:
        return f"unknown {kind} '{name}'{hint}"
    return f"unknown {kind} '{name}'{hint} There are: {', '.join(names)}"
