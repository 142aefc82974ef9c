"""What of a stranger's text may be shown as it is."""

import pytest

from nmt.errors import printable

BIDI_CONTROL = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
"""All letters with this property of Unicode (PropList.txt)."""


@pytest.mark.parametrize("code", BIDI_CONTROL)
def test_no_letter_that_turns_the_line_around_is_shown(code):
    assert printable(f"a{chr(code)}b") == f"a\\u{code:04x}b"
