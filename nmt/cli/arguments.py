"""Texts on the command line, whatever the locale says that their bytes are."""

import os
from collections.abc import Iterable

from nmt.errors import UsageError, printable


def texts(arguments: Iterable[str]) -> list[str]:
    """Arguments that are read as texts.

    Raises:
        UsageError: one is not UTF-8.
    """
    return [_text(argument, place) for place, argument in enumerate(arguments, start=1)]


def as_utf8(text: str) -> str:
    """A text whose bytes the locale did not know, read as UTF-8.

    Raises:
        ValueError: it is not UTF-8.
    """
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return os.fsencode(text).decode("utf-8")
    return text


def _text(argument: str, place: int) -> str:
    try:
        return as_utf8(argument)
    except ValueError:
        raise UsageError(
            f"text {place}, '{printable(argument)}', is not UTF-8: set the terminal to UTF-8, or "
            "give the text in a file"
        ) from None
