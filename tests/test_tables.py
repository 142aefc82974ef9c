"""Tables as people have them: separators, headers, blank lines, quotes, language names."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.config import DataConfig
from nmt.data.corpus.types import RawBitext
from nmt.data.formats import opening
from nmt.data.formats.columns import find_pair
from nmt.data.formats.local import read_split
from nmt.errors import DataError

ENGLISH = ["I see, now.", "a red; car", "two|apples", "It's 'mine'"]
FRENCH = ["Je vois, là.", "une voiture; rouge", "deux|pommes", "C'est « à moi »"]
Read = Callable[..., RawBitext]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The corpus read from a file with this name and content."""

    def read(name: str, content: str | bytes, **data: object) -> RawBitext:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_split(
            str(path), DataConfig(corpus="files", files={"train": "x"}, **data)
        ).whole()

    return read


def quoted(*cells: str, separator: str) -> str:
    return separator.join('"' + cell.replace('"', '""') + '"' for cell in cells)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "header", [("en", "fr"), ("id", "French", "english"), ("EN-us", "x", "fr_CA")]
)
@pytest.mark.parametrize("before", ["", "\ufeff", "\n\n", "\r\n"])
def test_a_csv_uses_the_separator_of_its_header(
    separator: str, header: tuple[str, ...], before: str, read: Read
) -> None:
    def row(number: int) -> str:
        cells = {"e": ENGLISH[number], "f": FRENCH[number]}
        return quoted(
            *(cells.get(name[0].lower(), f"{number}") for name in header), separator=separator
        )

    text = before + "\n".join([separator.join(header), *map(row, range(4))]) + "\n"
    found = read("pairs.csv", text)
    assert (found.sources, found.targets) == (ENGLISH, FRENCH)


def test_the_separator_is_the_one_that_gives_rows_of_equal_width(read: Read) -> None:
    text = "English (a;b),French (a;b)\none,un\ntwo,deux\n"
    assert read("pairs.csv", text).targets == ["un", "deux"]
    text = "English (a,b);French (a,b)\none;un\ntwo;deux\n"
    assert read("pairs.csv", text).targets == ["un", "deux"]


def test_a_spreadsheet_may_declare_its_separator(read: Read) -> None:
    assert read("pairs.csv", "sep=;\r\nen;fr\r\none;un\r\n").targets == ["un"]


@pytest.mark.parametrize(
    "columns",
    [["en-fr"], ["id", "en-fr"], ["en;fr"], ["id;english;french"], ["en\tfr"], ["en_fr", "text"],
     ["translation.en-fr"], ["en|fr"], ["english french"], ["source,target"], ["fr-en", "id"]],
)  # fmt: skip
def test_a_column_that_names_both_languages_never_serves_as_both_sides(columns: list[str]) -> None:
    for languages in (("en", "fr"), ("fr", "en"), ("eng", "fr-FR")):
        with pytest.raises(DataError):
            find_pair(columns, languages)


WORDS = ["en", "fr", "non", "id", "source", "target", "-", "_", ";", ".", "CA"]


@given(
    columns=st.lists(
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map("".join),
        min_size=1, max_size=4,
    ),
    named=st.tuples(st.sampled_from([None, "en", "en-fr"]), st.sampled_from([None, "fr", "en-fr"])),
    headers_only=st.booleans(),
)  # fmt: skip
def test_source_and_target_are_two_columns_of_the_table_or_an_error(
    columns: list[str], named: tuple[str | None, str | None], headers_only: bool
) -> None:
    try:
        source, target = find_pair(columns, ("en", "fr"), named=named, headers_only=headers_only)
    except DataError:
        return
    assert source != target
    assert columns.count(source) == columns.count(target) == 1


def test_one_column_named_for_both_sides_is_refused(read: Read) -> None:
    with pytest.raises(DataError, match="are both 'en'"):
        find_pair(["en", "fr"], ("en", "fr"), named=("en", "en"))
    with pytest.raises(DataError, match="are both"):
        read("pairs.tsv", "one\tun\n", source_column=1, target_column=1)
    assert find_pair(["text", "fr"], ("en", "fr"), named=("text", None)) == ("text", "fr")
    with pytest.raises(DataError, match=r"no column for French"):
        find_pair(["fr", "id"], ("en", "fr"), named=("fr", None))


def test_two_columns_of_one_name_are_refused(read: Read) -> None:
    with pytest.raises(DataError, match="2 columns are called 'fr'"):
        read("pairs.csv", "en,fr,fr\none,un,uno\n")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("name", "header", "separator"),
    [("a.csv", "en,fr", ","), ("a.tsv", "", "\t"), ("b.csv", "fr;en", ";")],
)
def test_blank_lines_of_a_table_are_skipped_wherever_they_are(
    name: str, header: str, separator: str, end: str, read: Read
) -> None:
    rows = [header, "", "one,un", "", "  ", "two,deux", "", ""]
    if header.startswith("fr"):
        rows = [header, "", "un,one", "", "  ", "deux,two", "", ""]
    text = end.join(row.replace(",", separator) if row != header else row for row in rows)
    found = read(name, text)
    assert (found.sources, found.targets) == (["one", "two"], ["un", "deux"])


def test_a_line_that_only_looks_blank_is_skipped_too(read: Read) -> None:
    for name, text in (("a.csv", "en,fr\none,un\n"), ("a.tsv", "one\tun\n"),
                       ("a.jsonl", '{"en": "one", "fr": "un"}\n')):  # fmt: skip
        assert read(name, f"\u200b\n{text}\u00a0\u200b\n \u2003\n").targets == ["un"]


def test_rows_of_separators_alone_are_skipped_or_counted_as_empty(read: Read) -> None:
    assert read("a.csv", "en;fr\none;un\n;;;\n;\n").sources == ["one", ""]
    assert read("a.tsv", "one\tun\n\t\t\t\n\t\n").sources == ["one", ""]


def test_a_table_without_a_header_gives_its_first_two_columns(read: Read) -> None:
    text = "Go.\tVa !\tCC-BY 2.0 #1\nRun!\tCours !\tCC-BY 2.0 #2\n"
    for name in ("fra.txt", "pairs.tsv", "pairs.tab", "pairs.csv"):
        found = read(name, text)
        assert (found.sources, found.targets) == (["Go.", "Run!"], ["Va !", "Cours !"])


def test_columns_without_a_header_are_named_by_number(read: Read) -> None:
    text = "12\tGo.\t7\tVa !\n13\tRun!\t8\tCours !\n"
    found = read("pairs.tsv", text, source_column=4, target_column=2)
    assert (found.sources, found.targets) == (["Va !", "Cours !"], ["Go.", "Run!"])
    comma = "Go, now.;Va, là !\nRun!;Cours !\n"
    assert read("pairs.csv", comma, source_column=1, target_column="2").targets == [
        "Va, là !",
        "Cours !",
    ]
    with_header = read("pairs.tsv", f"id\ten\tx\tfr\n{text}", source_column=4, target_column=2)
    assert with_header.sources == ["Va !", "Cours !"]
    with pytest.raises(DataError, match="4 columns, so there are no columns 2 and 5"):
        read("pairs.tsv", f"id\ten\tx\tfr\n{text}", source_column=2, target_column=5)


def test_a_first_column_without_text_is_not_taken_for_a_sentence(read: Read) -> None:
    with pytest.raises(DataError, match=r"column 1 of 4 holds no text; .*data\.source_column: 2"):
        read("tatoeba.tsv", "12\tGo.\t7\tVa !\n13\tRun!\t8\tCours !\n")


@pytest.mark.parametrize(
    "header",
    ["source\ttarget", "src\ttgt", "src_text\ttrg_text", "text_en\ttext_fr", "en-US\tfr-CA",
     "English\tFrench", "anglais\tfrançais", "EN\tFR", "English words\tFrench words", "eng\tfra"],
)  # fmt: skip
def test_a_header_is_recognised_and_is_not_a_pair(header: str, read: Read) -> None:
    found = read("pairs.tsv", f"{header}\none\tun\n")
    assert (found.sources, found.targets) == (["one"], ["un"])


@pytest.mark.parametrize("header", ["en\tde", "source\tGerman", "id\ten\tpt-BR"])
def test_a_header_that_names_other_languages_is_refused_not_learned(
    header: str, read: Read
) -> None:
    rest = "1\tone\tun\n" if header.count("\t") == 2 else "one\tun\n"
    with pytest.raises(
        DataError, match=r"pairs\.tsv:1: this looks like a header, but: no column for"
    ):
        read("pairs.tsv", f"{header}\n{rest}")
    if header == "en\tde":
        assert (
            read("a.tsv", f"{header}\n{rest}", source_column=1, target_column=2).sources[0] == "en"
        )


def test_bars_separate_too(read: Read) -> None:
    found = read("pairs.txt", "Go.  ||| Va !\nI run, often. ||| Je cours, souvent.\n")
    assert found.sources == ["Go. ", "I run, often."]


def test_quotes_of_sentences_stay_and_those_of_spreadsheets_go(read: Read) -> None:
    literal = '"Go!"\t« Va ! »\n"Go," he said.\tVa, dit-il.\n'
    assert read("pairs.tsv", literal).sources == ['"Go!"', '"Go," he said.']
    spreadsheet = '"He said ""go""."\tIl dit « va ».\nplain\tsimple\n'
    assert read("pairs.tsv", spreadsheet).sources == ['He said "go".', "plain"]
    everywhere = '"one"\t"un"\n"two"\t"deux"\n'
    assert read("pairs.tsv", everywhere).targets == ["un", "deux"]


def test_a_space_before_a_quote_belongs_to_neither_text(read: Read) -> None:
    text = 'en, fr\n"one, two", "un, deux"\n"three", "trois"\n'
    assert read("pairs.csv", text).targets == ["un, deux", "trois"]
    assert read("pairs.csv", "en,fr\none, un\n").targets == [" un"]


def test_sentences_that_mention_languages_are_not_a_csv_header(read: Read) -> None:
    text = "I do speak English.;Je parle français.\nYes.;Oui.\n"
    assert read("pairs.csv", text, source_column=1, target_column=2).sources[0].startswith("I do")
    with pytest.raises(DataError, match="give column numbers"):
        read("pairs.csv", text)
    assert read("pairs.csv", "english;text_fr\nYes.;Oui.\n").targets == ["Oui."]


SWALLOWING = {
    "two rows": ('en,fr\none,un\n"Go!,Va !\nGo",Va\n', r"a\.csv:3: a double quote .* 2 lines"),
    "many rows": ("en,fr\n\"Go!,Va !\n" + "a,b\n" * 30 + 'Go",Va\n', r"a\.csv:2: .* of 32 lines"),
    "all": ('en,fr\none,un\n"Go!,Va !\n' + "a,b\n" * 30, r"a\.csv:3: not CSV \(unexpected end"),
    "a cut": ('en,fr\none,un\ntwo,"deu', r"a\.csv:3: not CSV"),
    "a backslash": ('en,fr\n"a \\"b\\" c",x\n', r"a\.csv:2: not CSV"),
}  # fmt: skip


@pytest.mark.parametrize("case", SWALLOWING)
def test_a_lone_quote_does_not_swallow_rows(case: str, read: Read) -> None:
    text, message = SWALLOWING[case]
    with pytest.raises(DataError, match=message):
        read("a.csv", text)


def test_a_text_of_several_lines_in_quotes_is_one_text(read: Read) -> None:
    text = 'en,fr\n"Dear Sir,\nthank you","Cher Monsieur,\nmerci"\nbye,salut\n'
    assert read("a.csv", text).sources == ["Dear Sir,\nthank you", "bye"]


@pytest.mark.parametrize(
    ("columns", "languages", "expected"),
    [
        (["a.en", "a.fr-CA"], ("en", "fr-CA"), ("a.en", "a.fr-CA")),
        (["en", "fr_CA"], ("en", "fr-ca"), ("en", "fr_CA")),
        (["en", "fr_CA"], ("en", "fr"), ("en", "fr_CA")),
        (["en", "fr", "fr_CA"], ("en", "fr"), ("en", "fr")),
        (["en", "fr", "fr_CA"], ("en", "fr-CA"), ("en", "fr_CA")),
        (["en", "fr"], ("eng", "fra"), ("en", "fr")),
        (["pt_br", "en"], ("pt-BR", "en"), ("pt_br", "en")),
        (["pt", "pt-BR", "en"], ("pt-br", "en"), ("pt-BR", "en")),
        (["zho_Hans", "eng_Latn"], ("zh", "en"), ("zho_Hans", "eng_Latn")),
        (["zh-TW", "zh-CN", "en"], ("zh-Hant", "en"), ("zh-TW", "en")),
        (["farsi", "dutch"], ("nl", "fa"), ("dutch", "farsi")),
        (["text_pt_BR", "text_en_US"], ("en", "pt"), ("text_en_US", "text_pt_BR")),
        (["cze", "ger"], ("cs", "de"), ("cze", "ger")),
        (["Deutsch", "English"], ("en", "de"), ("English", "Deutsch")),
        (["nb", "en"], ("en", "no"), ("en", "nb")),
        (["sentence_qya", "sentence_en"], ("en", "qya"), ("sentence_en", "sentence_qya")),
        (["src", "tgt", "id"], ("en", "fr"), ("src", "tgt")),
        (["source_lang", "target_lang", "source", "target"], ("en", "fr"), ("source", "target")),
        (["target.text", "source.text"], ("fr", "en"), ("source.text", "target.text")),
        (["en", "fr", "source", "target"], ("fr", "en"), ("fr", "en")),
    ],
)  # fmt: skip
def test_languages_are_recognised_by_tag_code_and_name(
    columns: list[str], languages: tuple[str, str], expected: tuple[str, str]
) -> None:
    assert find_pair(columns, languages) == expected


def test_what_is_another_language_or_not_the_only_one_is_refused() -> None:
    with pytest.raises(DataError, match="several pairs of columns match"):
        find_pair(["en", "fr-CA", "fr-BE"], ("en", "fr"))
    with pytest.raises(DataError, match=r"no column for Chinese \(Traditional\)"):
        find_pair(["en", "zh-CN"], ("en", "zh-Hant"))
    with pytest.raises(DataError, match="no column for Norwegian Nynorsk"):
        find_pair(["en", "nb"], ("en", "nn"))
    with pytest.raises(DataError, match=r"no column for 'xx'"):
        find_pair(["en", "fr"], ("en", "xx"))
    with pytest.raises(DataError, match="no column for"):
        find_pair(["source_lang", "target_lang"], ("en", "fr"))


def test_a_message_lists_some_of_many_columns_and_no_control_characters() -> None:
    columns = [f"\x1b[31mcolumn{n}\ud800" for n in range(5000)]
    with pytest.raises(DataError, match="and 4,980 more") as caught:
        find_pair(columns, ("en", "fr"))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000


def test_old_line_ends_are_read_and_mixed_ones_refused(read: Read) -> None:
    assert read("a.tsv", "one\tun\rtwo\tdeux\r").targets == ["un", "deux"]
    assert read("a.csv", "en,fr\rone,un\rtwo,deux").targets == ["un", "deux"]
    assert read("a.tsv", "one\tun\rdeux\ntwo\tdos\n").targets == ["un\rdeux", "dos"]


def test_every_compression_gives_the_same_text_under_any_name(read: Read) -> None:
    import bz2
    import gzip
    import io
    import lzma
    import zipfile

    import pyarrow as pa

    text = b"one\tun\ntwo\tdeux\n"
    inside = io.BytesIO()
    with zipfile.ZipFile(inside, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/pairs.tsv", text)
        archive.writestr("__MACOSX/._pairs.tsv", b"x")
    packed = {
        "gz": gzip.compress(text[:7]) + gzip.compress(text[7:]), "bz2": bz2.compress(text),
        "xz": lzma.compress(text[:5]) + lzma.compress(text[5:]), "zip": inside.getvalue(),
        "zst": pa.compress(text, "zstd", asbytes=True),
    }  # fmt: skip
    for suffix, data in packed.items():
        for name in (f"pairs.tsv.{suffix}", "pairs.tsv"):
            assert read(name, data).targets == ["un", "deux"], (suffix, name)
        if suffix != "zip":
            with pytest.raises(DataError, match="damaged or cut short|not valid UTF-8"):
                read(f"pairs.tsv.{suffix}", data[:-6])
    assert read("pairs.tsv.gz", text).targets == ["un", "deux"]  # plain after all


def test_a_decompression_bomb_is_refused(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    import gzip

    monkeypatch.setattr(opening, "BOMB_BYTES", 2**22)
    with pytest.raises(DataError, match="unpacks to more than"):
        read("pairs.tsv.gz", gzip.compress(b"a\tb\n" * 2**21))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv", b"%PDF-1.7 one\tun\n", "is a PDF"),
        ("a.csv", b"PAR1en,fr", "is a Parquet file; rename it"),
        ("a.csv", b"<!DOCTYPE html>\n<html>", "is a web page"),
        ("a.tsv", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("a.tsv", "one\tun\n".encode("utf-16-le"), "full of NUL bytes"),
        ("a.csv", "en;fr\n".encode("utf-16"), "looks like UTF-16"),
        ("a.csv", "en,fr\nhé,x\n".encode("latin-1"), r"a\.csv:2: not valid UTF-8 \(byte 0xe9\)"),
        ("a.json", "[]\n".encode("utf-16"), "looks like UTF-16"),
        ("a.po", b"msgid", "message catalogue"),
        ("a.docx", b"PK", "a document"),
        ("a.xliff", b"<xliff>", "XLIFF"),
        ("a.txt", b"one line\nand another\n", r"a\.txt:1: 1 columns .* as a list of two files"),
        ("a.csv", b"one,un\ntwo,deux\n", r"no column for .* give column numbers"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_by_name(
    name: str, content: bytes, message: str, read: Read
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(name, content)
    assert "\n" not in str(caught.value)


def test_an_endless_line_is_refused_before_it_fills_the_memory(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nmt.data.formats.lines.LONGEST_LINE", 1000)
    monkeypatch.setattr("nmt.data.formats.lines.BLOCK", 300)
    with pytest.raises(DataError, match=r"a\.tsv:2: a line of more than 1,000 bytes"):
        read("a.tsv", b"one\tun\n" + b"x" * 5000)


def test_two_aligned_texts_are_two_texts(tmp_path: Path) -> None:
    config = DataConfig(corpus="files", files={"train": "x"})

    def refused(*names: str) -> str:
        with pytest.raises(DataError) as caught:
            read_split((str(tmp_path / names[0]), str(tmp_path / names[1])), config)
        return str(caught.value)

    (tmp_path / "a.en").write_text("one\ntwo\n")
    (tmp_path / "link.en").symlink_to("a.en")
    (tmp_path / "table.fr").write_text("1\tun\n2\tdeux\n")
    (tmp_path / "pairs.tsv").write_text("one\tun\ntwo\tdeux\n")
    assert "are the same file" in refused("a.en", "a.en")
    assert "are the same file" in refused("a.en", "link.en")
    assert "every line contains a tab" in refused("a.en", "table.fr")
    assert "a '.tsv' file holds pairs" in refused("pairs.tsv", "a.en")
    assert "SGML" in refused("a.en", _made(tmp_path / "b.sgm"))


def _made(path: Path) -> str:
    path.write_text("<seg>")
    return path.name


def test_a_damaged_archive_is_reported_in_one_line(read: Read) -> None:
    import io
    import zipfile

    inside = io.BytesIO()
    with zipfile.ZipFile(inside, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pairs.tsv", b"one\tun\n" * 50)
    for place in range(0, len(inside.getvalue()), 3):
        content = bytearray(inside.getvalue())
        content[place] ^= 0xFF
        try:
            read("pairs.tsv.zip", bytes(content))
        except DataError as error:
            assert "\n" not in str(error)  # noqa: PT017
    with zipfile.ZipFile(inside, "a") as archive:
        archive.writestr("_about.txt", b"x")
    with pytest.raises(DataError, match=r"holds 2 files \(pairs\.tsv, _about\.txt\)"):
        read("pairs.tsv.zip", inside.getvalue())
