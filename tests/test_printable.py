"""Which characters of foreign text may be shown unescaped."""

import pytest

from nmt.errors import NmtError, printable

BIDI_CONTROL = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
"""All letters with this property of Unicode (PropList.txt)."""


@pytest.mark.parametrize("code", BIDI_CONTROL)
def test_no_bidirectional_control_is_shown(code):
    assert printable(f"a{chr(code)}b") == f"a\\u{code:04x}b"


@pytest.mark.parametrize("text", ["\t" * 250, "x" * 301, "\ud800" * 300], ids=repr)
def test_what_is_shown_is_bounded_after_it_is_escaped_too(text):
    shown = printable(text, most=300)
    assert len(shown) == 303
    assert shown.endswith("...")


def test_a_long_message_keeps_the_advice_at_its_end():
    message = str(NmtError("a.csv: " + "\x1b" * 2000 + ": choose another file", "short"))
    first, second = message.split("\n")
    assert first.startswith(r"a.csv: \x1b\x1b")
    assert first.endswith(r"\x1b: choose another file")
    assert len(first) == 1000
    assert second == "short"
