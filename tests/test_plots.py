import dataclasses
import html
import logging
import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from nmt.errors import UsageError
from nmt.evaluation.records import AttentionRecord, Matrix
from nmt.plots import heatmap, maps
from nmt.plots.heatmap import draw, save_heatmaps
from nmt.plots.maps import save_maps
from support.attention_records import by_word, i_love_you, odd, record_of

FRENCH = "Le cœur naïf d’où s'élève « ça », à Noël…"


def texts(path: Path) -> list[str]:
    """What an SVG writes, as text and not as outlines."""
    found = re.findall(r"<text[^>]*>(.*?)</text>", path.read_text(encoding="utf-8"), re.DOTALL)
    return [text.strip() for text in found]


def words(number: int) -> str:
    return " ".join(f"mot{n}" for n in range(number))


def test_source_is_across_the_top_and_the_translation_down_the_side(tmp_path: Path) -> None:
    axes = draw(i_love_you().matrix()).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["I", "love", "you"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["je", "t'", "aime"]
    assert axes.xaxis.get_ticks_position() == "top"
    top, bottom = (axes.transData.transform((0, row + 0.5))[1] for row in (0, 2))
    assert top > bottom, "the first word of the translation is the highest row"


def test_more_weight_is_darker(tmp_path: Path) -> None:
    (path,) = save_heatmaps([i_love_you()], tmp_path / "love.png")
    picture = np.asarray(Image.open(path).convert("L"), dtype=float)
    matrix = i_love_you().matrix()
    axes = draw(matrix).axes[0]
    light = np.empty_like(matrix.weights)
    for row, column in np.ndindex(light.shape):
        x, y = axes.transData.transform((column + 0.2, row + 0.2))  # next to the number
        light[row, column] = picture[round(picture.shape[0] - y), round(x)]
    assert light.argmin() == matrix.weights.argmax()
    assert light.ravel()[matrix.weights.ravel().argsort()].tolist() == sorted(light.ravel())[::-1]


def test_an_svg_names_and_numbers_its_cells(tmp_path: Path) -> None:
    (path,) = save_heatmaps([by_word("The naive heart", FRENCH)], tmp_path / "a.svg", eos=True)
    found = texts(path)
    for word in ("cœur", "naïf", "d’", "où", "s'", "élève", "«", "ça", "à", "Noël", "…"):
        assert word in found
    assert "&lt;/s&gt;" in found
    love = texts(save_heatmaps([i_love_you()], tmp_path / "love.svg")[0])
    assert {"0.91", "0.77", "0.93", "je", "t'", "aime"} <= set(love)
    assert "luong · step 4,000 · log-probability −1.25" in love
    assert "&lt;/s&gt;" not in love
    assert "▁t" in texts(save_heatmaps([i_love_you()], tmp_path / "p.svg", pieces=True)[0])


def test_formulas_and_tags_are_drawn_as_they_are(tmp_path: Path) -> None:
    record = by_word("a$b_ $x^2$ <b>", r"\alpha $ $y_1$", id="dollars")
    (path,) = save_heatmaps([record], tmp_path / "a.svg", pieces=True)
    assert {"▁$x^2$", "▁&lt;b&gt;", r"\alpha", "▁$", "▁$y_1$"} <= set(texts(path))


@pytest.mark.parametrize(
    ("rows", "columns"), [(1, 2), (12, 3), (9, 13), (40, 41), (100, 100), (3, 500)]
)
def test_names_stay_legible_and_inside(rows: int, columns: int) -> None:
    figure = draw(record_matrix(rows, columns), "a caption longer than a small matrix. " * 3)
    axes, width, height = figure.axes[0], *figure.get_size_inches() * figure.dpi
    if max(rows, columns) <= 100:
        assert (len(axes.get_yticklabels()), len(axes.get_xticklabels())) == (rows, columns)
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        boxes = [label.get_window_extent() for label in labels]
        assert all(label.get_fontsize() >= 7 for label in labels)
        assert all(box.x0 >= 0 and box.y0 >= 0 for box in boxes)
        assert all(box.x1 <= width and box.y1 <= height for box in boxes)
        for one, other in zip(boxes, boxes[1:], strict=False):
            slanted = labels[0].get_rotation() == 45
            assert slanted or not one.overlaps(other)
    assert figure.texts[0].get_window_extent().x1 <= width
    assert max(figure.get_size_inches()) < 45


def record_matrix(rows: int, columns: int) -> Matrix:
    return Matrix(
        [f"long-word-{n}" for n in range(rows)],
        [f"another-much-longer-word-{n}" for n in range(columns)],
        np.full((rows, columns), 1 / columns),
    )


@pytest.mark.parametrize("size", [3, 60, 160])
def test_colours_run_from_zero_to_one_in_every_picture(size: int) -> None:
    axes, bar = draw(record_matrix(size, size)).axes
    (shading,) = [*axes.collections, *axes.images]
    assert shading.get_clim() == (0, 1)
    assert bar.get_ylim() == (0, 1)


def test_only_small_matrices_are_numbered() -> None:
    assert len(draw(record_matrix(12, 11)).axes[0].texts) == 132
    assert not draw(record_matrix(12, 13)).axes[0].texts


def test_an_over_long_word_is_cut_short(tmp_path: Path) -> None:
    (path,) = save_heatmaps([by_word("x" * 99, "y")], tmp_path / "a.svg")
    assert "x" * 31 + "…" in texts(path)


@pytest.mark.parametrize("record", [record_of("", ""), record_of("", "rien"), record_of("a", "")])
def test_empty_sentences_have_a_picture(record, tmp_path: Path) -> None:
    (path,) = save_heatmaps([record], tmp_path / "a.png")
    with Image.open(path) as picture:
        assert picture.width > 50


def test_a_translation_of_nothing_at_all_has_a_picture() -> None:
    assert draw(Matrix([], ["</s>"], np.zeros((0, 1)))).axes


def test_several_records_are_pages_or_numbered_files(tmp_path: Path) -> None:
    records = [i_love_you(), by_word("one two", "un deux"), odd()]
    (pdf,) = save_heatmaps(records, tmp_path / "all.pdf")
    assert len(re.findall(rb"/Type /Page\b", pdf.read_bytes())) == 3
    paths = save_heatmaps(records, tmp_path / "some.svg")
    assert [path.name for path in paths] == ["some-1.svg", "some-2.svg", "some-3.svg"]
    assert "deux" in texts(paths[1])
    assert save_heatmaps(records[:1], tmp_path / "one.PNG") == [tmp_path / "one.PNG"]


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_equal_records_give_equal_bytes(kind: str, tmp_path: Path) -> None:
    one, other = (
        save_heatmaps([i_love_you()], tmp_path / f"{name}.{kind}")[0].read_bytes()
        for name in ("one", "other")
    )
    assert one == other
    assert b"Date" not in one


@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_pictures_appear_all_or_none(kind: str, tmp_path: Path, monkeypatch) -> None:
    drawn: list[Figure] = []

    def failing(matrix: Matrix, caption: str) -> Figure:
        if drawn:
            raise MemoryError
        drawn.append(draw(matrix, caption))
        return drawn[0]

    monkeypatch.setattr(heatmap, "draw", failing)
    with pytest.raises(MemoryError):
        save_heatmaps([i_love_you(), odd()], tmp_path / f"a.{kind}")
    assert list(tmp_path.iterdir()) == []


def test_an_html_page_is_a_kind_of_picture(tmp_path: Path) -> None:
    (path,) = save_heatmaps([i_love_you(), odd()], tmp_path / "a.html")
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("name", ["a.gif", "a"])
def test_another_kind_of_file_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="use one of: png, svg, pdf, html"):
        save_heatmaps([i_love_you()], tmp_path / name)


def test_nothing_to_draw_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no attention record"):
        save_heatmaps([], tmp_path / "a.png")


def test_letters_that_the_font_lacks_are_named_once(tmp_path: Path, caplog) -> None:
    records = [by_word("日本 a\tb", "日 æ"), by_word("語", "œ")]
    with caplog.at_level(logging.WARNING):
        save_heatmaps(records, tmp_path / "a.png", pieces=True)
    (warning,) = caplog.messages
    assert "has no '\\t' 日 本 語;" in warning


def test_the_settings_of_matplotlib_are_neither_changed_nor_used(tmp_path: Path) -> None:
    plain = save_heatmaps([i_love_you()], tmp_path / "plain.svg")[0].read_bytes()
    with mpl.rc_context({"font.size": 31, "axes.grid": True, "svg.fonttype": "path"}):
        before = dict(mpl.rcParams)
        own = save_heatmaps([i_love_you()], tmp_path / "own.svg")[0].read_bytes()
        assert dict(mpl.rcParams) == before
    assert own == plain


def with_maps() -> AttentionRecord:
    """Two heads in the encoder's one layer and one in each of the decoder's two kinds."""
    plain = by_word("I love you", "je t'aime beaucoup trop")
    rows, columns = len(plain.target_pieces), len(plain.source_pieces)
    found = {
        "encoder layer 1 head 1": np.eye(columns).tolist(),
        "encoder layer 1 head 2": np.full((columns, columns), 1 / columns).tolist(),
        "decoder layer 1 head 1 self": np.eye(rows).tolist(),
        "decoder layer 1 head 1": np.full((rows, columns), 1 / columns).tolist(),
    }
    return dataclasses.replace(plain, maps=found)


def test_every_layer_and_head_has_its_place_in_a_picture(tmp_path: Path) -> None:
    (path,) = save_maps([by_word("one", "un"), with_maps()], tmp_path / "maps.svg")
    found = texts(path)
    assert [text for text in found if "head" in text] == list(with_maps().maps)
    assert "&lt;s&gt;" in found, "a decoder begins to read at the start of the sentence"
    figure = maps.draw(with_maps())
    tops = [round(axes.get_position().y1, 3) for axes in figure.axes]
    lefts = [round(axes.get_position().x0, 3) for axes in figure.axes]
    assert tops[0] == tops[1] > tops[2] > tops[3]
    assert lefts[0] == lefts[2] == lefts[3] < lefts[1]


def test_without_layers_and_heads_an_alternative_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="translate again .* or leave out --maps"):
        save_maps([i_love_you()], tmp_path / "maps.png")
    with pytest.raises(UsageError, match="'.gif' is not a picture format"):
        save_maps([with_maps()], tmp_path / "maps.gif")


def test_every_layer_and_head_has_its_place_on_a_page(tmp_path: Path) -> None:
    record = with_maps()
    (path,) = save_maps([record, by_word("one", "un"), record], tmp_path / "maps.html")
    page = path.read_text(encoding="utf-8")
    assert re.findall("<h3>(.*)</h3>", page) == list(record.maps) * 2
    tables = re.findall("<table>.*?</table>", page, flags=re.DOTALL)
    for table, name in zip(tables, [*record.maps] * 2, strict=True):
        matrix = record.map(name)
        percents = [cell or 0 for cell in re.findall("<td(?: [^>]*)?>(\\d*)</td>", table)[1:]]
        assert [int(cell) for cell in percents] == (100 * matrix.weights).round().ravel().tolist()
        assert [html.unescape(word) for word in re.findall("<span>(.*?)</span>", table)] == (
            matrix.source
        )


def mapped(names: list[str]) -> AttentionRecord:
    """A record that has only maps of 2 x 2 weights."""
    identity = [[1.0, 0.0], [0.5, 0.5]]
    return dataclasses.replace(record_of("a", "b"), maps=dict.fromkeys(names, identity))


def test_special_characters_in_map_names_are_text_not_formulas(tmp_path: Path) -> None:
    names = ["encoder $\\frac{$", "encoder \x1b]0;o\x07\n", "decoder " + "long " * 20_000]
    (path,) = save_maps([mapped(names)], tmp_path / "maps.svg")
    titles = [html.unescape(text) for text in texts(path) if "coder" in text]
    assert titles == [
        names[0],
        "encoder \ufffd]0;o\ufffd\ufffd",
        "decoder long long long long long long l…",
    ]


@pytest.mark.parametrize("beginning", ["decoder layer 1 head", "encoder layer"])
def test_a_picture_of_too_many_maps_is_refused(beginning: str, tmp_path: Path) -> None:
    record = mapped([f"{beginning} {n}" for n in range(300)])
    with pytest.raises(UsageError, match=r"record 0 holds 300 maps, too many for a pict"):
        save_maps([record], tmp_path / "maps.png")
    assert not list(tmp_path.iterdir())
    assert save_maps([record], tmp_path / "maps.html") == [tmp_path / "maps.html"]


@pytest.mark.parametrize("run", ["$\\frac{$ \x1b[2J" + "x" * 10**6, ["luong"], {"a": 1}, 7, True])
def test_a_caption_has_room_for_any_run(run: object, tmp_path: Path) -> None:
    record = dataclasses.replace(i_love_you(), model={"run": run, "step": 10**4000})
    (path,) = save_heatmaps([record], tmp_path / "a.svg")
    caption = html.unescape(texts(path)[-1])
    assert caption.endswith("log-probability −1.25")
    assert caption.isprintable()
    assert len(caption) < 80
