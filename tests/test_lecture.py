"""The lecture: every config trains, explains itself, and is in the table of the docs."""

import importlib
import json
import re
import runpy
from pathlib import Path

import pytest

from nmt.config import load, shipped
from nmt.data.batching.loader import Position
from nmt.training.trainer import Trainer
from nmt.workflows.explain import components
from nmt.workflows.train.setup import prepare
from nmt.workflows.train.validate import check_model
from support.commands import Commands, lay_out

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "configs/lecture"
CONFIGS = {path.stem: path for path in sorted(FOLDER.rglob("*.yaml"))}
DOCS = (ROOT / "docs/attention.md").read_text(encoding="utf-8")
SCRIPT = runpy.run_path(str(ROOT / "scripts/lecture_results.py"))
fill_config, fill_table = SCRIPT["fill_config"], SCRIPT["fill_table"]
PLACES = ("CONFIGS", "DOCS")
LEAGUES = SCRIPT["LEAGUES"]
ROWS = [line for line in DOCS.splitlines() if line.startswith("| ") and ".yaml)" in line]
TINY = (
    "data={corpus: files, files: {train: train.tsv}, validation_size: 12, test_size: 13}",
    "tokenizer.vocabulary_size=400",
    "training.batch_tokens=64",
    "device=cpu",
    "precision=float32",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    lay_out(tmp_path)
    vectors = [f"{word} {' '.join(['0.1'] * 300)}" for word in ("dogs", "cats", "see")]
    (tmp_path / "glove.6B.300d.txt").write_text("\n".join(vectors) + "\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_of_the_lecture_learns_from_its_first_updates(name: str, folder: Path) -> None:
    loaded = load(CONFIGS[name], TINY)
    assert loaded.config.name == name
    check_model(loaded)
    parts = prepare(loaded.config)
    trainer = Trainer(parts.model, loaded.config.training, parts.compute, total=2)
    before = {key: value.clone() for key, value in parts.model.named_parameters()}
    with parts.loader as loader:
        for batch in loader.take(Position(), 2):
            trainer.step([batch])
    still = [key for key, value in parts.model.named_parameters() if value.equal(before[key])]
    assert still == []


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_of_the_lecture_explains_itself_in_a_few_lines(name: str) -> None:
    lines = CONFIGS[name].read_text(encoding="utf-8").splitlines()
    header = "\n".join(line for line in lines if line.startswith("# "))
    assert len(lines) <= 20
    assert all(len(line) <= 100 for line in lines)
    assert "# Formula: " in header
    assert "# Heat map: " in header
    assert re.search(r"# Paper: .*https://", header, flags=re.DOTALL)


def test_all_of_them_share_budget_and_corpus() -> None:
    first = load(Path("lecture")).config
    for name in CONFIGS:
        config = load(Path(name)).config
        for key in ("epochs", "max_steps", "max_minutes", "batch_tokens", "accumulate"):
            assert getattr(config.training, key) == getattr(first.training, key), (name, key)
        assert config.data == first.data


def test_they_are_found_by_name_where_there_is_no_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in CONFIGS:
        assert load(CONFIGS[name].relative_to(ROOT)).config.name == name
        assert shipped()[name].is_file()


def test_missing_vectors_are_reported_in_one_line(tmp_path, monkeypatch, capsys) -> None:
    found = Commands(tmp_path, monkeypatch, capsys)("config", "validate", "37-word-vectors")
    assert found.status == 2
    assert re.search(r"37-word-vectors.yaml:\d+: model.source_vectors.file: ", found.err)
    assert "glove.6B.300d.txt" in found.err
    assert found.err.count("\n") == 1


# docs/attention.md


def test_every_config_is_in_the_table_of_the_docs_and_every_link_works() -> None:
    linked = re.findall(r"\]\(\.\./(configs/lecture/[\w/.-]+\.yaml)\)", DOCS)
    assert {ROOT / path for path in linked} == set(CONFIGS.values())
    for path in re.findall(r"\]\(([^)#:]+)\)", DOCS):
        assert (ROOT / "docs" / path).exists(), path


@pytest.mark.parametrize("row", ROWS, ids=lambda row: re.findall(r"`([\w-]+)`", row)[0])
def test_the_tests_that_a_row_names_exist(row: str) -> None:
    named = re.findall(r"`(test_\w+)::(test_\w+)`", row)
    assert named
    for module, function in named:
        assert callable(getattr(importlib.import_module(module), function))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: re.findall(r"`([\w-]+)`", row)[0])
def test_a_row_names_what_its_config_chooses(row: str) -> None:
    _, _, names, link, *_ = row.split("|")
    (path,) = re.findall(r"\]\(\.\./(\S+)\)", link)
    config = load(ROOT / path).config
    model, training = config.model, config.training
    chosen = {
        model.attention.score, model.attention.normalizer, model.attention.scope,
        model.attention.selection, model.encoder.kind, model.decoder.kind, model.decoder.cell,
        training.teacher_forcing_schedule, config.tokenizer.kind,
    }  # fmt: skip
    assert set(re.findall(r"`([\w-]+)`", names)) <= chosen


def test_every_registered_component_is_in_the_docs() -> None:
    missing = [
        f"{component.title} {component.name}"
        for component in components()
        if f"`{component.name}`" not in DOCS
    ]
    assert missing == []


# scripts/lecture_results.py


def league(**scores: float | None) -> dict:
    row = {"name": "02-dot", "state": "finished", **scores}
    return {"schema": "nmt.sweep/1", "corpus": "phrasebook", "rows": [row]}


def test_results_come_into_the_config_and_replace_older_ones() -> None:
    text = CONFIGS["02-dot"].read_text(encoding="utf-8")
    first = fill_config(text, league(bleu=91.234, aer=0.0612))
    assert "# phrasebook: BLEU 91.23, AER 6.1 %\n" in first
    again = fill_config(first, league(bleu=92.0, aer=None))
    assert "# phrasebook: BLEU 92.00\n" in again
    assert again.count("# phrasebook") == 1
    both = fill_config(again, {**league(bleu=50.0, aer=None), "corpus": "me/multi30k default"})
    assert "# phrasebook: BLEU 92.00\n# Multi30k: BLEU 50.00\n" in both
    assert [line for line in both.splitlines() if "BLEU" not in line] == [
        line for line in text.splitlines() if "BLEU" not in line
    ]


def test_results_come_into_the_table_of_the_docs() -> None:
    filled = fill_table(DOCS, league(bleu=91.234, aer=0.0612))
    (row,) = [line for line in filled.splitlines() if "(../configs/lecture/02-dot.yaml)" in line]
    assert row.endswith("| 91.23 | 6.1 |")
    assert json.dumps(fill_table(filled, league(bleu=91.234, aer=0.0612))) == json.dumps(filled)


def test_a_training_that_failed_changes_nothing() -> None:
    failed = league(bleu=None, aer=None)
    failed["rows"][0]["state"] = "failed"
    assert fill_table(DOCS, failed) == DOCS
    assert fill_config("# Formula: x\nname: 02-dot\n", failed) == "# Formula: x\nname: 02-dot\n"


@pytest.mark.parametrize("path", LEAGUES, ids=lambda path: path.stem)
def test_the_results_shown_are_those_of_the_tables(path: Path) -> None:
    found = json.loads(path.read_text(encoding="utf-8"))
    finished = {row["name"] for row in found["rows"] if row["state"] == "finished"}
    assert finished == {name for name in CONFIGS if name != "37-word-vectors"}, "no vectors here"
    for config in CONFIGS.values():
        text = config.read_text(encoding="utf-8")
        assert fill_config(text, found) == text
    if SCRIPT["corpus_of"](found) == "phrasebook":
        assert fill_table(DOCS, found) == DOCS


def test_only_finished_trainings_are_written_from_the_docs_table(folder, monkeypatch) -> None:
    for config in ("02-dot", "07-bahdanau"):
        path = folder / "configs/lecture" / f"{config}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# Formula: x\nname: {config}\n", encoding="utf-8")
    (folder / "docs").mkdir()
    (folder / "docs/attention.md").write_text(DOCS, encoding="utf-8")
    table = league(bleu=91.234, aer=0.0612)
    table["rows"].append({"name": "07-bahdanau", "state": "unfinished", "bleu": None, "aer": None})
    (folder / "league.json").write_text(json.dumps(table), encoding="utf-8")
    places = {"ROOT": folder, **{name: folder / SCRIPT[name].relative_to(ROOT) for name in PLACES}}
    for name, place in places.items():
        monkeypatch.setitem(SCRIPT["main"].__globals__, name, place)
    monkeypatch.setattr("sys.argv", ["lecture_results.py", "league.json"])
    SCRIPT["main"]()
    written = [path.read_text(encoding="utf-8") for path in sorted(folder.rglob("0*.yaml"))]
    assert written == [
        "# Formula: x\n# phrasebook: BLEU 91.23, AER 6.1 %\nname: 02-dot\n",
        "# Formula: x\nname: 07-bahdanau\n",
    ]
    docs = (folder / "docs/attention.md").read_text(encoding="utf-8")
    assert docs == fill_table(DOCS, table)
