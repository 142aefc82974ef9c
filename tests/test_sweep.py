"""`nmt sweep`: what it trains, what it leaves alone, and its comparison files."""

import json
import shutil
import signal
import sys
from hashlib import sha256
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from PIL import Image

from nmt.config import load
from nmt.errors import CheckpointError, ConfigError, DataError, TrainingError
from nmt.evaluation.league import League, Row, ranked
from nmt.evaluation.records import Matrix, read_records
from nmt.models.summary import summary
from nmt.plots import league as picture
from nmt.plots import small_multiples
from nmt.plots.side_by_side import ComparedSentence, Panel, save_side_by_side
from nmt.workflows.sweep.members import budget
from nmt.workflows.sweep.table import COLUMNS, markdown
from nmt.workflows.train.reporter import TrainingReporter
from nmt.workflows.train.resume import check_budget
from support.commands import Commands, Outcome, lay_out

CONFIGS = {
    "general": "",
    "early": "model: {attention: {score: additive}, decoder: {kind: bahdanau, cell: gru}}",
    "vector": "model: {attention: {score: none}}",
}
BROKEN = "training: {learning_rate: 1e9, schedule: constant, warmup_steps: 0, clip_norm: null}"
STOPPED_AT = 7  # a step of the second epoch, of five updates
FOLDER = "runs/sweep"


def lay_out_configs(folder: Path) -> list[str]:
    """A corpus, and configs of equal budget that extend one another."""
    lay_out(folder)
    for name, text in {**CONFIGS, "broken": BROKEN}.items():
        add(folder, name, text)
    return [f"{name}.yaml" for name in CONFIGS]


def add(folder: Path, name: str, text: str, file: str | None = None) -> str:
    file = file or f"{name}.yaml"
    (folder / file).write_text(f"extends: tiny.yaml\nname: {name}\n{text}\n", encoding="utf-8")
    return file


def run_in(folder: Path, *arguments: str, stop_at: int | None = None) -> int:
    """The exit status of a command; `stop_at`: a signal arrives in this step of `early`."""
    from nmt.cli import main

    updated = TrainingReporter.updated

    def interrupting(self, progress, report):
        updated(self, progress, report)
        if self.run.folder.name == "early" and progress.step == stop_at:
            signal.raise_signal(signal.SIGTERM)

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["nmt", *arguments])
        patch.setattr(TrainingReporter, "updated", interrupting)
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0)


def digest(run: Path) -> str:
    return sha256((run / "checkpoints/last/model.safetensors").read_bytes()).hexdigest()


def moments(folder: Path) -> dict[str, int]:
    """When each file of the runs was written last."""
    runs = (path for path in (folder / FOLDER).glob("*/**/*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in runs}


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A folder in which a sweep was stopped in its second training and then continued."""
    folder = tmp_path_factory.mktemp("swept")
    configs = lay_out_configs(folder)
    assert run_in(folder, "sweep", *configs, stop_at=STOPPED_AT) == 128 + signal.SIGTERM
    shutil.copytree(folder / FOLDER, folder / "stopped", symlinks=True)
    assert run_in(folder, "sweep", *configs) == 0
    return folder


@pytest.fixture
def nmt(swept, tmp_path, monkeypatch, capsys):
    """The command, in a copy of that folder."""
    shutil.copytree(swept, tmp_path / "work", symlinks=True)
    return Commands(tmp_path / "work", monkeypatch, capsys)


@pytest.fixture
def fresh(tmp_path, monkeypatch, capsys):
    """The command in a folder where nothing has been trained yet."""
    lay_out_configs(tmp_path)
    return Commands(tmp_path, monkeypatch, capsys)


def rows_of(folder: Path) -> dict[str, dict]:
    league = json.loads((folder / FOLDER / "league.json").read_text(encoding="utf-8"))
    assert league["schema"] == "nmt.sweep/1"
    return {row["name"]: row for row in league["rows"]}


def read_json(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def refused(found: Outcome, status: int, *parts: str) -> None:
    """Expect one line with everything that it should name, and nothing on standard output."""
    assert found.status == status, found.err
    assert found.out == ""
    (complaint,) = [line for line in found.err.split("\n") if line.startswith("nmt: ")]
    assert "Traceback" not in found.err
    for part in parts:
        assert part in complaint


@pytest.mark.slow
def test_a_stopped_sweep_keeps_what_is_finished_and_goes_on_where_it_was(swept):
    stopped = swept / "stopped"
    assert (stopped / "general/README.md").exists()
    assert (stopped / f"early/checkpoints/step-{STOPPED_AT}").is_dir()
    assert not (stopped / "vector").exists()
    states = {row["name"]: row["state"] for row in read_json(stopped / "league.json")["rows"]}
    assert states == {"general": "finished", "early": "unfinished", "vector": "unfinished"}
    log = (swept / FOLDER / "early/train.log").read_text(encoding="utf-8")
    assert f"resumed at step {STOPPED_AT}" in log
    assert digest(stopped / "general") == digest(swept / FOLDER / "general")
    assert "resumed" not in (swept / FOLDER / "general/train.log").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_second_sweep_trains_nothing(nmt):
    before = moments(nmt.folder)
    aside = nmt.folder / FOLDER / "early/checkpoints/.step-4.put-aside"
    aside.mkdir()  # as left by a process that is killed while it removes the folder
    (nmt.folder / FOLDER / "failures.json").write_text('{"early": "no room"}', encoding="utf-8")
    found = nmt("sweep", "general.yaml", "early.yaml", "vector.yaml")
    assert found.status == 0
    assert moments(nmt.folder) == before
    assert not (nmt.folder / FOLDER / "failures.json").exists()
    assert not aside.exists()
    assert found.err.count("is already finished") == 3


@pytest.mark.slow
def test_a_sweep_ends_in_the_weights_of_a_training_alone(swept, nmt):
    """This includes the interrupted one, and one that ran after others."""
    for name in ("early", "vector"):
        assert nmt("train", f"{name}.yaml").status == 0
        assert digest(nmt.folder / "runs" / name) == digest(swept / FOLDER / name)


@pytest.mark.slow
def test_a_sweep_says_how_to_go_on(fresh, monkeypatch):
    updated = TrainingReporter.updated

    def interrupting(self, progress, report):
        updated(self, progress, report)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(TrainingReporter, "updated", interrupting)
    found = fresh("sweep", "general.yaml", "early.yaml", "training.epochs=1")
    assert found.status == 130
    assert found.out == ""
    assert "go on with:  nmt sweep general.yaml early.yaml training.epochs=1" in found.err
    assert not (fresh.folder / FOLDER / "early").exists()


@pytest.mark.slow
def test_the_table_holds_the_numbers_of_the_runs_own_files(swept):
    rows = rows_of(swept)
    assert rows.keys() == CONFIGS.keys()
    for name, row in rows.items():
        run = swept / FOLDER / name
        scores = read_json(run / "evaluation/test/scores.json")
        state = read_json(run / "checkpoints/last/state.json")
        events = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
        speeds = [event["tokens_per_second"] for event in events if event["event"] == "train"]
        assert row["state"] == "finished"
        assert (row["bleu"], row["chrf"]) == (scores["bleu"]["value"], scores["chrf"]["value"])
        assert row["sentences_per_second"] == scores["sentences_per_second"]
        assert row["entropy"] == scores.get("attention_entropy")
        assert row["parameters"] == sum(read_json(run / "manifest.json")["parameters"].values())
        assert row["tokens_per_second"] == median(speeds)
        assert (row["epochs"], row["steps"]) == (2, state["step"])
        assert row["minutes"] == pytest.approx(state["seconds"] / 60)
        assert row["aer"] is None, "the corpus has no gold links"
    text = (swept / FOLDER / "league.md").read_text(encoding="utf-8")
    for name, row in rows.items():
        (line,) = [line for line in text.split("\n") if line.startswith(f"| {name} |")]
        assert f"| {row['bleu']:.2f} | {row['chrf']:.2f} | – |" in line
        assert f"{row['parameters']:,}" in line
    assert "at most 2 epochs, updates of 128 tokens, the same for all" in text
    assert "125 train, 12 validation, 13 test" in text


@pytest.mark.slow
def test_gold_links_get_from_the_evaluation_into_table_and_page(nmt):
    path = nmt.folder / FOLDER / "general/evaluation/test/scores.json"
    found = {"precision": 0.7, "recall": 0.9, "aer": 0.234}
    path.write_text(json.dumps({**read_json(path), "alignment": found}), encoding="utf-8")
    assert nmt("sweep", "--table-only").status == 0
    row = rows_of(nmt.folder)["general"]
    assert {name: row[name] for name in found} == found
    text = " ".join(Page(nmt.folder / FOLDER / "attention.html").texts["p"])
    assert "AER 23.4 %" in text


@pytest.mark.slow
def test_a_config_that_cannot_be_trained_is_reported_and_the_others_go_on(nmt):
    for name in ("early", "broken"):
        shutil.rmtree(nmt.folder / FOLDER / name, ignore_errors=True)
    configs = ("general.yaml", "broken.yaml", "early.yaml")
    found = nmt("sweep", *configs)
    assert found.status == 1
    assert "nmt: 1 of 3 could not be trained: broken" in found.err
    assert found.out.split("\n")[0] == f"{FOLDER}/league.md"
    rows = rows_of(nmt.folder)
    assert list(rows)[-1] == "broken"
    assert (rows["early"]["state"], rows["broken"]["state"]) == ("finished", "failed")
    assert any(why in rows["broken"]["reason"] for why in ("the loss is nan", "has diverged"))
    table = (nmt.folder / FOLDER / "league.md").read_text(encoding="utf-8")
    assert f"**failed**: {rows['broken']['reason']}" in table
    assert nmt("sweep", *configs, "--table-only").status == 0
    assert rows_of(nmt.folder)["broken"]["state"] == "failed"


def test_whatever_is_wrong_with_one_training_is_noted_and_the_next_begins(fresh, monkeypatch):
    troubles = {
        "general": DataError("train.tsv is empty"),
        "early": ConfigError("too short"),
        "vector": TrainingError("no number"),
    }

    def failing(loaded, request):
        raise troubles[loaded.config.name]

    monkeypatch.setattr("nmt.workflows.sweep.run.train", failing)
    refused(
        fresh("sweep", *(f"{name}.yaml" for name in troubles)), 1,
        "none of general, early, vector could be trained", f"{FOLDER}/failures.json",
    )  # fmt: skip
    assert read_json(fresh.folder / FOLDER / "failures.json") == {
        name: str(why) for name, why in troubles.items()
    }


@pytest.mark.slow
def test_a_first_config_whose_positions_are_too_few_does_not_end_the_sweep(fresh):
    few = "model: {attention: {score: location, max_positions: 2}}"
    configs = (add(fresh.folder, "few", few), "general.yaml")
    found = fresh("sweep", *configs, "training.epochs=1")
    assert found.status == 1
    assert "nmt: 1 of 2 could not be trained: few" in found.err
    rows = rows_of(fresh.folder)
    assert {name: row["state"] for name, row in rows.items()} == {
        "general": "finished", "few": "failed",
    }  # fmt: skip
    assert rows["few"]["reason"].startswith("model.attention.max_positions is 2, but ")


class Page(HTMLParser):
    """The visible text of a page, and the addresses in its elements."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {}
        self.links: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.open.append(tag)
        self.texts.setdefault(tag, []).append("")
        self.links += [value for name, value in attrs if name in ("href", "src") and value]

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if self.open:
            self.texts[self.open[-1]][-1] += data


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
def test_other_commands_do_not_use_a_run_of_a_sweep_by_default(nmt):
    assert not (nmt.folder / "runs/latest").exists()
    assert nmt("translate", "I see dogs", "--run", f"{FOLDER}/early").status == 0
    assert nmt("train", "general.yaml").status == 0
    shutil.rmtree(nmt.folder / FOLDER / "early")
    assert nmt("sweep", "early.yaml").status == 0
    assert (nmt.folder / "runs/latest").resolve().name == "general"


@pytest.mark.slow
def test_what_may_change_is_applied_to_finished_runs(nmt):
    found = nmt("sweep", "general.yaml", "decoding.beam_size=3")
    assert found.status == 0
    scores = read_json(nmt.folder / FOLDER / "general/evaluation/test/scores.json")
    assert scores["decoding"]["beam_size"] == 3
    assert "is already finished" in nmt("sweep", "general.yaml", "decoding.beam_size=3").err


@pytest.mark.slow
def test_a_finished_run_that_was_asked_for_more_and_was_stopped_goes_on(nmt):
    configs = ("sweep", "early.yaml", "training.epochs=4")
    assert run_in(nmt.folder, *configs, stop_at=13) == 128 + signal.SIGTERM
    assert run_in(nmt.folder, *configs, "--table-only") == 0
    assert rows_of(nmt.folder)["early"]["state"] == "unfinished"
    assert nmt(*configs).status == 0
    assert rows_of(nmt.folder)["early"]["epochs"] == 4


@pytest.mark.slow
def test_a_changed_config_is_refused_before_anything_is_trained(nmt):
    shutil.rmtree(nmt.folder / FOLDER / "general")
    refused(
        nmt("sweep", "general.yaml", "vector.yaml", "model.dropout=0.3"), 2,
        "runs/sweep/vector/config.resolved.yaml", "model.dropout was 0.1, is 0.3",
        "delete runs/sweep/vector", "--folder",
    )  # fmt: skip
    assert not (nmt.folder / FOLDER / "general").exists()


@pytest.mark.slow
def test_runs_of_different_texts_are_not_compared(nmt):
    text = (nmt.folder / "train.tsv").read_text(encoding="utf-8").replace("dogs", "wolves")
    (nmt.folder / "train.tsv").write_text(text, encoding="utf-8")
    shutil.rmtree(nmt.folder / FOLDER / "early")
    refused(
        nmt("sweep", "general.yaml", "early.yaml"), 3,
        "runs/sweep/general", "runs/sweep/early", "different texts",
    )  # fmt: skip


def test_configs_of_one_name_are_refused(fresh):
    add(fresh.folder, "general", "", file="twin.yaml")
    refused(fresh("sweep", "general.yaml", "twin.yaml"), 2, "general.yaml", "twin.yaml", "named")
    refused(fresh("sweep", "general.yaml", "early.yaml", "name=all"), 2, "named 'all'")
    assert not (fresh.folder / "runs").exists()


def test_configs_of_different_corpora_are_refused(fresh):
    add(fresh.folder, "fewer", "data: {max_pairs: 60}")
    refused(
        fresh("sweep", "general.yaml", "fewer.yaml"), 2,
        "general.yaml and fewer.yaml", "data.max_pairs is null and 60",
    )  # fmt: skip
    add(fresh.folder, "drawn", "data: {max_pairs: 60}\nseed: 2")
    refused(
        fresh("sweep", "fewer.yaml", "drawn.yaml"), 2,
        "fewer.yaml and drawn.yaml", "seed is 1 and 2",
    )  # fmt: skip


def test_every_config_is_checked_before_the_first_is_trained(fresh):
    add(fresh.folder, "typo", "model: {attention: {score: aditive}}")
    refused(fresh("sweep", "general.yaml", "typo.yaml"), 2, "typo.yaml:3", "'additive'")
    assert not (fresh.folder / "runs").exists()


def test_what_cannot_be_swept_is_one_line(fresh):
    refused(fresh("sweep"), 2, "no config", "nmt sweep")
    refused(fresh("sweep", "training.epochs=1"), 2, "no config")
    refused(fresh("sweep", "--table-only", "training.epochs=1"), 2, "training.epochs=1")
    refused(fresh("sweep", "--table-only"), 2, "runs/sweep holds no runs", "--folder")
    refused(
        fresh("sweep", "general.yaml", "--table-only"), 2, "none of general has been trained yet"
    )
    refused(
        fresh("sweep", "general.yaml", "evaluation.splits=[]"), 2,
        "no split that all configs evaluate", "evaluation.splits=[test]", "general.yaml: []",
    )  # fmt: skip
    refused(fresh("sweep", "general.yaml", "--sentence", " "), 2, "--sentence is empty")
    (fresh.folder / "thesis/early").mkdir(parents=True)
    (fresh.folder / "thesis/early/only-copy.txt").write_text("years", encoding="utf-8")
    refused(
        fresh("sweep", "general.yaml", "early.yaml", "--folder", "thesis"), 2,
        "thesis/early is not a run of nmt",
    )  # fmt: skip
    assert not (fresh.folder / "runs").exists()
    assert not (fresh.folder / "thesis/general").exists()


def test_configs_that_differ_only_in_budget_are_told_apart(fresh):
    add(
        fresh.folder,
        "longer",
        "training: {epochs: 1, max_steps: 1200, max_minutes: 2.5, accumulate: 2}",
    )
    configs = [load(fresh.folder / f"{name}.yaml").config for name in ("general", "longer")]
    assert [budget(config) for config in configs] == [
        "at most 2 epochs, updates of 128 tokens",
        "at most 1 epoch or 1,200 steps or 2.5 minutes, updates of 256 tokens",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "general · softmax · global · luong lstm, input feeding"),
        ("model: {attention: {score: none}}", "no attention · luong lstm, input feeding"),
        (
            "model: {attention: {score: additive, normalizer: sparsemax, scope: local-p, heads: 2, "
            "temperature: 0.5, selection: gumbel}, decoder: {kind: bahdanau, cell: gru}}",
            "additive · sparsemax · local-p · 2 heads · hard, by gumbel · temperature 0.5 · "
            "bahdanau gru",
        ),
        (
            "model: {encoder: {kind: self_attention, layers: 3, self_attention: {heads: 4}}, "
            "decoder: {kind: transformer, layers: 2, self_attention: {heads: 1, norm: post}}}",
            "general · softmax · global · transformer 2 x 1 head, post-norm, sinusoidal · "
            "self-attention encoder, scaled_dot 3 x 4 heads, pre-norm, sinusoidal",
        ),
        (
            "model: {encoder: {kind: self_attention, self_attention: {score: additive, normalizer: "
            "sparsemax, feed_forward: 0}}, decoder: {kind: transformer, self_attention: "
            "{selection: gumbel}}, attention: {scope: local-m, window: 3, heads: 2}}\n"
            "training: {teacher_forcing_schedule: linear, teacher_forcing: 0.9, "
            "teacher_forcing_end: 0.2, teacher_forcing_per: sentence}",
            "general · softmax · local-m, window 3 · 2 heads · transformer 1 x 4 heads, pre-norm, "
            "sinusoidal, hard, by gumbel · self-attention encoder, additive 1 x 4 heads, pre-norm, "
            "sinusoidal, sparsemax, no feed-forward · teacher forcing linear, 0.9 to 0.2 a "
            "sentence",
        ),
        (
            "tokenizer: {kind: word}\ntraining: {teacher_forcing: 0.7}\nmodel: {attention: "
            "{score: additive, activation: relu}, source_vectors: {file: glove.txt}}",
            "additive · softmax · global · f = relu · luong lstm, input feeding · "
            "teacher forcing 0.7 a token · whole words · word vectors",
        ),
        (
            "model: {encoder: {kind: self_attention}, decoder: {kind: transformer}}",
            "general · softmax · global · transformer 1 x 4 heads, pre-norm, sinusoidal · "
            "encoder alike",
        ),
    ],
)  # fmt: skip
def test_a_mechanism_in_a_line(text, expected, tmp_path):
    lay_out(tmp_path)
    path = tmp_path / add(tmp_path, "one", text)
    assert summary(load(path).config) == expected


@pytest.mark.parametrize(
    ("trained", "asked", "message"),
    [
        ({"epochs": 3}, {"epochs": 2}, "training.epochs is 2, but the run (R) was trained with 3, "
         "and it may have had more than that: set it back, or sweep elsewhere"),
        ({"max_steps": None}, {"max_steps": 9}, "training.max_steps is 9, but the run (R) was "
         "trained with None, and it may"),
        ({"max_minutes": 9}, {"max_minutes": 8.5}, "training.max_minutes is 8.5, but the run (R)"),
        ({"schedule": "cosine", "epochs": 3}, {"epochs": 4}, "training.epochs is 4, but the run "
         "(R) was trained with 3, and the learning-rate schedule 'cosine' depends on it"),
        ({"teacher_forcing_schedule": "linear", "max_steps": 7}, {"max_steps": 8},
         "the teacher-forcing schedule 'linear' depends on it"),
        ({"schedule": "constant", "epochs": 3}, {"epochs": 4}, None),
        ({"schedule": "cosine"}, {"max_minutes": 9}, None),
        ({"schedule": "cosine"}, {"patience": 9}, None),
    ],
)  # fmt: skip
def test_a_run_is_not_credited_with_a_budget_it_did_not_have(trained, asked, message, tmp_path):
    lay_out(tmp_path)
    path = tmp_path / add(tmp_path, "one", "")
    if "max_minutes" in asked and message is None:
        trained = {**trained, "max_minutes": 8}
    before, now = (
        load(path, [f"training.{key}={json.dumps(value)}" for key, value in options.items()]).config
        for options in (trained, {**trained, **asked})
    )
    if message is None:
        check_budget(before, now, Path("R"), otherwise="sweep elsewhere")
        return
    with pytest.raises(ConfigError) as caught:
        check_budget(before, now, Path("R"), otherwise="sweep elsewhere")
    assert message in str(caught.value)


@pytest.mark.slow
def test_a_smaller_budget_than_a_run_had_is_refused(nmt):
    before = moments(nmt.folder)
    refused(
        nmt("sweep", "general.yaml", "training.epochs=1"), 2,
        "training.epochs is 1, but the run", "was trained with 2", f"delete {FOLDER}/general",
    )  # fmt: skip
    assert moments(nmt.folder) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("general/manifest.json", '{"cor', "is not JSON, or was cut short: retrain the run"),
        ("general/manifest.json", '{"format": "nmt.run/1"}', "has no valid value for"),
        ("general/evaluation/test/scores.json", '{"bleu": {}}', "write it again: nmt evaluate"),
        ("general/evaluation/test/scores.json", "[]", "write it again: nmt evaluate"),
        ("failures.json", "[1]", "failures.json was not written by nmt sweep; delete it"),
    ],
)
def test_a_broken_file_of_a_run_is_reported_before_anything_is_trained(nmt, file, text, message):
    shutil.rmtree(nmt.folder / FOLDER / "early")
    (nmt.folder / FOLDER / file).write_text(text, encoding="utf-8")
    for options in ((), ("--table-only",)):
        found = nmt("sweep", "general.yaml", "early.yaml", *options)
        refused(found, found.status, file, message)
        assert found.status in (2, 3)
    assert not (nmt.folder / FOLDER / "early").exists()


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


@pytest.mark.slow
def test_a_failure_before_a_run_existed_is_reported_with_table_only(nmt):
    failures = nmt.folder / FOLDER / "failures.json"
    failures.write_text('{"gone": "too few positions"}', encoding="utf-8")
    found = nmt("sweep", "--table-only")
    assert found.status == 0
    assert "gone failed before it had a run, and is left out: too few positions" in found.err


def row(name: str, **values) -> Row:
    return Row(name=name, run=f"runs/{name}", mechanism="dot", budget="3 epochs", **values)


@pytest.mark.parametrize("value", ["3", True, [1], 1e300, 10**400, -1.0, float("nan")])
@pytest.mark.parametrize("name", ["bleu", "aer", "sentences_per_second", "parameters", "minutes"])
def test_an_impossible_number_is_reported_with_its_run(name, value):
    with pytest.raises(CheckpointError, match=f"runs/a: its {name} is ") as caught:
        row("a", state="finished", **{name: value})
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def league(*rows: Row) -> League:
    return League(
        rows=ranked(rows), corpus="phrasebook", pairs={"train": 23, "test": 7}, split="test",
        compute="cpu", system="Linux", versions={"nmt": "1", "torch": "2"}, date="2026-01-02",
    )  # fmt: skip


def test_the_best_comes_first_and_models_without_score_last():
    rows = [
        row("a-failed", state="failed"),
        row("third", state="finished", bleu=0.0, chrf=5.0),
        row("second", state="finished", bleu=31.0, chrf=50.0),
        row("first", state="finished", bleu=31.0, chrf=57.0),
    ]
    assert [each.name for each in ranked(rows)] == ["first", "second", "third", "a-failed"]


def test_unequal_budgets_are_shown_with_their_models():
    other = Row(**{**vars(row("b", state="finished", bleu=1.0)), "budget": "5 epochs"})
    told = league(row("a", state="finished", bleu=2.0), other).budget
    assert told == "NOT equal: 3 epochs: a; 5 epochs: b"
    assert league(row("a", state="finished", bleu=2.0)).budget == "3 epochs, the same for all"


def test_a_table_has_as_many_cells_in_every_line():
    text = markdown(
        league(
            row("a", state="finished", bleu=2.0, chrf=3.0, aer=0.125, entropy=0.5, epochs=3),
            row("b", state="failed", reason="the loss | is\nno number"),
        )
    )
    lines = [line for line in text.replace("\\|", "").split("\n") if line.startswith("|")]
    assert {line.count("|") for line in lines} == {len(COLUMNS) + 3}
    assert "| a | 2.00 | 3.00 | 12.5 | 0.50 |" in text


NAMES = ["dot", "a-very-long-name-of-a-mechanism-that-goes-on-and-on", "x" * 60, "none"]


def test_the_picture_holds_every_name_and_number_within_its_frame(tmp_path):
    rows = [
        row(name, state="finished", bleu=91.5 - 10 * n, chrf=1.0, aer=n / 7 if n < 3 else None)
        for n, name in enumerate(NAMES)
    ]
    shown = league(*rows, row("broken", state="failed", reason="why"))
    figure = picture.draw(shown)
    bleu, aer = figure.axes
    labels = [label.get_text().replace("\n", "") for label in bleu.get_yticklabels()]
    assert labels == NAMES
    assert [bar.get_width() for bar in bleu.patches] == [91.5, 81.5, 71.5, 61.5]
    assert [text.get_text() for text in aer.texts] == ["0.0", "14.3", "28.6", "–"]
    width, height = figure.get_size_inches() * figure.dpi
    texts = [*figure.texts, *bleu.get_yticklabels(), bleu.title, aer.title, *aer.texts, *bleu.texts]
    texts += [axes.title for axes in (bleu, aer)] + [axes._left_title for axes in (bleu, aer)]
    for text in texts:
        box = text.get_window_extent()
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= width, text
        assert box.y1 <= height, text
    boxes = [label.get_window_extent() for label in bleu.get_yticklabels()]
    assert all(above.y0 >= below.y1 for above, below in zip(boxes, boxes[1:], strict=False))
    (path,) = picture.save_league(shown, tmp_path / "league.png")
    with Image.open(path) as image:
        assert image.size == (int(width), int(height))


def test_a_corpus_without_gold_links_has_one_panel():
    (axes,) = picture.draw(league(row("a", state="finished", bleu=2.0))).axes
    assert "BLEU" in axes.get_title(loc="left")


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
