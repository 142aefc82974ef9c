"""Corpora too large for the memory: read, cleaned, split and encoded chunk by chunk.

The results equal those of a plain program with lists; chunks are small, so that pairs,
duplicates, lines and errors cross their borders.
"""

import errno
import gc
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.config import CleaningConfig, DataConfig, TokenizerConfig
from nmt.data.batching.encoded import encode
from nmt.data.cache import Scratch
from nmt.data.corpus import dedup
from nmt.data.corpus.cleaning import clean, normalized
from nmt.data.corpus.on_disk import TextColumn, TextWriter, where, writing
from nmt.data.corpus.types import Bitext, Chunk, Origin, RawBitext, RawCorpus, RawStream
from nmt.data.formats import lines, local, parquet
from nmt.data.formats.local import read_split
from nmt.data.hub import copies
from nmt.data.read import prepare
from nmt.data.report import Lengths, corpus_report
from nmt.data.tokenizers.learn import learn
from nmt.errors import DataError, WriteError

Pairs = list[tuple[str | None, str | None]]
WORDS = ["a", "", " b", "a b c", "e\u0301t\u00e9", "x\ny", "a\tb", "long " * 6, "w" * 30, "\ud83d"]


def stream(pairs: Pairs, chunk: int) -> RawStream:
    def read() -> Iterator[Chunk]:
        for start in range(0, len(pairs), chunk):
            part = pairs[start : start + chunk]
            yield [source for source, _ in part], [target for _, target in part]

    return RawStream(read)


def naively(pairs: Pairs, config: CleaningConfig, held_out: set[str]) -> tuple[Pairs, Counter]:
    """The pairs that cleaning should keep, and the reasons for the rest, as a loop over a list."""
    kept: Pairs = []
    dropped: Counter[str] = Counter()
    for pair in pairs:
        source, target = (normalized(side or "", Counter()) for side in pair)
        few, many = sorted([len(source.split()), len(target.split())])
        reasons = {
            "empty side": not (source and target),
            "too many characters": max(len(source), len(target)) > config.max_characters,
            "too many words": many > config.max_words,
            "length ratio": many > config.max_ratio * few + 5,
            "source in validation or test": config.drop_held_out and source in held_out,
            "duplicate": config.drop_duplicates and (source, target) in kept,
        }
        reason = next((reason for reason, holds in reasons.items() if holds), None)
        if reason is None:
            kept.append((source, target))
        else:
            dropped[reason] += 1
    return kept, dropped


@given(
    st.lists(st.tuples(st.none() | st.sampled_from(WORDS), st.sampled_from(WORDS)), max_size=60),
    st.integers(1, 9),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=80)
def test_a_stream_is_cleaned_as_a_plain_loop_would(
    pairs: Pairs, chunk: int, drop_duplicates: bool, drop_held_out: bool
) -> None:
    config = CleaningConfig(
        max_words=5, max_characters=25, max_ratio=1.5,
        drop_duplicates=drop_duplicates, drop_held_out=drop_held_out,
    )  # fmt: skip
    expected, dropped = naively(pairs, config, {"b"})
    kept, report = clean(stream(pairs, chunk), config, held_out={"b"})
    whole, same = clean(stream(pairs, chunk).whole(), config, held_out={"b"})
    assert list(kept) == list(whole) == expected
    assert report == same
    assert report.dropped == dropped
    assert (report.read, report.kept) == (len(pairs), len(expected))
    assert len(kept.sources) == len(kept.targets) == len(expected)
    assert kept.fingerprint() == whole.fingerprint()


def many(size: int) -> Pairs:
    """Pairs with repeated sources and repeated pairs."""
    random = Random(4)
    return [(f"source {random.randrange(size // 2)}", f"target {random.randrange(5)}")
            for _ in range(size)]  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"max_pairs": 100}, {"cleaning": {"max_words": 1}}])
@pytest.mark.parametrize("given", [(), ("test",), ("validation", "test")])
def test_a_stream_gives_the_corpus_that_lists_give(
    options: dict[str, object], given: tuple[str, ...]
) -> None:
    config = DataConfig(corpus="my/corpus", validation_size=13, test_size=11, **options)
    others = {name: RawBitext([f"source {n}"], [name]) for n, name in enumerate(given)}
    found = []
    for train in (stream(many(800), 37), stream(many(800), 37).whole()):
        corpus = RawCorpus({"train": train, **others}, Origin("my/corpus"))
        try:
            found.append(prepare(corpus, config, seed=3))
        except DataError as error:
            found.append(str(error))
    if isinstance(found[0], str):
        assert found[0] == found[1]
        assert "no training pair is left of 800 (too many words: 800)" in found[0]
        return
    streamed, listed = found
    assert isinstance(streamed.train.sources, TextColumn)
    assert list(streamed.train) == list(listed.train)
    assert streamed.train.fingerprint() == listed.train.fingerprint()
    assert replace(streamed, train=listed.train) == listed
    assert len(streamed.validation) > 0


@pytest.fixture(scope="module")
def text() -> tuple[Bitext, Bitext]:
    """The same pairs on disk, in batches of 7, and as lists, with some of them removed again."""
    listed = Bitext.of((f"s{n}", f"t{n % 9}") for n in range(130))
    with writing() as writer:
        for sources, targets in listed.chunks(7):
            writer.write(Bitext(sources, targets))
    stored = writer.file().bitext()
    for keep in (np.arange(130) % 5 != 3, np.abs(np.arange(104) - 30) > 9):
        listed, stored = where(listed, keep), where(stored, keep)
    assert isinstance(stored.sources, TextColumn)
    assert len(stored) == len(listed) == 85
    return stored, listed


@given(st.data())
@settings(max_examples=60)
def test_text_on_the_disk_is_a_sequence_like_another(
    text: tuple[Bitext, Bitext], data: st.DataObject
) -> None:
    stored, listed = text
    place = data.draw(st.integers(-85, 84))
    part = data.draw(st.slices(85))
    assert stored.sources[place] == listed.sources[place]
    assert stored.targets[part] == listed.targets[part]
    assert list(stored) == list(listed)
    with pytest.raises(IndexError):
        stored.sources[85]


@pytest.mark.parametrize("size", [1, 6, 50, 1000])
def test_text_on_the_disk_comes_in_chunks_of_any_size(
    text: tuple[Bitext, Bitext], size: int
) -> None:
    stored, listed = text
    assert list(stored.chunks(size)) == list(listed.chunks(size))


@pytest.mark.parametrize("most", [40, 1000])
def test_tokenizers_and_ids_do_not_depend_on_where_the_text_lies(
    text: tuple[Bitext, Bitext], most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TokenizerConfig(vocabulary_size=275, max_sentences=most)
    made = []
    for number, bitext in enumerate(text):
        monkeypatch.setenv("NMT_CACHE", str(tmp_path / str(number)))
        tokenizers = learn(bitext, config, seed=1)
        encoded = encode(bitext, tokenizers)
        rows = [(encoded.source[n].tolist(), encoded.target[n].tolist()) for n in range(85)]
        made.append((tokenizers.fingerprint, rows))
    assert made[0] == made[1]


def test_duplicates_are_detected_across_parts_and_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dedup, "PARTS", 3)
    pairs = [(source or "", target or "") for source, target in many(500)]
    with dedup.Repeats() as found:
        for start in range(0, 500, 31):
            found.add(Bitext.of(iter(pairs[start : start + 31])))
        first = found.first()
    assert first.tolist() == [pair not in pairs[:n] for n, pair in enumerate(pairs)]
    assert not first.all()


def test_scratch_files_go_with_their_last_holder_and_leftovers_are_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NMT_CACHE", str(tmp_path))
    (tmp_path / "scratch/left").mkdir(parents=True)
    (tmp_path / "scratch/left/text.arrow").write_text("x")
    with writing() as writer:
        writer.write(Bitext(["a", "b"], ["x", "y"]))
    kept = where(writer.file().bitext(), np.array([False, True]))
    del writer
    (folder,) = (tmp_path / "scratch").iterdir()
    assert folder.name.startswith("text-")
    assert list(kept) == [("b", "y")]
    del kept
    gc.collect()
    assert list((tmp_path / "scratch").iterdir()) == []


HOLD = """
from nmt.data.cache import Scratch
scratch = Scratch("text")
print(scratch.folder, flush=True)
input()
import os
os._exit(9)
"""


def test_scratch_files_of_a_living_process_stay_whatever_their_age(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NMT_CACHE", str(tmp_path))
    command = [sys.executable, "-c", HOLD]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as holder:
        assert holder.stdout is not None
        held = Path(holder.stdout.readline().strip())
        os.utime(held, (1, 1))
        mine = Scratch("text")
        assert set((tmp_path / "scratch").iterdir()) == {held, mine.folder}
        holder.communicate("\n")
    assert held.exists()
    other = Scratch("text")
    assert set((tmp_path / "scratch").iterdir()) == {other.folder, mine.folder}


def test_a_full_disk_is_reported_when_text_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(TextWriter, "write", full)
    with pytest.raises(WriteError, match="the disk is full"):
        clean(stream(many(20), 7), CleaningConfig())


# Files

LINES = [("one", "un"), ("two\u2028", "deux"), ("été", "summer"), ("", "x"), ("last", "fin")] * 9


@pytest.fixture
def config() -> DataConfig:
    return DataConfig(corpus="files", files={"train": "unused.tsv"})


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat every file as large, and read it in small pieces."""
    monkeypatch.setattr(local, "LARGE_BYTES", 0)
    monkeypatch.setattr(local, "CSV_ROWS", 4)
    monkeypatch.setattr(lines, "BLOCK", 17)
    monkeypatch.setattr(parquet, "ROWS", 4)
    monkeypatch.setattr(copies, "LARGE", 3)


def aligned(folder: Path, end: str) -> tuple[str, str]:
    places = (folder / "a.en", folder / "a.fr")
    for place, side in zip(places, zip(*LINES, strict=True), strict=True):
        place.write_bytes(end.join(side).encode() + end.encode())
    return str(places[0]), str(places[1])


def written(folder: Path, name: str) -> str | tuple[str, str]:
    """LINES as a file of some format."""
    if name in {"\n", "\r\n"}:
        return aligned(folder, name)
    path = folder / name
    english, french = zip(*LINES, strict=True)
    if name.endswith("parquet"):
        pq.write_table(pa.table({"en": english, "fr": french}), path, row_group_size=10)
    else:
        form = {
            "a.tsv": "{}\t{}\n", "header.tsv": "{}\t{}\n", "a.csv": '"{}","{}"\r\n',
            "a.jsonl": '{{"en": "{}", "fr": "{}"}}\n\n',
        }[name]  # fmt: skip
        head = {"header.tsv": "\ufeffen\tfr\n", "a.csv": "en,fr\r\n"}.get(name, "")
        path.write_bytes((head + "".join(form.format(*pair) for pair in LINES)).encode())
    return str(path)


FORMATS = ["\n", "\r\n", "a.tsv", "header.tsv", "a.csv", "a.jsonl", "a.parquet"]


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("name", FORMATS)
def test_a_large_file_is_read_in_pieces_as_often_as_needed(
    name: str, tmp_path: Path, config: DataConfig
) -> None:
    found = read_split(written(tmp_path, name), config)
    assert isinstance(found, RawStream)
    for _ in range(2):
        chunks = list(found.chunks())
        assert [pair for chunk in chunks for pair in zip(*chunk, strict=True)] == LINES
        assert len(chunks) > 3
    assert len(found) == len(LINES)


BROKEN = {
    "a.tsv": (b"one\tun\n" * 30 + b"two\tdeux\tdos\n", r"a\.tsv:31: 3 columns where 2"),
    "b.tsv": (b"one\tun\n" * 30 + b"two\td\xe9ux\n", r"b\.tsv:31: not valid UTF-8 \(byte 0xe9\)"),
    "c.tsv": (b"\xef\xbb\xbfone\tu\xffn\n", r"c\.tsv:1: not valid UTF-8 \(byte 0xff\)"),
    "a.csv": (b"en,fr\n" + b"a,b\n" * 30 + b"c\n", r"a\.csv:32: 1 columns where the header has 2"),
    "a.jsonl": (b'{"en": "a", "fr": "b"}\n' * 30 + b"{\n", r"a\.jsonl:31: not JSON"),
}


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_line_far_into_a_large_file_is_reported_with_its_number(
    name: str, tmp_path: Path, config: DataConfig
) -> None:
    content, message = BROKEN[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        clean(read_split(str(tmp_path / name), config), CleaningConfig())


@pytest.mark.usefixtures("large")
def test_large_misaligned_files_are_refused_with_both_counts(
    tmp_path: Path, config: DataConfig
) -> None:
    places = aligned(tmp_path, "\n")
    with Path(places[1]).open("a") as french:
        french.write("trop\n" * 40)
    with pytest.raises(DataError, match=r"a\.en has 45 lines and .*a\.fr has 85"):
        clean(read_split(places, config), CleaningConfig())


@pytest.mark.usefixtures("large")
def test_a_large_copy_of_the_hub_is_read_in_pieces_and_checked_for_damage(tmp_path: Path) -> None:
    sources, targets = (list[str | None](side) for side in zip(*LINES, strict=True))
    for split in ("train", "test"):
        parquet.write_pairs(tmp_path / f"{split}.parquet", [(sources, targets)])
    copies.write_origin(tmp_path, Origin("my/corpus", columns=("en", "fr")))
    found = copies.load(tmp_path).splits["train"]
    assert isinstance(found, RawStream)
    chunks = list(found.chunks())
    assert [pair for chunk in chunks for pair in zip(*chunk, strict=True)] == LINES
    assert len(chunks) > 3
    content = (tmp_path / "train.parquet").read_bytes()
    (tmp_path / "train.parquet").write_bytes(content[:8] + bytes(200) + content[208:])
    with pytest.raises(DataError, match="is damaged .* delete it"):
        clean(found, CleaningConfig())


@pytest.mark.usefixtures("large")
def test_a_large_corpus_is_checked_like_a_small_one(tmp_path: Path, config: DataConfig) -> None:
    path = written(tmp_path, "a.tsv")
    others = {
        "validation": RawBitext(["old"], ["x"]),
        "test": RawBitext(["été", "new"], ["a", "b"]),
    }
    found = [
        corpus_report(RawCorpus({"train": train, **others}, Origin("my/corpus")), config, seed=1)
        for train in (read_split(path, config), read_split(path, config).whole())
    ]
    assert found[0] == found[1]
    assert found[0].splits["train"].repeated_pairs == 4 * 8  # "" is not a pair
    assert found[0].splits["test"].sources_in_train == 1


@given(st.lists(st.integers(0, 12), min_size=1, max_size=80))
def test_length_statistics_are_those_of_a_sorted_list(counts: list[int]) -> None:
    found = Lengths.of(["w " * count for count in counts])
    ordered = sorted(counts)
    place = min(len(ordered) - 1, round(0.95 * len(ordered)))
    mean = round(sum(ordered) / len(ordered), 2)
    assert found == Lengths(mean, ordered[place], ordered[-1])
