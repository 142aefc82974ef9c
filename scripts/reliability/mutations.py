"""Mutations of real files: flipped bytes, doubled parts, deep nesting, numbers out of range."""

import random
import re
from collections.abc import Callable, Sequence

from reliability.sentences import sentence

LARGEST = 200_000  # bytes
TOKEN = re.compile(rb"[\w.+-]+|[^\w\s]")
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
EXTREMES = (
    b"0", b"-1", b"1e400", b"-1e400", b"1e-400", b"NaN", b"Infinity", b"-Infinity", b"nan", b"inf",
    b"2147483648", b"9223372036854775808", b"18446744073709551616", b"9" * 400, b"9" * 5000,
    b"0.1", b"1e308", b"-0", b"0x10", b"1_000", b"010", b"true", b"null", b'"1"', b"[]", b"{}",
    b"~", "²".encode(), "٣".encode(),
)  # fmt: skip
VALUES = (
    b"null", b"true", b"[]", b"{}", b'""', b"0", b"-1", b"1e999", b'"\\ud800"', b'"\\u0000"',
    b"[[]]", b'{"a":1}', b'"../../x"', b'"\\u001b]0;x\\u0007"', b"!!python/object:os.system x",
    b"&a [*a]", b"*a", b"<<: {}", b"2001-01-01", b"10:30", b"|", b"? x", b"'", b'"', b"@", b"`",
    b"%TAG", b"---",
)  # fmt: skip
PLACES = (
    "\ufeff",
    "\u2028",
    "\u2029",
    "\x85",
    "\0",
    "\x1b[31m",
    "\r",
    "\u00a0",
    "\u202e",
    "\ud800",
)
Mutation = Callable[[random.Random, bytes], bytes]


def mutated(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds, changed in one to four ways."""
    data = rng.choice(seeds)
    for _ in range(rng.choice([1, 1, 1, 2, 2, 3, 4])):
        if rng.random() < 0.05:
            other = rng.choice(seeds)
            data = data[: rng.randint(0, len(data))] + other[rng.randint(0, len(other)) :]
        data = rng.choice(MUTATIONS)(rng, data)[:LARGEST]
    return data


def _span(rng: random.Random, data: bytes) -> tuple[int, int]:
    start = rng.randint(0, len(data))
    return start, min(len(data), start + rng.choice([1, 2, 8, 64, 1000]))


def flip(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 8, 64])):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randint(0, len(data))]


def leave_out(rng: random.Random, data: bytes) -> bytes:
    start, end = _span(rng, data)
    return data[:start] + data[end:]


def double(rng: random.Random, data: bytes) -> bytes:
    start, end = _span(rng, data)
    times = rng.choice([1, 1, 2, 10, 1000])
    return data[:end] + data[start:end] * min(times, 1 + LARGEST // (1 + end - start)) + data[end:]


def insert(rng: random.Random, data: bytes) -> bytes:
    place = rng.randint(0, len(data))
    return data[:place] + rng.randbytes(rng.choice([1, 2, 4, 32])) + data[place:]


def put_letters(rng: random.Random, data: bytes) -> bytes:
    place = rng.randint(0, len(data))
    text = rng.choice([rng.choice(PLACES), sentence(rng)])
    return data[:place] + text.encode("utf-8", "surrogatepass") + data[place:]


def swap(rng: random.Random, data: bytes) -> bytes:
    tokens = list(TOKEN.finditer(data[:LARGEST]))
    if len(tokens) < 2:
        return data
    one, two = sorted(rng.sample(tokens, 2), key=lambda token: token.start())
    middle = data[one.end() : two.start()]
    return data[: one.start()] + two.group() + middle + one.group() + data[two.end() :]


def put_number(rng: random.Random, data: bytes) -> bytes:
    return _put(rng, data, NUMBER, EXTREMES)


def put_value(rng: random.Random, data: bytes) -> bytes:
    return _put(rng, data, TOKEN, VALUES)


def _put(
    rng: random.Random, data: bytes, pattern: re.Pattern[bytes], values: Sequence[bytes]
) -> bytes:
    matches = list(pattern.finditer(data))
    if not matches:
        return data
    place = rng.choice(matches)
    return data[: place.start()] + rng.choice(values) + data[place.end() :]


def nest(rng: random.Random, data: bytes) -> bytes:
    place = rng.randint(0, len(data))
    opening = rng.choice([b"[", b'{"a":', b"- ", b"a: ", b"  ", b"(", b'"', b"\t", b"<"])
    return data[:place] + opening * rng.choice([10, 1000, 20_000]) + data[place:]


def encode(rng: random.Random, data: bytes) -> bytes:
    name = rng.choice(["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp1252", "cp037", "utf-7"])
    return data.decode("utf-8", "replace").encode(name, "replace")


def end_lines(rng: random.Random, data: bytes) -> bytes:
    ends = [b"\r\n", b"\r", b"\n\n", b"", b"\xe2\x80\xa8", b"\x0b", b"\n\r", b"\0"]
    return data.replace(b"\n", rng.choice(ends))


def shuffle(rng: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")[:2000]
    rng.shuffle(lines)
    return b"\n".join(lines)


MUTATIONS: tuple[Mutation, ...] = (
    flip, cut, leave_out, double, insert, put_letters, swap, put_number, put_number, put_value,
    put_value, nest, encode, end_lines, shuffle,
)  # fmt: skip
