"""English verb forms: regular spelling is computed, irregular forms are listed."""

from functools import cache

_IRREGULAR = {  # base: past, participle
    "be": "was been", "have": "had had", "do": "did done", "go": "went gone",
    "come": "came come", "eat": "ate eaten", "drink": "drank drunk", "buy": "bought bought",
    "sell": "sold sold", "read": "read read", "write": "wrote written", "see": "saw seen",
    "know": "knew known", "take": "took taken", "find": "found found", "lose": "lost lost",
    "forget": "forgot forgotten", "break": "broke broken", "wear": "wore worn",
    "put": "put put", "give": "gave given", "show": "showed shown", "send": "sent sent",
    "bring": "brought brought", "lend": "lent lent", "tell": "told told", "speak": "spoke spoken",
    "meet": "met met", "hear": "heard heard", "understand": "understood understood",
    "begin": "began begun", "choose": "chose chosen", "leave": "left left",
    "fall": "fell fallen", "sleep": "slept slept", "sing": "sang sung", "run": "ran run",
    "swim": "swam swum", "think": "thought thought", "get": "got got", "wake": "woke woken",
    "pay": "paid paid", "build": "built built", "cut": "cut cut", "draw": "drew drawn",
    "make": "made made", "drive": "drove driven", "say": "said said", "feel": "felt felt",
    "hold": "held held", "win": "won won", "catch": "caught caught", "keep": "kept kept",
    "sit": "sat sat", "teach": "taught taught", "become": "became become",
    "hide": "hid hidden", "ride": "rode ridden", "throw": "threw thrown",
    "fly": "flew flown", "feed": "fed fed",
}  # fmt: skip

_DOUBLED = frozenset(
    [
        "stop",
        "plan",
        "cut",
        "run",
        "swim",
        "sit",
        "put",
        "get",
        "forget",
        "begin",
        "win",
        "travel",
        "hug",
    ]
)


@cache
def third(base: str) -> str:
    """He eats, she watches, it has."""
    if base in ("be", "have"):
        return {"be": "is", "have": "has"}[base]
    if base.endswith(("s", "sh", "ch", "x", "o")):
        return base + "es"
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ies"
    return base + "s"


@cache
def past(base: str) -> str:
    """The simple past (of `be`, the form for I and he)."""
    return _IRREGULAR[base].split()[0] if base in _IRREGULAR else _regular_past(base)


@cache
def participle(base: str) -> str:
    """The past participle."""
    return _IRREGULAR[base].split()[1] if base in _IRREGULAR else _regular_past(base)


@cache
def gerund(base: str) -> str:
    """The form in -ing."""
    if base.endswith("ie"):
        return base[:-2] + "ying"
    if base.endswith("e") and not base.endswith("ee") and base != "be":
        return base[:-1] + "ing"
    return _doubled(base) + "ing"


def _regular_past(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ied"
    return _doubled(base) + "ed"


def _doubled(base: str) -> str:
    return base + base[-1] if base in _DOUBLED else base


def be(person: int, *, past_tense: bool) -> str:
    """am, are, is, was, were, for person 0 (I) to 5 (they)."""
    if past_tense:
        return "was" if person in (0, 2) else "were"
    return ("am", "are", "is", "are", "are", "are")[person]
