"""The page of heat maps of a sweep, and its picture."""

from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from nmt.evaluation.records import Matrix, read_records
from nmt.plots import small_multiples
from nmt.plots.side_by_side import ComparedSentence, Panel, save_side_by_side
from support.sweeps import FOLDER, NAMES, Page, rows_of


@pytest.mark.slow
def test_the_page_shows_every_sentence_by_every_model(nmt):
    sentences = ["I see dogs", "we <love> trees & birds"]
    options = [part for sentence in sentences for part in ("--sentence", sentence)]
    found = nmt("sweep", "--table-only", *options)
    assert found.status == 0
    page = Page(nmt.folder / FOLDER / "attention.html")
    assert page.texts["h2"] == sentences
    names = [row["name"] for row in rows_of(nmt.folder).values()]
    assert page.texts["h3"] == names * 2
    assert {link[0] for link in page.links} == {"#"}, "nothing is loaded from elsewhere"
    assert "script" not in page.tags
    records = list(read_records(nmt.folder / FOLDER / "attention.jsonl"))
    assert [record.source for record in records] == sentences * 2
    assert {record.model["run"] for record in records} == {"early", "general"}
    assert {record.target for record in records} <= set(page.texts["p"])
    assert page.tags.count("table") == 4, "a model without attention has no matrix"
    assert "as one vector" in " ".join(page.texts["p"])
    with Image.open(nmt.folder / FOLDER / "attention.png") as drawn:
        assert min(drawn.size) > 300


@pytest.mark.slow
def test_a_run_without_its_checkpoint_leaves_the_page_to_the_others(nmt):
    for path in (nmt.folder / FOLDER / "general/checkpoints").glob("*/model.safetensors"):
        path.unlink()
    found = nmt("sweep", "--table-only", "--sentence", "I see dogs")
    assert found.status == 0
    assert "general is not shown" in found.err
    page = Page(nmt.folder / FOLDER / "attention.html")
    assert set(page.texts["h3"]) == set(rows_of(nmt.folder))
    assert "not shown: " in " ".join(page.texts["p"])
    records = list(read_records(nmt.folder / FOLDER / "attention.jsonl"))
    assert {record.model["run"] for record in records} == {"early"}


def test_the_weights_of_the_page_are_those_of_the_matrix(tmp_path):
    weights = np.array([[0.904, 0.096, 0.0], [0.0, 0.25, 0.746]])
    matrix = Matrix(["je", "<t'>"], ["I", "love", "you"], weights)
    panel = Panel(
        name="dot", mechanism="m", formula="score(q, k) = q . k", scores="BLEU 9.0",
        translation="je <t'>", matrix=matrix,
    )  # fmt: skip
    save_side_by_side(
        [ComparedSentence("I love you", [panel])],
        tmp_path / "p.html",
        title="T",
        about=[],
        footer="F",
    )
    page = Page(tmp_path / "p.html")
    assert page.texts["td"] == ["", "90", "10", "", "", "25", "75"]
    assert page.texts["th"][3:] == ["je", "<t'>"]
    assert page.texts["span"] == ["I", "love", "you"]
    assert page.texts["code"] == ["score(q, k) = q . k"]


@pytest.mark.parametrize(("models", "sentence"), [(2, "I " * 60 + "$o$"), (8, "I $o$")])
def test_the_picture_of_a_sentence_has_a_matrix_for_each_attending_model(
    models, sentence, tmp_path
):
    names = [*NAMES, *(f"model-{n}" for n in range(models))][:models] + ["looks-nowhere"]
    dice = np.random.default_rng(3)
    panels = [
        Panel(
            name=name,
            matrix=Matrix(["je", "t'", "aime"], ["I", "$o$"], dice.dirichlet(np.ones(2), 3))
            if name != "looks-nowhere" else None,
        )
        for name in names
    ]  # fmt: skip
    section = ComparedSentence(sentence, panels)
    figure = small_multiples.draw(section)
    figure.canvas.draw()
    assert [axes.get_title().replace("\n", "") for axes in figure.axes] == names[:-1]
    for axes, panel in zip(figure.axes, panels, strict=False):
        assert panel.matrix is not None
        np.testing.assert_array_equal(axes.images[0].get_array(), panel.matrix.weights)
        assert [label.get_text() for label in axes.get_xticklabels()] == ["I", "$o$"]
        assert [label.get_text() for label in axes.get_yticklabels()] == ["je", "t'", "aime"]
    heading, note = (text.get_text().replace("\n", " ") for text in figure.texts)
    assert (heading, note) == (sentence, "No matrix: looks-nowhere")
    width, height = figure.get_size_inches() * figure.dpi
    boxes = [axes.get_tightbbox() for axes in figure.axes]
    boxes += [text.get_window_extent() for text in figure.texts]
    for box in boxes:
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= width
        assert box.y1 <= height
    for one, other in combinations(boxes, 2):
        assert not one.overlaps(other)
    assert small_multiples.save_small_multiples(section, tmp_path / "a.png") == [tmp_path / "a.png"]


def test_without_an_attending_model_there_is_no_picture(tmp_path):
    panel = Panel(name="n", matrix=None)
    (tmp_path / "a.png").write_text("of another sentence", encoding="utf-8")
    found = small_multiples.save_small_multiples(ComparedSentence("I", [panel]), tmp_path / "a.png")
    assert found == []
    assert list(tmp_path.iterdir()) == []


def test_a_page_of_forty_models_stays_small(tmp_path):
    words = [f"word{n}" for n in range(15)]
    matrix = Matrix(words, words, np.random.default_rng(1).dirichlet(np.ones(15), 15))
    panel = Panel(
        name="n" * 30, mechanism="m" * 150, formula="f" * 60, scores="s" * 30,
        translation=" ".join(words), matrix=matrix,
    )  # fmt: skip
    sections = [ComparedSentence(" ".join(words), [panel] * 40)] * 3
    save_side_by_side(sections, tmp_path / "p.html", title="T", about=["a"], footer="F")
    assert (tmp_path / "p.html").stat().st_size < 2_000_000
