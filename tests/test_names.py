"""The names of rows and columns: as a reader sees them, and never cut within a character."""

import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from nmt.data.words import clusters, is_blank
from nmt.plots.heatmap import save_heatmaps
from nmt.plots.names import shown
from nmt.plots.pictures import drawn, substitutes
from support.attention_records import by_word

FAMILY = "👨\u200d👩\u200d👧"


@pytest.mark.parametrize(
    ("name", "longest", "expected"),
    [
        ("word", 4, "word"),
        ("words", 4, "wor…"),
        ("हिन्दी", 2, "हिन्दी"),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
        (f"{FAMILY}a🇫🇷", 3, f"{FAMILY}a🇫🇷"),
        (f"{FAMILY}ab🇫🇷", 3, f"{FAMILY}a…"),
        ("10\u202f000", 9, "10 000"),
        ("co\u00adop\u200b\u202e", 9, "coop"),
        ("می\u200cخواهم", 9, "می\u200cخواهم"),
        ("\u200b", 9, "U+200B"),
        ("\u00a0", 9, "U+00A0"),
        ("a\x1b\tb", 9, "a\x1b\tb"),
        ("", 9, ""),
        ("a" + "\u0301" * 1000, 3, "a" + "\u0301" * 15),
    ],
)
def test_a_name_is_shown_so(name: str, longest: int, expected: str) -> None:
    assert shown(name, longest) == expected


@given(st.text(st.characters(codec=None), max_size=60), st.integers(2, 20))
def test_a_name_is_never_too_long_or_invisible(name: str, longest: int) -> None:
    assert len(clusters(shown(name, longest))) <= longest + 1  # may join the last one
    assert cell_len(shown(name, longest, width=cell_len)) <= longest
    assert is_blank(name) or not is_blank(shown(name, 200))


def test_an_emoji_that_the_font_lacks_is_one_substitute() -> None:
    assert drawn(f"a{FAMILY}", 9) == "a👨"
    assert drawn("a👋🏽", 9).translate(substitutes(["👋"])) == "a\ufffd"


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_names_of_every_script_are_drawn_without_a_warning(kind: str, tmp_path: Path) -> None:
    text = (
        f"हिन्दी العَرَبِيَّةُ שָׁלוֹם می\u200cخواهم {FAMILY} 🇫🇷 1️⃣ \u2067x\u2069 co\u00adop e\u0301 日 $a_b"
    )
    record = by_word(text, f"日 {text[:40]}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (path,) = save_heatmaps([record], tmp_path / f"a.{kind}")
    assert path.stat().st_size > 1000
