"""The table and the picture that compare the models of a sweep."""

import pytest
from PIL import Image

from nmt.errors import CheckpointError
from nmt.evaluation.league import League, Row, ranked
from nmt.plots import league as picture
from nmt.workflows.sweep.table import COLUMNS, markdown
from support.sweeps import NAMES


def row(name: str, **values) -> Row:
    return Row(name=name, run=f"runs/{name}", mechanism="dot", budget="3 epochs", **values)


@pytest.mark.parametrize("value", ["3", True, [1], 1e300, 10**400, -1.0, float("nan")])
@pytest.mark.parametrize("name", ["bleu", "aer", "sentences_per_second", "parameters", "minutes"])
def test_an_impossible_number_is_reported_with_its_run(name, value):
    with pytest.raises(CheckpointError, match=f"runs/a: its {name} is ") as caught:
        row("a", state="finished", **{name: value})
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def league(*rows: Row) -> League:
    return League(
        rows=ranked(rows), corpus="phrasebook", pairs={"train": 23, "test": 7}, split="test",
        compute="cpu", system="Linux", versions={"nmt": "1", "torch": "2"}, date="2026-01-02",
    )  # fmt: skip


def test_the_best_comes_first_and_models_without_score_last():
    rows = [
        row("a-failed", state="failed"),
        row("third", state="finished", bleu=0.0, chrf=5.0),
        row("second", state="finished", bleu=31.0, chrf=50.0),
        row("first", state="finished", bleu=31.0, chrf=57.0),
    ]
    assert [each.name for each in ranked(rows)] == ["first", "second", "third", "a-failed"]


def test_unequal_budgets_are_shown_with_their_models():
    other = Row(**{**vars(row("b", state="finished", bleu=1.0)), "budget": "5 epochs"})
    told = league(row("a", state="finished", bleu=2.0), other).budget
    assert told == "NOT equal: 3 epochs: a; 5 epochs: b"
    assert league(row("a", state="finished", bleu=2.0)).budget == "3 epochs, the same for all"


def test_a_table_has_as_many_cells_in_every_line():
    text = markdown(
        league(
            row("a", state="finished", bleu=2.0, chrf=3.0, aer=0.125, entropy=0.5, epochs=3),
            row("b", state="failed", reason="the loss | is\nno number"),
        )
    )
    lines = [line for line in text.replace("\\|", "").split("\n") if line.startswith("|")]
    assert {line.count("|") for line in lines} == {len(COLUMNS) + 3}
    assert "| a | 2.00 | 3.00 | 12.5 | 0.50 |" in text


def test_the_picture_holds_every_name_and_number_within_its_frame(tmp_path):
    rows = [
        row(name, state="finished", bleu=91.5 - 10 * n, chrf=1.0, aer=n / 7 if n < 3 else None)
        for n, name in enumerate(NAMES)
    ]
    shown = league(*rows, row("broken", state="failed", reason="why"))
    figure = picture.draw(shown)
    bleu, aer = figure.axes
    labels = [label.get_text().replace("\n", "") for label in bleu.get_yticklabels()]
    assert labels == NAMES
    assert [bar.get_width() for bar in bleu.patches] == [91.5, 81.5, 71.5, 61.5]
    assert [text.get_text() for text in aer.texts] == ["0.0", "14.3", "28.6", "–"]
    width, height = figure.get_size_inches() * figure.dpi
    texts = [*figure.texts, *bleu.get_yticklabels(), bleu.title, aer.title, *aer.texts, *bleu.texts]
    texts += [axes.title for axes in (bleu, aer)] + [axes._left_title for axes in (bleu, aer)]
    for text in texts:
        box = text.get_window_extent()
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= width, text
        assert box.y1 <= height, text
    boxes = [label.get_window_extent() for label in bleu.get_yticklabels()]
    assert all(above.y0 >= below.y1 for above, below in zip(boxes, boxes[1:], strict=False))
    (path,) = picture.save_league(shown, tmp_path / "league.png")
    with Image.open(path) as image:
        assert image.size == (int(width), int(height))


def test_a_corpus_without_gold_links_has_one_panel():
    (axes,) = picture.draw(league(row("a", state="finished", bleu=2.0))).axes
    assert "BLEU" in axes.get_title(loc="left")
