"""What a plain word of YAML stands for: the core schema of YAML 1.2, section 10.3.2.

YAML 1.1 took 010 for 8, 10:30 for 630, 2024-05-01 for a date and `no` for false. Here they are
10 and three texts.
"""

import re
from dataclasses import dataclass

LONGEST_NUMBER = 400
"""Characters; what is longer stays text: the digits of a number take quadratic time to read."""

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
    """A number, or true or false, and the letters that stand for it.

    Where text is wanted the letters count: a commit called 1234567e10 is not a number.
    """

    value: int | float | bool
    text: str

    def __repr__(self) -> str:
        return self.text


def scalar(text: str) -> Spelled | str | None:
    """What plain letters, those without quotes, stand for.

    >>> scalar("010").value, scalar("0x1F").value, scalar("10:30"), scalar("no"), scalar("~")
    (10, 31, '10:30', 'no', None)
    """
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return Spelled(text in _TRUE, text)
    found = number(text)
    return text if found is None else Spelled(found, text)


def number(text: str) -> int | float | None:
    """The number that letters stand for; None if they stand for none."""
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
