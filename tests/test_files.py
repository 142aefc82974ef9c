"""Corpora in local files, and how their columns are found."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nmt.config import DataConfig
from nmt.data.formats.columns import find_pair
from nmt.data.formats.local import read_split
from nmt.errors import DataError

ODD = ["plain", "with\u2028a separator", "next\x85line", 'a "quoted" word, comma', "tab-free"]
ODD_FRENCH = ["simple", "avec\u2028un séparateur", "ligne\x0bsuivante", "un mot « cité »", "fin"]


@pytest.fixture
def config() -> DataConfig:
    return DataConfig(corpus="files", files={"train": "unused.tsv"})


def _tsv(path: Path) -> None:
    rows = zip(ODD, ODD_FRENCH, strict=True)
    path.write_bytes("".join(f"{english}\t{french}\n" for english, french in rows).encode())


def _tsv_with_header(path: Path) -> None:
    rows = enumerate(zip(ODD, ODD_FRENCH, strict=True))
    text = "fr\tid\ten\n" + "".join(f"{fr}\t{n}\t{en}\n" for n, (en, fr) in rows)
    path.write_bytes(("\ufeff" + text).encode())


def _jsonl(path: Path) -> None:
    rows = zip(ODD, ODD_FRENCH, strict=True)
    lines = (json.dumps({"translation": {"en": en, "fr": fr}}, ensure_ascii=False)
             for en, fr in rows)  # fmt: skip
    path.write_bytes("\n\n".join(lines).encode())


def _csv(path: Path) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    rows = zip(ODD, ODD_FRENCH, strict=True)
    text = "French,English\r\n" + "".join(f"{quoted(fr)},{quoted(en)}\r\n" for en, fr in rows)
    path.write_bytes(text.encode())


def _parquet(path: Path) -> None:
    pq.write_table(pa.table({"english": ODD, "number": [1] * 5, "non_english": ODD_FRENCH}), path)


WRITERS = {
    "pairs.tsv": _tsv, "header.tsv": _tsv_with_header, "pairs.jsonl": _jsonl, "pairs.csv": _csv,
    "pairs.parquet": _parquet,
}  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_pairs(name: str, tmp_path: Path, config: DataConfig) -> None:
    WRITERS[name](tmp_path / name)
    found = read_split(str(tmp_path / name), config)
    assert found.sources == ODD
    assert found.targets == ODD_FRENCH


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_two_aligned_texts_end_lines_with_a_line_feed_only(
    end: bytes, tmp_path: Path, config: DataConfig
) -> None:
    separator = end or b"\n"
    for name, lines in (("a.en", ODD), ("a.fr", ODD_FRENCH)):
        (tmp_path / name).write_bytes(separator.join(line.encode() for line in lines) + end)
    found = read_split((str(tmp_path / "a.en"), str(tmp_path / "a.fr")), config)
    assert found.sources == ODD
    assert found.targets == ODD_FRENCH


def test_misaligned_files_are_refused_with_both_counts(tmp_path: Path, config: DataConfig) -> None:
    (tmp_path / "a.en").write_text("one\ntwo\nthree\n")
    (tmp_path / "a.fr").write_text("un\n\n")
    with pytest.raises(DataError, match=r"a\.en has 3 lines and .*a\.fr has 2"):
        read_split((str(tmp_path / "a.en"), str(tmp_path / "a.fr")), config)


BROKEN = {
    "a.tsv": (b"one\tun\ntwo\tdeux\tdos\n", r"a\.tsv:2: 3 columns where 2"),
    "b.tsv": (b"one\tun\ntwo\n", r"b\.tsv:2: 1 columns where 2"),
    "c.tsv": (b"one\tun\ntwo\td\xe9ux\n", r"c\.tsv:2: not valid UTF-8 \(byte 0xe9\)"),
    "d.tsv": ("one\tun\n".encode("utf-16"), r"d\.tsv:1: .* looks like UTF-16"),
    "a.jsonl": (b'{"en": "a", "fr": "b"}\n{"en": \n', r"a\.jsonl:2: not JSON"),
    "b.jsonl": (b'["a", "b"]\n', r"b\.jsonl:1: not a JSON object"),
    "c.jsonl": (b'{"en": "a", "fr": "b"}\n{"en": "a"}\n', r"c\.jsonl:2: this object lacks 'fr'"),
    "d.jsonl": (b'{"en": "a", "fr": "b"}\n{"en": "a", "fr": 3}\n', r"d\.jsonl:2: 'fr' is 3"),
    "e.jsonl": (b'{"en": "a", "de": "b"}\n', r"no column for French \('fr'\)"),
    "a.csv": (b"en,fr\none,un\ntwo, deux, dos\n", r"a\.csv:3: 3 columns where the header has 2"),
    "b.csv": (b"x,y\none,un\n", r"b\.csv: no column for English .* it has the text columns x, y"),
    "a.parquet": (b"PAR1 and then nothing", r"a\.parquet: not a Parquet file, or cut short"),
    "a.xlsx": (b"PK", r"a\.xlsx: cannot read a '\.xlsx' file"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_reported_with_its_line(
    name: str, tmp_path: Path, config: DataConfig
) -> None:
    content, message = BROKEN[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_split(str(tmp_path / name), config)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.tsv", "a.csv", "a.jsonl"])
def test_a_byte_order_mark_alone_is_an_empty_file(
    name: str, tmp_path: Path, config: DataConfig
) -> None:
    found = []
    for content in (b"", b"\xef\xbb\xbf"):
        (tmp_path / name).write_bytes(content)
        try:
            found.append(str(read_split(str(tmp_path / name), config)))
        except DataError as error:
            found.append(str(error))
    assert found[0] == found[1]


def test_a_missing_file_and_a_folder_are_reported(tmp_path: Path, config: DataConfig) -> None:
    with pytest.raises(DataError, match=r"no file .*absent\.tsv"):
        read_split(str(tmp_path / "absent.tsv"), config)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match="is a folder"):
        read_split(str(tmp_path / "folder.csv"), config)


def test_null_sides_and_null_structs_are_kept_for_counting(
    tmp_path: Path, config: DataConfig
) -> None:
    path = tmp_path / "nulls.jsonl"
    path.write_text(
        '{"translation": {"en": "a", "fr": "b"}}\n{"translation": null}\n'
        '{"translation": {"en": null, "fr": "c"}}\n'
    )
    found = read_split(str(path), config)
    assert found.sources == ["a", None, None]
    assert found.targets == ["b", None, "c"]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["de", "en", "fr"], ("en", "fr")),
        (["fr", "en", "en_tokens", "fr_tokens"], ("en", "fr")),
        (["id", "translation.de", "translation.fr", "translation.en"],
         ("translation.en", "translation.fr")),
        (["non_english", "english"], ("english", "non_english")),
        (["text_fr", "text_en", "text"], ("text_en", "text_fr")),
        (["eng_Latn", "fra_Latn"], ("eng_Latn", "fra_Latn")),
        (["English words/sentences", "French words/sentences"],
         ("English words/sentences", "French words/sentences")),
        (["english", "text_fr"], ("english", "text_fr")),
        (["sentence.en", "length", "sentence.fr"], ("sentence.en", "sentence.fr")),
    ],
)  # fmt: skip
def test_columns_are_found_by_their_language(columns: list[str], expected: tuple[str, str]) -> None:
    assert find_pair(columns, ("en", "fr")) == expected
    assert find_pair(columns, ("fr", "en")) == expected[::-1]


def test_columns_that_are_named_win_and_must_exist() -> None:
    columns = ["en", "fr", "simple"]
    assert find_pair(columns, ("en", "fr"), named=("simple", None)) == ("simple", "fr")
    assert find_pair(["a", "b"], ("en", "fr"), named=("b", "a")) == ("b", "a")
    with pytest.raises(DataError, match="no text column 'x'; it has the text columns en, fr"):
        find_pair(columns, ("en", "fr"), named=("x", "fr"))


def test_a_first_line_that_mentions_languages_is_not_a_header(
    tmp_path: Path, config: DataConfig
) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text("my English\tmon français\none\tun\n", encoding="utf-8")
    assert read_split(str(path), config).sources == ["my English", "one"]


def test_ambiguous_and_lone_columns_are_refused() -> None:
    with pytest.raises(DataError, match="several pairs of columns match"):
        find_pair(["a_en", "a_fr", "b_en", "b_fr"], ("en", "fr"))
    with pytest.raises(DataError, match=r"only one text column \('text'\)"):
        find_pair(["text"], ("en", "fr"))
    with pytest.raises(DataError, match="no column for English"):
        find_pair(["non_english", "text_fr"], ("en", "fr"))
    with pytest.raises(DataError, match="it has no text column"):
        find_pair([], ("en", "fr"))
