"""Texts on the command line, read as UTF-8 whatever the locale."""

import os
from collections.abc import Iterable

from nmt.errors import UsageError, printable


def texts(arguments: Iterable[str]) -> list[str]:
    """The texts given as command-line arguments.

    Raises:
        UsageError: one is not UTF-8.
    """
    return [_text(argument, place) for place, argument in enumerate(arguments, start=1)]


def as_utf8(text: str) -> str:
    """A text with bytes that the locale could not decode, decoded again as UTF-8.

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
            "put the text in a file"
        ) from None
