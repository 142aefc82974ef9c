"""Sentences that nobody writes but that arrive all the same: any characters, any length."""

import random
from collections.abc import Callable
from typing import TypeAlias

LONG = 100_000  # characters
Draw: TypeAlias = Callable[[random.Random], str]

TEXT = (
    "I love you . don't l'arbre aujourd'hui well-known donnez-le-moi a-t-il 3.5 1,000 10:30 "
    "http://x e\u0301te\u0301 stra\u00dfe \u0130stanbul \u4f60\u597d \u65e5\u672c\u8a9e "
    "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 \u0928\u092e\u0938\u094d\u0924\u0947 "
    "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd \u0645\u0650\u0631\u062d\u0628\u064b\u0627 "
    "\ud55c\uad6d\uc5b4 <s> </s> <unk> <pad> \u2581 \u2581a =1+1 -n --run '' \" \\ % { } [ ] | & ; "
    "# @ $ ~ ^ ` * _ ...... ?! -- \u2014 \u00ab \u00bb"
)
WORDS = TEXT.split(" ")
EMOJI = (
    "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1eb\U0001f1f7",
    "\U0001f44d\U0001f3fd", "\u2764\ufe0f", "\U0001f3f4\U000e0067\U000e0062\U000e007f",
    "1\ufe0f\u20e3",
)  # fmt: skip
SPACES = " \t\u00a0\u202f\u2003\u3000\u1680\u200b\u2060\ufeff\u180e\u2028\u2029\x85\r\n\v\f\x1c\x1f"
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
HYPHENS = "-\u2010\u2011'\u2019.,:"
TAILS = (
    "-en",
    "-t-il",
    "-le-moi",
    "'",
    "l'",
    "a-",
    ".",
    "\u0301",
    "\u200d",
    " ",
    "ab ",
    "\U0001f469\u200d",
)


def sentence(rng: random.Random) -> str:
    """One sentence of up to some hundreds of characters; one in 2,000 is endless."""
    if rng.random() < 1 / 2000:
        return endless(rng)
    draws = rng.choices(DRAWS, k=rng.choice([1, 1, 2, 3]))
    count = rng.choice([0, 1, 2, 5, 10, 30])
    parts = [rng.choice(draws)(rng) for _ in range(count)]
    return rng.choice(["", " ", " ", " "]).join(parts)


def endless(rng: random.Random) -> str:
    """A hundred thousand characters of one pattern, to reveal quadratic run times."""
    pattern = rng.choice(TAILS) if rng.random() < 0.7 else rng.choice(DRAWS)(rng) or "a"
    start, end = (rng.choice(["", "a", "x ", "\u0301"]) for _ in range(2))
    return (start + pattern * (LONG // len(pattern)) + end)[:LONG]


def _word(rng: random.Random) -> str:
    return rng.choice(WORDS)


def _latin(rng: random.Random) -> str:
    return "".join(chr(rng.randint(0x20, 0x24F)) for _ in range(rng.randint(1, 8)))


def _any(rng: random.Random) -> str:
    """Any code points, also unassigned ones and half surrogate pairs."""
    return "".join(chr(rng.randint(0, 0x10FFFF)) for _ in range(rng.randint(1, 5)))


def _plane(rng: random.Random) -> str:
    start = rng.randrange(0, 0x30000, 0x80)
    return "".join(chr(start + rng.randrange(0x80)) for _ in range(rng.randint(1, 8)))


def _surrogate(rng: random.Random) -> str:
    return chr(rng.randint(0xD800, 0xDFFF))


def _marks(rng: random.Random) -> str:
    marks = (chr(rng.randint(0x300, 0x36F)) for _ in range(rng.choice([1, 3, 200])))
    return rng.choice(["", "a", "\u0915", " "]) + "".join(marks)


def _emoji(rng: random.Random) -> str:
    return "".join(rng.choices(EMOJI, k=rng.randint(1, 3)))


def _space(rng: random.Random) -> str:
    return "".join(rng.choices(SPACES, k=rng.randint(1, 4)))


def _bidi(rng: random.Random) -> str:
    return rng.choice(BIDI) + rng.choice(WORDS) + rng.choice(BIDI)


def _control(rng: random.Random) -> str:
    return "".join(chr(rng.choice([*range(32), *range(127, 160)])) for _ in range(3)) + "]0;x\x07"


def _joined(rng: random.Random) -> str:
    parts = (rng.choice(WORDS) + rng.choice(HYPHENS) for _ in range(rng.randint(1, 6)))
    return "".join(parts)


def _digits(rng: random.Random) -> str:
    return "".join(rng.choices("0123456789\u0663\u0967\u00b2\u2167.,:/-", k=rng.randint(1, 12)))


DRAWS: tuple[Draw, ...] = (
    _word, _word, _word, _latin, _any, _plane, _plane, _surrogate, _marks, _emoji, _space, _bidi,
    _control, _joined, _digits,
)  # fmt: skip
