"""The hub as users see it: every layout, every fault, over real HTTP and the real libraries."""

import errno
import io
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.data.formats.parquet import RemoteFile, local_table, read_columns, remote_table
from nmt.data.hub import copies
from nmt.data.hub.client import first_answer
from nmt.errors import HubUnreachable, WriteError
from support.hub_standin import Fault, Hub, Reader

ENGLISH = [f"sentence number {n} of {n % 7}" for n in range(60)]
FRENCH = [f"la phrase {n} de {n % 7}" for n in range(60)]
ENGLISH[3], FRENCH[3] = "None", "NA"  # words, although table readers like to treat them as missing
PAIRS = [list(pair) for pair in zip(ENGLISH, FRENCH, strict=True)]


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with Hub() as hub:
        yield hub


@pytest.fixture(scope="module")
def reader(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with Reader(hub.url, tmp_path_factory.mktemp("home")) as reader:
        yield reader


@pytest.fixture(autouse=True)
def calm(hub: Hub) -> None:
    hub.calm()


def parquet(rows: slice = slice(None), **columns: list[object]) -> bytes:
    """A Parquet file with a small row group, so that there are several."""
    sink = io.BytesIO()
    table = pa.table({name: values[rows] for name, values in columns.items()})
    pq.write_table(table, sink, row_group_size=25)
    return sink.getvalue()


def pairs_file(rows: slice = slice(None)) -> bytes:
    return parquet(rows, en=ENGLISH, fr=FRENCH)


def card(configs: dict[str, dict[str, str]], rows: dict[str, int] | None = None) -> bytes:
    """A README whose YAML declares configs, their files, and perhaps the rows of each split."""
    lines = ["---", "configs:"]
    for name, splits in configs.items():
        lines += [f"- config_name: {name}", "  data_files:"]
        for split, path in splits.items():
            lines += [f"  - split: {split}", f"    path: {path}"]
    if rows is not None:
        lines += ["dataset_info:", "- config_name: default", "  features:"]
        lines += ["  - name: en", "    dtype: string", "  - name: fr", "    dtype: string"]
        lines += ["  splits:"]
        for split, count in rows.items():
            lines += [f"  - name: {split}", "    num_bytes: 9", f"    num_examples: {count}"]
    return "\n".join([*lines, "---", "# A data set"]).encode()


THREE = {
    "data/train-0.parquet": pairs_file(slice(0, 40)),
    "data/validation-0.parquet": pairs_file(slice(40, 50)),
    "data/test-0.parquet": pairs_file(slice(50, 60)),
}
STRUCTS = [{"en": english, "fr": french} for english, french in PAIRS]
LAYOUTS: dict[str, tuple[dict[str, bytes], tuple[str, str]]] = {
    "flat": ({"train.parquet": pairs_file()}, ("en", "fr")),
    "translation": (
        {"train.parquet": parquet(id=list(range(60)), translation=STRUCTS)},
        ("translation.en", "translation.fr"),
    ),
    "named": (
        {"train.parquet": parquet(english=ENGLISH, non_english=FRENCH)},
        ("english", "non_english"),
    ),
    "dotted": (
        {"train.parquet": parquet(**{"text.fr": FRENCH, "text.en": ENGLISH, "n.en": [1] * 60})},
        ("text.en", "text.fr"),
    ),
    "json-lines": (
        {"train.jsonl": "".join(
            json.dumps({"translation": pair, "noise": 3}) + "\n" for pair in STRUCTS
        ).encode()},
        ("translation.en", "translation.fr"),
    ),
    "comma-separated": (
        {"train.csv": ("English words,French words\n" + "".join(
            f'"{english}","{french}"\n' for english, french in PAIRS
        )).encode()},
        ("English words", "French words"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_pairs(hub: Hub, reader: Reader, layout: str) -> None:
    files, columns = LAYOUTS[layout]
    found = reader.read(hub.add(f"layouts/{layout}", files))
    assert found.error == ""
    assert sorted(sum(found.pairs.values(), [])) == sorted(PAIRS)
    assert [pair for pair in PAIRS if pair in found.pairs["train"]] == found.pairs["train"]
    assert tuple(found.origin["columns"]) == columns


def test_only_the_needed_columns_are_downloaded_and_only_once(
    hub: Hub, reader: Reader, tmp_path: Path
) -> None:
    noise = Random(7)
    pictures = [noise.randbytes(20_000) for _ in range(60)]
    name = hub.add(
        "wide/multi",
        {"data/train-0.parquet": parquet(en=ENGLISH, image=pictures, fr=FRENCH)},
    )
    found = reader.read(name, home=tmp_path)
    assert sorted(sum(found.pairs.values(), [])) == sorted(PAIRS)
    assert 0 < hub.sent(r"\.parquet") < 120_000  # of 1,200,000: two tails' worth at the most
    hub.requests.clear()
    assert reader.read(name, home=tmp_path).pairs == found.pairs
    assert [r["what"].split("?")[0] for r in hub.requests] == [f"GET /api/datasets/{name}"]


def test_the_commit_really_read_is_recorded_and_a_new_one_is_fetched(
    hub: Hub, reader: Reader, tmp_path: Path
) -> None:
    name = hub.add("moving/corpus", {"train.parquet": pairs_file(slice(0, 30))})
    old = reader.read(name, home=tmp_path)
    hub.add(name, {"train.parquet": pairs_file()})
    new = reader.read(name, home=tmp_path)
    assert old.origin["revision"] != new.origin["revision"]
    assert new.origin["revision"] == hub.repositories[name, "main"].commit
    assert (len(old.pairs["train"]), len(new.pairs["train"])) == (25, 49)


def test_equivalent_requests_share_one_copy(hub: Hub, reader: Reader, tmp_path: Path) -> None:
    name = hub.add("worded/pairs", THREE)
    reader.read(name, home=tmp_path)
    hub.requests.clear()
    for words in ({"config": "default"}, {"source_column": "en"}, {"splits": {"test": "test"}}):
        assert len(reader.read(name, home=tmp_path, **words).pairs["train"]) == 40
    assert len(hub.requests) == 3
    other = reader.read(name, home=tmp_path, splits={"test": "validation"})
    assert other.pairs["test"] == PAIRS[40:50]


def test_splits_keep_their_names_and_a_lone_dev_is_the_validation(hub: Hub, reader: Reader) -> None:
    whole = reader.read(hub.add("splits/three", THREE))
    assert {name: len(pairs) for name, pairs in whole.pairs.items()} == {
        "train": 40, "validation": 10, "test": 10,
    }  # fmt: skip
    files = {"en-fr/train.parquet": pairs_file(slice(0, 50)),
             "en-fr/dev.parquet": pairs_file(slice(50, 60))}  # fmt: skip
    readme = card({"en-fr": {"train": "en-fr/train*", "dev": "en-fr/dev*"}})
    lone = reader.read(hub.add("splits/dev", {"README.md": readme, **files}))
    assert lone.pairs["validation"] == PAIRS[50:]
    assert lone.origin["splits"]["validation"] == "dev"
    assert lone.origin["splits"]["test"] == "5 pairs set aside from train"
    assert not {s for s, _ in lone.pairs["test"]} & {s for s, _ in lone.pairs["train"]}


def test_a_config_with_the_languages_swapped_is_accepted(hub: Hub, reader: Reader) -> None:
    readme = card({"fr-en": {"train": "fr-en/*"}, "de-en": {"train": "de-en/*"}})
    files = {"README.md": readme, "fr-en/train.parquet": pairs_file(),
             "de-en/train.parquet": parquet(en=ENGLISH, de=FRENCH)}  # fmt: skip
    name = hub.add("swapped/pairs", files)
    found = reader.read(name, config="en-fr")
    assert found.origin["config"] == "fr-en"
    assert any("no config 'en-fr', using 'fr-en'" in text for text in found.warnings)
    assert reader.read(name).origin["config"] == "fr-en"  # the only one with these languages
    several = reader.read(name, config="en-it", target="it").error
    assert "unknown config 'en-it'" in several
    assert "There are: de-en, fr-en" in several


def test_the_exact_config_is_preferred(hub: Hub, reader: Reader) -> None:
    names = ("en-fr-dirty", "en-fr", "xen-frx")
    readme = card({name: {"train": f"{name}/*"} for name in names})
    files = {f"{name}/train.parquet": pairs_file(slice(n, 60)) for n, name in enumerate(names)}
    found = reader.read(hub.add("exact/pairs", {"README.md": readme, **files}))
    assert found.origin["config"] == "en-fr"


def test_a_script_is_refused_and_its_parquet_branch_is_read(hub: Hub, reader: Reader) -> None:
    name = hub.add("scripted/talks", {"talks.py": b"raise SystemExit", "README.md": b"# Talks"})
    assert "refs/convert/parquet" in reader.read(name, config="talks-en-fr").error
    files = {f"talks-en-fr/{split}/0000.parquet": data for split, data in
             zip(("train", "validation", "test"), THREE.values(), strict=True)}  # fmt: skip
    files["talks-de-en/train/0000.parquet"] = parquet(de=FRENCH, en=ENGLISH)
    hub.add(name, files, revision="refs/convert/parquet")
    found = reader.read(name, config="talks-en-fr", revision="refs/convert/parquet")
    assert found.error == ""
    assert found.pairs["validation"] == PAIRS[40:50]
    assert len(found.pairs["train"]) == 40


def test_a_gated_set_says_what_to_do_and_opens_with_a_token(
    hub: Hub, reader: Reader, tmp_path: Path
) -> None:
    name = hub.add("gated/talks", THREE, token="sesame")
    error = reader.read(name).error
    assert error.startswith("gated/talks: ")
    assert "accept the terms" in error
    assert "HF_TOKEN" in error
    with Reader(hub.url, tmp_path, HF_TOKEN="sesame") as admitted:
        assert len(admitted.read(name).pairs["train"]) == 40


CUT = THREE["data/train-0.parquet"][:700]
MISTAKES: dict[str, tuple[dict[str, bytes], dict[str, object], str]] = {
    "empty": ({"README.md": b"# Nothing"}, {}, "holds no data file"),
    "corrupt": (
        {"train.parquet": CUT}, {},
        "train.parquet is not a Parquet file, or was cut short",
    ),
    "wrong-size": (
        {"README.md": card({"default": {"train": "data/train*"}}, {"train": 45}), **THREE},
        {}, "declares 45 rows in 'train', but its files have 40",
    ),
    "missing-file": ({"README.md": card({"default": {"train": "no/*"}}), **THREE}, {},
                     "its card names"),
    "no-french": ({"train.parquet": parquet(en=ENGLISH, de=FRENCH)}, {},
                  "no column for French ('fr'); it has the text columns en, de"),
    "one-text": ({"train.parquet": parquet(id=list(range(60)), text=ENGLISH)}, {},
                 "only one text column ('text')"),
    "no-such-split": (THREE, {"splits": {"test": "devtest"}},
                      "no split 'devtest'; there are: train, validation, test"),
    "no-train": ({"test.parquet": pairs_file()}, {}, "no split 'train'; there are: test"),
    "no-such-column": (THREE, {"source_column": "anglais"}, "no text column 'anglais'"),
    "no-such-revision": (THREE, {"revision": "v9"}, "no revision 'v9'"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_reported_in_one_line_that_names_the_data_set(
    hub: Hub, reader: Reader, mistake: str
) -> None:
    files, options, expected = MISTAKES[mistake]
    name = hub.add(f"mistakes/{mistake}", files)
    found = reader.read(name, fallback="phrasebook", **options)
    assert found.kind == "DataError"  # and no fallback is used
    assert found.error.startswith(f"{name}: ")
    assert expected in found.error
    assert "\n" not in found.error


@pytest.mark.parametrize(
    ("corpus", "expected"),
    [
        ("opus_books", "did you mean 'Helsinki-NLP/opus_books'"),
        ("phrasebok", "did you mean 'phrasebook'"),
        ("a b/c?", "cannot be an id"),
        ("a/b/c", "which is owner/name"),
        ("romrawin/multi30k", "no such data set, or it is private; did you mean 'romrawinjp"),
    ],
)
def test_an_impossible_or_unknown_id_suggests_a_similar_one(
    reader: Reader, corpus: str, expected: str
) -> None:
    found = reader.read(corpus)
    assert found.kind == "DataError"
    assert expected in found.error


FAULTS = {
    "503 on the api": [Fault(r"GET /api/datasets/[^/]+/[^/]+(\?|$)", status=503)],
    "503 on the tree": [Fault("/tree/|/paths-info/", status=503)],
    "503 on a HEAD": [Fault("HEAD ", status=503)],
    "503 on the file": [Fault(r"GET .*train-0\.parquet", status=503)],
    "two 500s on the file": [Fault(r"GET .*train-0\.parquet", times=2, status=500)],
    "429": [Fault("GET /api/datasets", status=429, retry_after=1)],
    "a cut": [Fault(r"GET .*train-0\.parquet", cut_after=300)],
    "a reset": [Fault(r"GET .*train-0\.parquet", cut_after=300, reset=True)],
    "a reset card": [Fault("GET .*README", cut_after=30, reset=True)],
    "a lost json": [Fault(r"GET .*\.jsonl", cut_after=30, reset=True)],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_temporary_fault_is_survived(
    hub: Hub, reader: Reader, fault: str, tmp_path: Path
) -> None:
    files = LAYOUTS["json-lines"][0] if "json" in fault else THREE
    readme = b"# A card long enough to be cut in the middle"
    name = hub.add(f"faulty/{fault.replace(' ', '-')}", {"README.md": readme, **files})
    hub.faults = [Fault(**vars(one)) for one in FAULTS[fault]]
    found = reader.read(name, home=tmp_path)
    assert found.error == ""
    assert sorted(sum(found.pairs.values(), [])) == sorted(PAIRS)
    assert all(one.times == 0 for one in hub.faults), "the fault did strike"


def test_a_server_that_ignores_ranges_is_read_whole(hub: Hub, reader: Reader) -> None:
    hub.ranges = False
    noise = [Random(place).randbytes(4_000) for place in range(60)]  # more than the tail alone
    name = hub.add("rangeless/pairs", {"train.parquet": parquet(en=ENGLISH, x=noise, fr=FRENCH)})
    assert sorted(sum(reader.read(name).pairs.values(), [])) == sorted(PAIRS)


def test_a_hub_that_always_fails_is_unreachable_and_leaves_nothing(
    hub: Hub, reader: Reader, tmp_path: Path
) -> None:
    name = hub.add("failing/pairs", THREE)
    hub.faults = [Fault(r"\.parquet", times=-1, status=503)]
    found = reader.read(name, home=tmp_path)
    assert found.kind == "HubUnreachable"
    assert found.error.startswith(f"{name}: {hub.url} answers 503")
    assert "data.fallback: phrasebook" in found.error
    assert not list(tmp_path.rglob("*.parquet")), "nothing half-written stays"


def test_the_fallback_is_announced_and_recorded(hub: Hub, tmp_path: Path) -> None:
    with Reader(hub.url, tmp_path, HF_HUB_OFFLINE="1") as offline:
        instead = offline.read("offline/pairs", fallback="phrasebook")
    assert instead.origin["corpus"] == "phrasebook"
    assert instead.origin["instead_of"] == "offline/pairs"
    assert "HF_HUB_OFFLINE is set" in instead.origin["because"]
    assert any("offline/pairs is NOT used" in text for text in instead.warnings)
    assert any("phrasebook, A DIFFERENT CORPUS" in text for text in instead.warnings)


def _closed_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_without_a_hub_a_copy_is_used_at_once_and_nothing_else_is(
    hub: Hub, reader: Reader, tmp_path: Path
) -> None:
    name = hub.add("absent/pairs", THREE)
    read = reader.read(name, home=tmp_path)
    with Reader(_closed_port(), tmp_path) as refused:
        warm, cold = refused.read(name), refused.read("absent/other")
    assert warm.pairs == read.pairs
    assert warm.origin == read.origin
    assert any("cannot be reached" in text and "using the copy" in text for text in warm.warnings)
    assert cold.kind == "HubUnreachable"
    assert "no copy of it yet" in cold.error
    assert max(warm.seconds, cold.seconds) < 10


def test_a_silent_hub_is_given_up_quickly(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Reader(url, tmp_path, HF_HUB_ETAG_TIMEOUT="1") as waiting:
            found = waiting.read("silent/pairs")
    assert found.kind == "HubUnreachable"
    assert "gave no answer" in found.error
    assert found.seconds < 9


def test_a_host_that_cannot_be_resolved_is_given_up_too() -> None:
    never = threading.Event()
    with pytest.raises(HubUnreachable, match="gave no answer in 0 s"):
        first_answer(never.wait, seconds=0.05)
    never.set()


def test_offline_opens_no_socket_and_never_gives_another_revision(
    hub: Hub, reader: Reader, tmp_path: Path
) -> None:
    name = hub.add("offline/pairs", THREE)
    read = reader.read(name, home=tmp_path)
    hub.requests.clear()
    with Reader(hub.url, tmp_path, HF_HUB_OFFLINE="1") as offline:
        warm, cold = offline.read(name), offline.read("offline/other")
        exact = offline.read(name, revision=read.origin["revision"])
        other = offline.read(name, revision="v2")
        target = offline.read(name, target="de")
    assert hub.requests == []
    assert warm.pairs == exact.pairs == read.pairs
    assert warm.warnings == []  # it was requested
    assert cold.kind == other.kind == target.kind == "HubUnreachable"
    assert "HF_HUB_OFFLINE is set" in cold.error
    assert "no copy of revision 'v2', only of main" in other.error
    assert "no copy of what this config asks for" in target.error


def test_a_home_that_cannot_be_written_is_named(hub: Hub, tmp_path: Path) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_text("in the way")
    with Reader(hub.url, blocked) as barred:
        found = barred.read(hub.add("barred/pairs", THREE))
    assert found.kind == "WriteError"
    assert f"cannot write {blocked}" in found.error
    assert "HF_HOME" in found.error


def test_a_full_disk_is_reported_and_leaves_no_files(tmp_path: Path) -> None:
    folder = tmp_path / "corpus" / "copy"

    def write() -> None:
        with copies.writing(folder) as draft:
            (draft / "train.parquet").write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(WriteError, match="the disk is full: .* set HF_HOME to another folder"):
        write()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def truncated(copy: Path) -> None:
    (copy / "train.parquet").write_bytes((copy / "train.parquet").read_bytes()[:50])


def of_equal_length(copy: Path) -> None:
    content = (copy / "train.parquet").read_bytes()
    (copy / "train.parquet").write_bytes(bytes(len(content)))


def without_a_file(copy: Path) -> None:
    (copy / "test.parquet").unlink()


def of_another_data_set(copy: Path) -> None:
    text = (copy / "origin.json").read_text().replace("damaged/", "another/")
    (copy / "origin.json").write_text(text)


def without_an_origin(copy: Path) -> None:
    (copy / "origin.json").unlink()


def with_a_broken_origin(copy: Path) -> None:
    (copy / "origin.json").write_text('{"corpus": ')


def with_a_deep_origin(copy: Path) -> None:
    (copy / "origin.json").write_text("[" * 100_000)


def of_other_splits(copy: Path) -> None:
    origin = json.loads((copy / "origin.json").read_text())
    origin["splits"].update(validation="test", test="validation")
    (copy / "origin.json").write_text(json.dumps(origin))


DAMAGES = [truncated, of_equal_length, without_a_file, of_another_data_set, without_an_origin,
           with_a_broken_origin, with_a_deep_origin, of_other_splits]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_copy_is_downloaded_again_if_the_hub_answers(
    hub: Hub, reader: Reader, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    name = hub.add(f"damaged/{damage.__name__}", THREE)
    whole = reader.read(name, home=tmp_path)
    (copy,) = (path.parent for path in tmp_path.rglob("train.parquet"))
    damage(copy)
    again = reader.read(name, home=tmp_path)
    assert (again.error, again.pairs) == ("", whole.pairs)
    (warning,) = again.warnings
    assert f"{copy} is damaged (" in warning
    assert warning.endswith("it is deleted and fetched again")
    assert "\n" not in warning
    assert reader.read(name, home=tmp_path).warnings == []


def test_a_damaged_copy_is_reported_if_the_hub_does_not_answer(
    hub: Hub, reader: Reader, tmp_path: Path
) -> None:
    name = hub.add("damaged/offline", THREE)
    reader.read(name, home=tmp_path)
    (copy,) = (path.parent for path in tmp_path.rglob("train.parquet"))
    truncated(copy)
    with Reader(hub.url, tmp_path, HF_HUB_OFFLINE="1") as offline:
        found, instead = offline.read(name), offline.read(name, fallback="phrasebook")
    assert found.kind == "HubUnreachable"
    assert f"{copy} is damaged (" in found.error
    assert "fetched again once the hub answers" in found.error
    assert instead.origin["corpus"] == "phrasebook"
    assert copy.is_dir(), "nothing is deleted that cannot be made again"


SWAPPED = {"validation": "test", "test": "validation"}


@pytest.mark.parametrize("first", [{}, {"splits": SWAPPED}], ids=["usual", "swapped"])
def test_the_splits_of_a_config_do_not_depend_on_existing_copies(
    hub: Hub, reader: Reader, tmp_path: Path, first: dict[str, object]
) -> None:
    name = hub.add("cached/splits", THREE)
    reader.read(name, home=tmp_path, **first)
    usual, swapped = (
        reader.read(name, home=tmp_path),
        reader.read(name, home=tmp_path, splits=SWAPPED),
    )
    assert (usual.pairs["validation"], usual.pairs["test"]) == (PAIRS[40:50], PAIRS[50:])
    assert (swapped.pairs["validation"], swapped.pairs["test"]) == (PAIRS[50:], PAIRS[40:50])
    with Reader(hub.url, tmp_path, HF_HUB_OFFLINE="1") as offline:
        assert offline.read(name).pairs == usual.pairs
        assert offline.read(name, splits=SWAPPED).pairs == swapped.pairs
        assert offline.read(name, splits={"test": "validation"}).kind == "HubUnreachable"


def test_the_columns_of_a_config_do_not_depend_on_existing_copies(
    hub: Hub, reader: Reader, tmp_path: Path
) -> None:
    simple = [f"simple {n}" for n in range(60)]
    name = hub.add(
        "cached/columns", {"train.parquet": parquet(en=ENGLISH, plain=simple, fr=FRENCH)}
    )
    plain = reader.read(name, home=tmp_path, source_column="plain")
    usual = reader.read(name, home=tmp_path)
    assert plain.origin["columns"] == ["plain", "fr"]
    assert usual.origin["columns"] == ["en", "fr"]
    hub.requests.clear()
    named = reader.read(name, home=tmp_path, target_column="fr", source_column="en", target="fra")
    assert named.origin["columns"] == ["en", "fr"]


def aged(copy: Path) -> None:
    """As written by an earlier version, which did not record the available choices."""
    origin = json.loads((copy / "origin.json").read_text())
    for key in ("layout", "choices", "bytes"):
        del origin[key]
    (copy / "origin.json").write_text(json.dumps(origin))
    copy.rename(copy.with_name(f"{copy.name[:-12]}0123456789ab"))


def test_a_copy_of_an_earlier_layout_is_fetched_again_or_used_with_care(
    hub: Hub, reader: Reader, tmp_path: Path
) -> None:
    name = hub.add("aged/usual", THREE)
    usual = reader.read(name, home=tmp_path)
    other = hub.add("aged/swapped", THREE)
    reader.read(other, home=tmp_path, splits=SWAPPED)
    for copy in [path.parent for path in tmp_path.rglob("train.parquet")]:
        aged(copy)
    with Reader(hub.url, tmp_path, HF_HUB_OFFLINE="1") as offline:
        assert offline.read(name).pairs == usual.pairs
        assert offline.read(name, target="de").kind == "HubUnreachable"
        assert offline.read(other).kind == "HubUnreachable"  # its splits are not the usual ones
        assert offline.read(other, splits=SWAPPED).pairs["test"] == PAIRS[40:50]
    hub.requests.clear()
    assert reader.read(name, home=tmp_path).pairs == usual.pairs
    assert hub.sent(r"\.parquet") > 0


def test_leftovers_of_killed_processes_are_deleted_and_active_drafts_kept(
    hub: Hub, reader: Reader, tmp_path: Path
) -> None:
    name = hub.add("orphans/pairs", THREE)
    other = tmp_path / "nmt" / "corpora" / "somebody--else" / ("0" * 40)
    left = [other / ".en-fr-0123456789ab.4711", other / ".en-fr-0123456789ab.0123456789ab.draft"]
    for folder in left:
        folder.mkdir(parents=True)
        (folder / "train.parquet").write_bytes(b"half")
    os.utime(left[0], (0, 0))
    with copies.writing(other / "en-fr-ba9876543210") as draft:
        (draft / "train.parquet").write_bytes(b"half")
        assert reader.read(name, home=tmp_path).error == ""
        assert [folder for folder in left if folder.exists()] == []
        assert draft.is_dir()
    assert (other / "en-fr-ba9876543210" / "train.parquet").read_bytes() == b"half"


def test_a_commit_note_cannot_lead_elsewhere(hub: Hub, reader: Reader, tmp_path: Path) -> None:
    name = hub.add("noted/pairs", THREE)
    reader.read(name, home=tmp_path)
    (ref,) = tmp_path.rglob("refs/main")
    for text in ("../../elsewhere", "", "x" * 40, "\0"):
        ref.write_text(text)
        with Reader(hub.url, tmp_path, HF_HUB_OFFLINE="1") as offline:
            assert offline.read(name).kind == "HubUnreachable"
    assert reader.read(name, home=tmp_path).error == ""
    assert len(ref.read_text()) == 40
    ref.parent.chmod(0o500)
    ref.chmod(0o400)
    try:
        assert reader.read(name, home=tmp_path).error == ""  # nothing new to note
    finally:
        ref.parent.chmod(0o700)


PLACE = st.integers(0, 310)


@settings(max_examples=40)
@given(
    reads=st.lists(st.tuples(PLACE, st.integers(0, 40)), min_size=4, max_size=9),
    wanted=st.lists(st.tuples(st.integers(0, 299), st.integers(1, 60)), max_size=4),
)
def test_a_remote_file_reads_like_a_local_one(
    reads: list[tuple[int, int]], wanted: list[tuple[int, int]]
) -> None:
    content = bytes(n % 251 for n in range(300))
    remote = RemoteFile(lambda start, stop: content[start:stop], len(content))
    ranges = [(start, min(start + size, len(content))) for start, size in wanted]
    local = io.BytesIO(content)
    with (
        patch("nmt.data.formats.parquet.NEAR_BYTES", 3),
        patch("nmt.data.formats.parquet.REQUEST_BYTES", 7),
    ):
        remote.want(ranges)
        for position, size in reads:
            assert remote.seek(position) == local.seek(position)
            assert remote.read(size) == local.read(size)


def test_ranges_near_each_other_are_one_request() -> None:
    content = bytes(1_000_000)
    asked = []

    def fetch(start: int, stop: int) -> bytes:
        asked.append((start, stop))
        return content[start:stop]

    remote = RemoteFile(fetch, len(content))
    remote.want([(500_000, 500_100), (0, 10), (90, 200)])
    assert sorted(asked) == [(0, 200), (500_000, 500_100)]
    remote.want([(100, 150), (499_000, 500_050)])
    assert asked[2:] == [(499_000, 500_000)]  # what exists already is not requested again


def test_nested_and_plain_columns_are_read_alike_from_disk_and_remotely(tmp_path: Path) -> None:
    data = parquet(translation=[*STRUCTS[:-2], None, {"en": None, "fr": "x"}], other=ENGLISH)
    path = tmp_path / "pairs.parquet"
    path.write_bytes(data)
    columns = ("translation.en", "translation.fr")
    near = list(read_columns(local_table(path), columns))
    table, remote = remote_table(lambda start, stop: data[start:stop], len(data))
    assert near == list(read_columns(table, columns, remote))
    assert [len(batch[0]) for batch in near] == [25, 25, 10]
    assert near[-1][0][-2:] == [None, None]
    assert near[-1][1][-2:] == [None, "x"]
