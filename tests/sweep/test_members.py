"""The configs of a sweep, and the runs that they began: what fits together and what is refused."""

import json
import shutil
from pathlib import Path

import pytest

from nmt.config import load
from nmt.errors import ConfigError
from nmt.workflows.sweep.members import budget
from nmt.workflows.train.resume import check_budget
from support.commands import lay_out
from support.sweeps import (
    FOLDER,
    add,
    moments,
    refused,
)


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
