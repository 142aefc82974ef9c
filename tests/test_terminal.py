import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from nmt.plots import terminal
from nmt.plots.terminal import table
from support.attention_records import by_word, i_love_you, odd, record_of


def test_i_love_you_as_a_table() -> None:
    assert table(i_love_you(), color=False, width=80) == (
        "         I   love    you\n"
        "  je  0.91*  0.05   0.03\n"
        "  t'  0.05   0.15   0.77*\n"
        "aime  0.02   0.93*  0.03"
    )


def test_pieces_and_the_end_are_shown_when_asked_for() -> None:
    shown = table(i_love_you(), color=False, width=80, pieces=True)
    assert [line.split()[0] for line in shown.splitlines()] == [
        "I",
        "je",
        "▁t",
        "'",
        "aime",
        "</s>",
    ]
    assert shown.splitlines()[0].split() == ["I", "▁love", "▁you", "</s>"]
    ended = table(i_love_you(), color=False, width=80, eos=True)
    assert ended.splitlines()[-1].split() == ["</s>", "0.01", "0.02", "0.02", "0.95*"]


def test_colour_marks_the_same_cells_as_stars_do() -> None:
    plain = table(i_love_you(), color=False, width=80)
    colored = table(i_love_you(), color=True, width=80)
    marked = re.sub("\x1b\\[1;7m([0-9.]+)\x1b\\[0m", "\\1*", colored)
    assert "*" not in colored
    assert re.findall(r"\d\.\d\d\*", marked) == re.findall(r"\d\.\d\d\*", plain)
    bare = re.sub("\x1b\\[[0-9;]*m", "", colored)
    assert bare.split() == plain.replace("*", "").split()


@pytest.mark.parametrize("width", [20, 37, 60])
def test_a_wide_table_becomes_blocks_that_fit(width: int) -> None:
    record = by_word(" ".join(f"w{n}" for n in range(20)), "un deux trois")
    blocks = [block.splitlines() for block in table(record, color=False, width=width).split("\n\n")]
    assert len(blocks) > 1
    assert all(len(line) <= width for block in blocks for line in block)
    assert [name for block in blocks for name in block[0].split()] == record.matrix().source
    for row, weights in enumerate(record.matrix().weights, start=1):
        cells = [cell for block in blocks for cell in block[row].split()[1:]]
        assert [float(cell.strip("*")) for cell in cells] == np.round(weights, 2).tolist()
        assert [n for n, cell in enumerate(cells) if cell.endswith("*")] == [weights.argmax()]


def test_a_column_wider_than_the_terminal_is_shown_all_the_same() -> None:
    shown = table(by_word("internationalisation of", "x"), color=False, width=10)
    assert [block.split()[0] for block in shown.split("\n\n")] == ["internationalisation", "of"]


def test_columns_line_up_under_wide_and_combining_letters() -> None:
    lines = table(
        by_word("テスト cafe\u0301 x", "日 e\u0301te\u0301 y 👨‍👩‍👧 한국 हिन्दी"),
        color=False,
        width=90,
    ).splitlines()
    ends = [cell_len(line[: line.index(".") + 3]) for line in lines[1:]]
    assert len(set(ends)) == 1
    first = lines[0].index("テスト") + len("テスト")
    assert cell_len(lines[0][:first]) == ends[0], "a name ends above the last digit"


def test_no_word_can_control_the_terminal() -> None:
    shown = table(by_word("a\x1b[31mb c", "\x07d\u202e e"), color=False, width=90, pieces=True)
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "\u202e" not in shown
    assert len(table(odd(), color=False, width=900).splitlines()) == len(odd().matrix().target) + 1


def test_joined_letters_stay_joined_and_invisible_ones_are_not_shown() -> None:
    record = by_word("می\u200cخواهم 👨\u200d👩\u200d👧 x", "co\u00adop\u2066y \ufeffz")
    shown = table(record, color=False, width=90)
    assert shown.splitlines()[0].split() == ["می\u200cخواهم", "👨\u200d👩\u200d👧", "x"]
    assert [line.split()[0] for line in shown.splitlines()[1:]] == ["coopy", "z"]


@given(st.text(st.characters(codec=None), max_size=40))
def test_no_name_of_any_characters_breaks_the_table(name: str) -> None:
    label = terminal._label(name)
    assert cell_len(label) <= 24
    assert all(letter.isprintable() or letter in terminal.JOINING for letter in label)


def test_a_long_word_is_cut_short() -> None:
    shown = table(by_word("x" * 60, "y"), color=False, width=80)
    assert "x" * 23 + "…" in shown
    assert "x" * 24 not in shown


@pytest.mark.parametrize("target", ["", "rien"])
def test_an_empty_line_has_a_table(target: str) -> None:
    lines = table(record_of("", target), color=False, width=80).splitlines()
    assert lines[0].strip() == "</s>"
    assert lines[1].split() == [target or "</s>", "1.00*"]


def test_the_width_of_the_terminal_is_used(monkeypatch) -> None:
    record = by_word(" ".join(f"w{n}" for n in range(20)), "un")
    monkeypatch.setenv("COLUMNS", "33")
    assert table(record, color=False) == table(record, color=False, width=33)


def test_a_row_without_attention_has_no_mark() -> None:
    nothing = record_of("I see", "je", cuts=((1,), ()), weights=[[0.0, 0.0, 1.0], [0.2, 0.3, 0.5]])
    (row,) = table(nothing, color=False).split("\n")[1:]
    assert row.split() == ["je", "0.00", "0.00"]
