"""`nmt sweep`: what it trains, what it leaves alone, and what it says."""

import json
import shutil
import signal
from statistics import median

import pytest

from nmt.errors import ConfigError, DataError, TrainingError
from nmt.workflows.train.reporter import TrainingReporter
from support.sweeps import (
    CONFIGS,
    FOLDER,
    STOPPED_AT,
    Page,
    add,
    digest,
    moments,
    read_json,
    refused,
    rows_of,
    run_in,
)


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
def test_a_failure_before_a_run_existed_is_reported_with_table_only(nmt):
    failures = nmt.folder / FOLDER / "failures.json"
    failures.write_text('{"gone": "too few positions"}', encoding="utf-8")
    found = nmt("sweep", "--table-only")
    assert found.status == 0
    assert "gone failed before it had a run, and is left out: too few positions" in found.err
