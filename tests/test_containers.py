"""JSON, TMX and Parquet as programs write them: lists, columns, lines; broken and malicious."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.config import DataConfig
from nmt.data.corpus.types import Origin, RawBitext
from nmt.data.formats import json_values, lines, parquet
from nmt.data.formats.local import read_files, read_split
from nmt.data.hub import copies
from nmt.errors import DataError

PAIRS = [("one", "un"), ("two\u2028", "deux"), ("three [,] {", 'trois "'), ("\\", "é\n")]
ROWS = [{"id": n, "en": en, "fr": fr} for n, (en, fr) in enumerate(PAIRS)]
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


def columns() -> dict[str, list[str]]:
    return {side: [pair[place] for pair in PAIRS] for place, side in enumerate(("en", "fr"))}


INDEXED = {
    side: {str(n): text for n, text in enumerate(texts)} for side, texts in columns().items()
}
CONTAINERS = {
    "a list": ROWS,
    "a list of structs": [{"translation": row} for row in ROWS],
    "data": {"version": "1.0", "data": ROWS, "n": [1, 2]},
    "rows of the hub's server": {"rows": [{"row_idx": 3, "row": row} for row in ROWS]},
    "columns": {**columns(), "name": "x"},
    "columns of pandas": INDEXED,
}


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_of_json_gives_the_same_pairs(
    container: str, ascii_only: bool, indent: int | None, read: Read
) -> None:
    text = json.dumps(CONTAINERS[container], indent=indent, ensure_ascii=ascii_only)
    for name in ("a.json", "a.jsonl"):
        found = read(name, "\ufeff\n" + text)
        assert list(zip(found.sources, found.targets, strict=True)) == PAIRS


@pytest.mark.parametrize("indent", [None, 2])
def test_objects_may_follow_each_other_on_lines_of_their_own_or_over_several(
    indent: int | None, read: Read
) -> None:
    text = "\n".join(json.dumps(row, indent=indent) for row in ROWS)
    for name in ("a.json", "a.jsonl", "a.ndjson"):
        assert read(name, text).targets == [pair[1] for pair in PAIRS]


LEAF = st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
OTHER = st.recursive(LEAF | st.text(max_size=3), lambda inner: st.lists(inner, max_size=3))


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {"en": st.none() | st.text(max_size=9), "fr": st.text(max_size=9), "x": OTHER}
        ),
        min_size=1, max_size=5,
    ),
    block=st.integers(1, 9),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 1]),
)  # fmt: skip
def test_a_list_is_read_the_same_however_the_file_is_cut_into_blocks(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, object]],
    block: int,
    ascii_only: bool,
    indent: int | None,
) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.json"
    path.write_text(json.dumps(rows, ensure_ascii=ascii_only, indent=indent), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK", block)
        assert [row for _, row in json_values.read_objects(path)] == rows


BROKEN = {
    "cut": ('[{"en": "a", "fr": "b"},\n{"en": "c", "fr"', r"a\.json:2: not JSON"),
    "cut after a row": ('[{"en": "a", "fr": "b"}', r"a\.json:1: not JSON \(it ends too early"),
    "a comma too much": ('[{"en": "a", "fr": "b"},\n]', r"a\.json:2: not JSON"),
    "text after it": ('[{"en": "a", "fr": "b"}]\nand more', r"json:2: not JSON .something follows"),
    "two lists": ('{"train": [{"en": "a", "fr": "b"}], "test": [{"en": "c", "fr": "d"}]}',
                  r"several lists of objects \('train' and 'test'\)"),
    "lists of two lengths": ('{"en": ["a", "b"], "fr": ["c"]}', r"\('en': 2, 'fr': 1\)"),
    "texts": ('["a", "b"]', r"a\.json:1: not a JSON object"),
    "lists": ('[["a", "b"]]', r"a\.json:1: not a JSON object"),
    "mixed": ('{"data": [{"en": "a", "fr": "b"}, 3]}', r"'data' mixes objects with other values"),
    "a number": ('[{"en": "a", "fr": "b"}, {"en": "a", "fr": 3}]', r":1: 'fr' is 3, not text"),
    "a missing key": ('[{"en": "a", "fr": "b"},\n {"en": "a"}]', r"json:2: this object lacks 'fr"),
    "NaN": ('[{"en": "a", "fr": "b", "x": NaN}]', r"a\.json:1: not JSON \(NaN is not a JSON"),
    "deep": ("[" + '{"en":' * 100_000, r"nested too deeply"),
    "deep lists": ("[" * 100_000, r"not JSON"),
    "a long number": ('[{"en": ' + "9" * 5000 + "}]", r"a\.json:1: not JSON"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_container_is_reported_in_one_line(case: str, read: Read) -> None:
    text, message = BROKEN[case]
    with pytest.raises(DataError, match=message) as caught:
        read("a.json", text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_a_line_of_json_may_be_deep_too(read: Read) -> None:
    good = '{"en": "a", "fr": "b"}\n'
    with pytest.raises(DataError, match=r"a\.jsonl:2: not JSON \(it is nested too deeply"):
        read("a.jsonl", good + '{"en":' * 100_000 + "\n")
    with pytest.raises(DataError, match=r"a\.jsonl"):
        read("a.jsonl", '{"a":' * 900 + "1" + "}" * 900 + "\n")


def test_half_surrogate_pairs_are_kept(read: Read) -> None:
    found = read("a.jsonl", '{"en": "a\\ud800", "fr": "b"}\n')
    assert found.sources == ["a\ud800"]
    with pytest.raises(DataError, match="no column for") as caught:
        read("a.jsonl", '{"e\\ud800\\u001b": "a", "fr": "b"}\n')
    str(caught.value).encode()


TMX = """<?xml version="1.0" encoding="{encoding}"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header srclang="en"><note>not a text</note></header><body>
<tu><tuv xml:lang="en-US"><seg>one &amp; <bpt i="1">&lt;b&gt;</bpt>all<ept i="1">x</ept></seg></tuv>
    <tuv xml:lang="fr-CA"><seg>un et <hi>tous</hi></seg></tuv></tu>
<tu><tuv xml:lang="fr-CA"><seg>deux</seg></tuv><tuv xml:lang="de"><seg>zwei</seg></tuv>
    <tuv xml:lang="en-US"><seg>two</seg></tuv></tu>
<tu><tuv xml:lang="en-US"><seg>alone</seg></tuv></tu>
</body></tmx>
"""


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16"])
def test_a_translation_memory_gives_its_pairs(encoding: str, read: Read) -> None:
    found = read("a.tmx", TMX.format(encoding=encoding).encode(encoding))
    assert found.sources == ["one & all", "two", "alone"]
    assert found.targets == ["un et tous", "deux", None]


HOSTILE_TMX = {
    "entities": ('<!DOCTYPE tmx [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><tmx>&b;</tmx>', "entities"),
    "a file": ('<!DOCTYPE tmx [<!ENTITY a SYSTEM "/etc/passwd">]><tmx>&a;</tmx>', "declares"),
    "cut": (TMX.format(encoding="UTF-8")[:500], r"a\.tmx:\d+: not TMX"),
    "deep": ("<tmx>" + "<a>" * 1000, "nested more than"),
    "another kind": ("<html><body/></html>", "begins with <html>"),
    "no French": (TMX.format(encoding="UTF-8").replace("fr-CA", "it"), "no column for French"),
    "empty": ("", "not TMX"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE_TMX)
def test_a_malicious_translation_memory_is_refused_in_one_line(case: str, read: Read) -> None:
    text, message = HOSTILE_TMX[case]
    with pytest.raises(DataError, match=message) as caught:
        read("a.tmx", text)
    assert "\n" not in str(caught.value)


def test_threads_read_the_same_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id;anglais;français\n" + "1;one;un\n" * 500, encoding="utf-8")
    found: list[list[str | None]] = []

    def work() -> None:
        config = DataConfig(corpus="files", files={"train": "x"})
        found.append(read_split(str(path), config).whole().targets)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["un"] * 500] * 6


def parquet_of(path: Path, rows: int = 100, **options: object) -> Path:
    table = pa.table({"en": ["a"] * rows, "fr": ["b"] * rows})
    pq.write_table(table, path, **options)
    return path


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"HARMLESS_ROWS": 1000}, "claims 300,000 rows in"),
        ({"HARMLESS_BYTES": 1000, "UNPACKED_A_BYTE": 0}, "bytes in a row group"),
        ({"MOST_COLUMNS": 1}, "it has 2 columns"),
    ],
)
def test_a_parquet_file_over_the_limits_is_refused_before_reading(
    limits: dict[str, int], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = DataConfig(corpus="files", files={"train": "x"})
    path = str(parquet_of(tmp_path / "a.parquet", 300_000))
    assert isinstance(read_split(path, config), RawBitext)
    for name, value in limits.items():
        monkeypatch.setattr(parquet, name, value)
    with pytest.raises(DataError, match=message):
        read_split(path, config)


def test_nested_structs_are_searched_to_a_limited_depth(tmp_path: Path) -> None:
    kind = pa.string()
    for _ in range(45):
        kind = pa.struct([("inner", kind)])
    pq.write_table(pa.table({"en": pa.array([None], kind), "fr": ["x"]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"only one text column \('fr'\)"):
        read_split(str(tmp_path / "a.parquet"), DataConfig(corpus="files", files={"train": "x"}))


@settings(max_examples=60)
@given(
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8),
    tail=st.booleans(),
)
def test_a_changed_parquet_file_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], *, tail: bool
) -> None:
    path = parquet_of(tmp_path_factory.getbasetemp() / "changed.parquet", row_group_size=30)
    content = bytearray(path.read_bytes())
    for place, value in changes:
        content[-1 - place % 900 if tail else place % len(content)] = value
    path.write_bytes(content)
    try:
        read_split(str(path), DataConfig(corpus="files", files={"train": "x"}))
    except DataError as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_a_bit_that_flipped_in_a_copy_of_the_hub_is_noticed(tmp_path: Path) -> None:
    texts: list[str | None] = [f"text {n}" for n in range(500)]
    parquet.write_pairs(tmp_path / "train.parquet", [(texts, texts)])
    copies.write_origin(tmp_path, Origin("my/corpus", columns=("en", "fr")))
    content = bytearray((tmp_path / "train.parquet").read_bytes())
    content[150] ^= 1
    (tmp_path / "train.parquet").write_bytes(content)
    with pytest.raises(copies.DamagedCopy, match="is damaged .* delete it and try again"):
        copies.load(tmp_path)


def test_pipes_and_devices_are_refused_without_blocking(tmp_path: Path) -> None:
    config = DataConfig(corpus="files", files={"train": "x"})
    os.mkfifo(tmp_path / "pipe.tsv")
    (tmp_path / "device.tsv").symlink_to("/dev/zero")
    for name in ("pipe.tsv", "device.tsv"):
        with pytest.raises(DataError, match="is not an ordinary file"):
            read_split(str(tmp_path / name), config)
    (tmp_path / "a.en").write_text("one\n")
    with pytest.raises(DataError, match="not an ordinary file"):
        read_files(DataConfig(corpus="files", files={
            "train": (str(tmp_path / "a.en"), str(tmp_path / "pipe.tsv"))}))  # fmt: skip
