"""The value of a plain YAML scalar, by the core schema of YAML 1.2, section 10.3.2.

YAML 1.1 reads 010 as 8, 10:30 as 630, 2024-05-01 as a date and `no` as false. Here 010 is 10, and
the other three are strings.
"""

import re
from dataclasses import dataclass

LONGEST_NUMBER = 400
"""Characters; anything longer stays text, because parsing digits takes quadratic time."""

_NULL = {"", "~", "null", "Null", "NULL"}
_TRUE = {"true", "True", "TRUE"}
_FALSE = {"false", "False", "FALSE"}
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)")
_NOT_A_NUMBER = {".nan", ".NaN", ".NAN"}


@dataclass(frozen=True)
class Spelled:
    """A number, true or false, together with its spelling.

    A field of text takes the spelling: a commit called 1234567e10 is not a number.
    """

    value: int | float | bool
    text: str

    def __repr__(self) -> str:
        return self.text


def scalar(text: str) -> Spelled | str | None:
    """The value of a plain scalar, that is, one without quotes.

    >>> scalar("010").value, scalar("0x1F").value, scalar("10:30"), scalar("no"), scalar("~")
    (10, 31, '10:30', 'no', None)
    """
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return Spelled(text in _TRUE, text)
    value = number(text)
    return text if value is None else Spelled(value, text)


def number(text: str) -> int | float | None:
    """The number that a text spells; None if it is not a number."""
    if len(text) > LONGEST_NUMBER:
        return None
    if _DECIMAL.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text):
        return int(text[2:], base=8)
    if _HEXADECIMAL.fullmatch(text):
        return int(text[2:], base=16)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITE.fullmatch(text):
        return float(text.replace(".", ""))
    return float("nan") if text in _NOT_A_NUMBER else None
