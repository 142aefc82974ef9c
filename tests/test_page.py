import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nmt.plots.page import save_page
from support.attention_records import ODD_SOURCE, ODD_TARGET, by_word, i_love_you, odd, record_of


class Page(HTMLParser):
    """The elements of a page, and the text of each script."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.text = path.read_text(encoding="utf-8")
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.lasttag == "script":
            self.scripts[-1] += data

    @property
    def content(self) -> dict[str, Any]:
        return json.loads(self.scripts[0])

    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}

    def attributes(self, name: str) -> list[str]:
        return [attributes[name] or "" for _, attributes in self.elements if name in attributes]


def page_of(*records, folder: Path, **options) -> Page:
    save_page(records, folder / "page.html", **options)
    return Page(folder / "page.html")


@pytest.mark.parametrize("unit", ["words", "pieces"])
def test_the_weights_come_back_from_the_page(unit: str, tmp_path: Path) -> None:
    records = [i_love_you(), odd(), record_of("", "")]
    page = page_of(*records, folder=tmp_path)
    for record, entry in zip(records, page.content["records"], strict=True):
        matrix = record.matrix(pieces=unit == "pieces", eos=True)
        grid = entry[unit]
        assert (grid["target"], grid["source"]) == (matrix.target, matrix.source)
        weights = np.reshape(grid["weights"], matrix.weights.shape) / 1000
        np.testing.assert_allclose(weights, matrix.weights, atol=0.0005001)
        assert len(entry["token_scores"]) == len(record.target_pieces)
        assert entry["score"] == record.score


def test_a_page_loads_nothing(tmp_path: Path) -> None:
    page = page_of(i_love_you(), odd(), folder=tmp_path)
    assert not re.search(r"(https?:)?//\w", page.text)
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|WebSocket|import\(", page.text)
    assert page.attributes("src") == page.attributes("href") == []
    assert page.tags().isdisjoint({"link", "img", "iframe", "object", "embed", "base", "form"})
    (policy,) = (a["content"] for t, a in page.elements if "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none';")


def test_sentences_cannot_break_out_of_the_data(tmp_path: Path) -> None:
    page = page_of(odd(), folder=tmp_path)
    (entry,) = page.content["records"]
    assert (entry["source"], entry["target"]) == (ODD_SOURCE, ODD_TARGET)
    assert [tag for tag, _ in page.elements].count("script") == 2
    assert "<b>" not in page.text.replace("element(", "")
    assert "<script>alert" not in page.text
    assert "cœur" in page.text, "accents stay readable in the source of the page"


def test_a_title_cannot_break_out_either(tmp_path: Path) -> None:
    page = page_of(i_love_you(), folder=tmp_path, title="</title><script>alert(1)</script> & é")
    assert [tag for tag, _ in page.elements].count("script") == 2
    assert "&lt;/title&gt;" in page.text


@pytest.mark.parametrize(("pieces", "eos"), [(False, None), (True, False)])
def test_the_initial_view_is_chosen_by_the_caller(pieces, eos, tmp_path: Path) -> None:
    content = page_of(i_love_you(), folder=tmp_path, pieces=pieces, eos=eos).content
    assert (content["pieces"], content["eos"]) == (pieces, eos)


def test_the_script_finds_every_element_that_it_asks_for(tmp_path: Path) -> None:
    page = page_of(i_love_you(), folder=tmp_path)
    ids = page.attributes("id")
    wanted = set(re.findall(r'\$\("([\w-]+)"\)', page.scripts[1]))
    assert wanted
    assert wanted <= set(ids)
    assert len(ids) == len(set(ids))


def test_a_page_can_be_used_without_eyes_and_without_a_mouse(tmp_path: Path) -> None:
    page = page_of(i_love_you(), odd(), folder=tmp_path)
    ids = set(page.attributes("id"))
    labels = set(page.attributes("for"))
    assert ("html", {"lang": "en"}) in page.elements
    assert {"nav", "main", "h1", "fieldset", "legend", "noscript"} <= page.tags()
    for tag, attributes in page.elements:
        if tag == "button":
            assert attributes.get("aria-label")
        if tag == "input" and attributes["type"] == "search":
            assert attributes["id"] in labels
    assert labels <= ids
    script = page.scripts[1]
    for promise in ('role: "grid"', 'role: "gridcell"', '"aria-label"', "ArrowDown", "tabIndex"):
        assert promise in script


def test_dark_mode_and_print_have_their_styles(tmp_path: Path) -> None:
    text = page_of(i_love_you(), folder=tmp_path).text
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    assert "print-color-adjust: exact" in text


def test_a_thousand_sentences_make_a_page_of_moderate_size(tmp_path: Path) -> None:
    record = by_word(
        "the old man has a new house in town .", "le vieil homme a une maison en ville ."
    )
    path = tmp_path / "page.html"
    save_page((record for _ in range(1000)), path)
    assert path.stat().st_size < 2_000_000
    assert len(Page(path).content["records"]) == 1000


def test_equal_records_give_equal_pages(tmp_path: Path) -> None:
    first = page_of(i_love_you(), odd(), folder=tmp_path).text
    assert page_of(i_love_you(), odd(), folder=tmp_path).text == first
