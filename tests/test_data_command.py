"""`nmt data list`, `get` and `check`, as used by people and by programs."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from nmt.cli.data import app
from nmt.config import shipped
from nmt.data.hub.known_corpora import KNOWN_CORPORA
from nmt.errors import DataError, UsageError

SAME = ("Paris", "Paris")
LOPSIDED = ("yes", "oui " * 9)
WORDLESS = ("1 + 1 = 2 !", "1 + 1 = deux")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A corpus of 56 training pairs with defects, and a test split that overlaps it."""
    pairs = [(f"number {n}", f"le nombre {n}") for n in range(50)]
    odd = [SAME, LOPSIDED, WORDLESS, pairs[7], ("", "vide"), ("far " * 30, "loin")]
    for name, rows in (("train", pairs + odd), ("test", [("number 3", "trois"), ("new", "neuf")])):
        text = "".join(f"{english}\t{french}\n" for english, french in rows)
        (tmp_path / f"{name}.tsv").write_text(text, encoding="utf-8")
    path = tmp_path / "own.yaml"
    path.write_text(
        "name: own\ndata:\n  corpus: files\n  cleaning: {max_ratio: 20}\n"
        f"  files: {{train: '{tmp_path}/train.tsv', test: '{tmp_path}/test.tsv'}}\n"
    )
    return path


def test_the_list_names_corpora_with_configs_that_exist() -> None:
    shown = run("list").stdout
    entries = json.loads(run("list", "--json").stdout)
    assert [entry["corpus"] for entry in entries] == [entry.corpus for entry in KNOWN_CORPORA]
    for entry in KNOWN_CORPORA:
        assert entry.corpus in shown
        assert entry.ready is None or entry.ready in shipped()


def test_check_counts_pairs_and_problems(config: Path) -> None:
    found = json.loads(run("check", config, "--json").stdout)
    train, validation, test = (found["splits"][name] for name in ("train", "validation", "test"))
    assert train["cleaning"]["read"] == 56
    assert train["cleaning"]["dropped"] == {
        "empty side": 1, "length ratio": 1, "source in validation or test": 1, "duplicate": 1,
        "set aside for validation": 5,
    }  # fmt: skip
    assert train["pairs"] == train["cleaning"]["kept"] == 47
    assert train["repeated_pairs"] == 1
    assert (test["pairs"], test["sources_in_train"]) == (2, 1)
    assert (validation["pairs"], validation["sources_in_train"]) == (5, 0)
    odd = {what: found["pairs"] for split in (train, validation)
           for what, found in split["suspicious"].items()}  # fmt: skip
    assert odd == {
        "both sides the same": 1, "one side much longer": 1, "a side without letters": 1,
    }  # fmt: skip
    assert test["source_words"] == {"mean": 1.5, "p95": 2, "max": 2}
    assert len(train["samples"]) == 5


def test_check_shows_a_page_for_people(config: Path) -> None:
    page = run("check", config).stdout
    for text in ("pairs read", "pairs kept", "left out: empty side", "Paris", "source in train",
                 "rewritten: outer space removed", "sample of train"):  # fmt: skip
        assert text in page


def test_get_says_what_is_here(config: Path) -> None:
    lines = run("get", config).stdout.splitlines()
    assert [line.split("\t")[1:] for line in lines] == [["train", "56"], ["test", "2"]]


def test_get_never_takes_a_fallback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    path = tmp_path / "far.yaml"
    path.write_text("name: far\ndata: {corpus: nobody/nothing-at-all, fallback: phrasebook}\n")
    result = run("get", path)
    assert isinstance(result.exception, DataError)
    assert "nobody/nothing-at-all" in str(result.exception)


def test_options_change_what_the_config_says(tmp_path: Path) -> None:
    lines = (json.dumps({"en": f"number {n}", "fr": f"le nombre {n}"}) for n in range(30))
    (tmp_path / "pairs.jsonl").write_text("\n".join(lines))
    path = tmp_path / "own.yaml"
    path.write_text(f"name: own\ndata: {{corpus: files, files: {{train: {tmp_path}/pairs.jsonl}}}}")
    found = json.loads(run("check", path, "--source", "fr", "--target", "en", "--json").stdout)
    assert (found["source"], found["target"]) == ("fr", "en")
    assert all(source.startswith("le ") for source, _ in found["splits"]["train"]["samples"])
    german = run("check", "phrasebook", "--target", "de")
    assert isinstance(german.exception, DataError)
    assert "only English and French" in str(german.exception)


def test_files_need_a_config() -> None:
    result = run("check", "files")
    assert isinstance(result.exception, UsageError)
    assert "data.files" in str(result.exception)


@pytest.mark.parametrize("command", ["list", "get", "check"])
def test_help_ends_with_examples(command: str) -> None:
    assert f"nmt data {command}" in run(command, "--help").stdout.split("Example")[-1]
