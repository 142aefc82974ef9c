"""Every exception that nmt raises on purpose; the command line prints it as one line.

NmtError               something the user can fix                exit status 1
├── UsageError         the arguments of a command cannot work    exit status 2
│   └── ConfigError    a config file or an override is wrong     exit status 2
├── WriteError         a disk is full or a path not writable     exit status 2
├── DataError          a corpus is missing, empty or unreadable  exit status 3
│   └── HubUnreachable the hub gave no answer: a fallback helps  exit status 3
├── CheckpointError    a run folder is incomplete or foreign     exit status 3
└── TrainingError      the training cannot continue              exit status 1

Any other exception is a bug and keeps its traceback.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches

LONGEST_LINE = 1_000
"""Characters of a message line; the middle of a longer one is cut out."""
END = 300
"""Characters kept from the end of such a line, which says what to do."""

_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str, *, most: int = 300) -> str:
    r"""An untrusted text, such as a file name, made safe to show: one line, no control characters.

    Bytes that are not UTF-8, which file names may hold, are shown as escapes, too. A long text is
    cut off.

    >>> print(printable("a\x1b[2Jb\n\udcff \u202ec"))
    a\x1b[2Jb\x0a\xff \u202ec
    """
    shown = _escaped(text[: most + 1])
    return shown if len(shown) <= most else f"{shown[:most]}..."


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    whole = text.encode("utf-8", "surrogateescape" if _only_bytes(text) else "surrogatepass")
    shown = whole.decode("utf-8", "backslashreplace")
    return _UNPRINTABLE.sub(lambda match: _escape(ord(match[0])), shown)


def _only_bytes(text: str) -> bool:
    """Whether every lone surrogate stands for a byte that is not UTF-8."""
    return not any("\ud800" <= letter < "\udc80" or "\udcff" < letter < "\ue000" for letter in text)


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class NmtError(Exception):
    """An error that the user can fix; the message says what is wrong, where, and what to do.

    Each of `lines` stays one line, whatever untrusted text it quotes: see `printable`.
    """

    status = 1

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(map(_bounded, lines)))


def _bounded(line: str) -> str:
    shown = _escaped(line)
    if len(shown) <= LONGEST_LINE:
        return shown
    return f"{shown[: LONGEST_LINE - END - 5]} ... {shown[-END:]}"


class UsageError(NmtError):
    """A command was called with arguments that cannot work."""

    status = 2


class ConfigError(UsageError):
    """A config asks for something unknown or impossible."""


class WriteError(NmtError):
    """A file cannot be written: the disk is full, or we lack the permission."""

    status = 2


class DataError(NmtError):
    """A corpus is missing, empty or broken, or its two sides do not match."""

    status = 3


class HubUnreachable(DataError):
    """The hub did not answer and nothing is cached: the only failure that `fallback` covers."""


class CheckpointError(NmtError):
    """A run folder is incomplete, truncated, or written by another program."""

    status = 3


class TrainingError(NmtError):
    """The training cannot continue, for example because the loss is not finite."""


MANY = 12
LONGEST_NAME = 80


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The message for an unknown name; a long list of known names is left out if one is close.

    >>> unknown("attention score", "aditive", ["additive", "dot"])
    "unknown attention score 'aditive'; did you mean 'additive'? There are: additive, dot"
    """
    names, name = sorted(known), printable(name, most=LONGEST_NAME)
    close = get_close_matches(name, names, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else "."
    if close and len(names) > MANY:
        return f"unknown {kind} '{name}'{hint}"
    return f"unknown {kind} '{name}'{hint} There are: {', '.join(names)}"
