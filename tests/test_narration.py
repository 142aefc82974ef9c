"""The output of a training for people and programs: metrics, samples, the model card."""

import errno
import json
import re
from pathlib import Path

import pytest

from nmt.checkpoint.run import Run
from nmt.config import TrainingConfig
from nmt.errors import WriteError
from nmt.training.loop import Progress, Validation
from nmt.workflows.train.reporter import Board, TrainingReporter, trim_metrics
from support.commands import Commands, lay_out

HUB = ["data.corpus=someone/corpus", "data.files=null", "data.fallback=phrasebook"]


@pytest.fixture
def nmt(tmp_path, monkeypatch, capsys):
    lay_out(tmp_path)
    return Commands(tmp_path, monkeypatch, capsys)


def test_metrics_after_the_checkpoint_and_incomplete_lines_are_dropped(tmp_path):
    path = tmp_path / "metrics.jsonl"
    events = [("train", 5), ("validation", 5), ("train", 10), ("validation", 10), ("train", 15)]
    lines = [json.dumps({"event": event, "step": step}) for event, step in events]
    path.write_text("\n".join(lines) + '\n{"event": "tra', encoding="utf-8")
    trim_metrics(path, 10, 10)
    assert path.read_text(encoding="utf-8").split("\n") == [*lines[:4], ""]
    trim_metrics(path, 10, 5)  # what was saved before its validation is validated again
    assert path.read_text(encoding="utf-8").split("\n") == [*lines[:3], ""]


def test_a_validation_reports_accuracy_with_and_without_teacher_forcing(tmp_path, caplog):
    caplog.set_level("INFO", logger="nmt")
    found = Validation(2.5, 31.25, 44.5, forced_accuracy=0.8125, free_accuracy=0.5, seconds=7.2)
    config = TrainingConfig(tensorboard=False)
    with TrainingReporter(Run(tmp_path), config, updates_per_epoch=6, updates=12) as reporter:
        reporter.validated(Progress(step=6, epoch=1, seconds=8.0), found, better=True)
    assert json.loads((tmp_path / "metrics.jsonl").read_text("utf-8")) == {
        "event": "validation",
        "step": 6,
        "epoch": 1,
        "seconds": 8.0,
        "loss": 2.5,
        "bleu": 31.25,
        "chrf": 44.5,
        "forced_accuracy": 0.8125,
        "free_accuracy": 0.5,
        "accuracy_gap": 0.3125,
    }
    assert caplog.messages[0] == (
        "valid 6 epoch 1 | loss 2.500 bleu 31.25 chrf 44.50 | tokens right 81.2 % forced, 50.0 % "
        "free, gap 31.2 | new best | 7 s"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full device is Linux's")
def test_a_full_disk_causes_one_error_and_no_second_one_at_closing(tmp_path):
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    validation = Validation(2.5, 31.0, 44.0, forced_accuracy=0.8, free_accuracy=0.5, seconds=7.0)
    config = TrainingConfig(tensorboard=False)
    reporter = TrainingReporter(run, config, updates_per_epoch=6, updates=12)

    def train():
        with reporter:
            reporter._metrics.close()
            reporter._metrics = Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115  # the reporter closes it
            reporter.validated(Progress(step=6), validation, better=True)

    with pytest.raises(WriteError, match="the disk is full: cannot write"):
        train()


def test_a_failure_of_tensorboard_does_not_end_a_training(tmp_path, caplog, monkeypatch):
    board = Board(Run(tmp_path))

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(board._writer, "add_scalar", full)
    for step in (1, 2):
        board.add("train", {"loss": 2.5}, step)
    board.close()
    assert caplog.messages == [
        "nothing more is written for TensorBoard: [Errno 28] No space left on device"
    ]
    (tmp_path / "mine").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run/tensorboard").symlink_to(tmp_path / "mine")
    Board(Run(tmp_path / "run")).close()
    assert "is a link" in caplog.text
    assert list((tmp_path / "mine").iterdir()) == []


def test_the_card_names_the_mechanism_and_the_files_alone(nmt):
    (nmt.folder / "inner").mkdir()
    (nmt.folder / "train.tsv").rename(nmt.folder / "inner/train.tsv")
    options = (
        f"data.files.train={nmt.folder}/inner/train.tsv", "model.decoder.kind=transformer",
        "model.encoder.kind=self_attention", "model.encoder.size=16", "model.decoder.size=16",
    )  # fmt: skip
    assert nmt("train", "tiny.yaml", *options).status == 0
    card = (nmt.folder / "runs/tiny/README.md").read_text("utf-8")
    assert "transformer 1 x 4 heads, pre-norm, sinusoidal" in card
    assert "lstm" not in card
    assert "(train.tsv)" in card
    assert str(nmt.folder) not in card


def test_metrics_tensorboard_samples_and_card_describe_the_training(nmt):
    assert nmt("train", "tiny.yaml", "training.tensorboard=true", "training.epochs=3").status == 0
    run = nmt.folder / "runs/tiny"
    events = [json.loads(line) for line in (run / "metrics.jsonl").read_text().split("\n")[:-1]]
    validations = [event for event in events if event["event"] == "validation"]
    assert [event["epoch"] for event in validations] == [1, 2, 3]
    assert all({"loss", "bleu", "chrf", "seconds"} <= event.keys() for event in validations)
    for event in validations:
        forced, free = event["forced_accuracy"], event["free_accuracy"]
        assert 0 <= free <= 1
        assert 0 <= forced <= 1
        assert event["accuracy_gap"] == pytest.approx(forced - free)
    assert min(validations[-1][name] for name in ("forced_accuracy", "free_accuracy")) > 0
    updates = [event for event in events if event["event"] == "train"]
    assert all({"loss", "tokens_per_second", "learning_rate"} <= e.keys() for e in updates)
    assert all(0 <= event["waiting_share"] < 1 for event in updates)
    said = [
        line for line in (run / "train.log").read_text("utf-8").split("\n") if "INFO step " in line
    ]
    assert len(said) == len(updates)
    assert all(re.search(r"waiting for data \d+\.\d %", line) for line in said)
    log = (run / "train.log").read_text("utf-8")
    right = r"tokens right (\d+\.\d) % forced, (\d+\.\d) % free, gap (-?\d+\.\d) \|"
    told = [tuple(map(float, numbers)) for numbers in re.findall(right, log)]
    names = ("forced_accuracy", "free_accuracy", "accuracy_gap")
    assert told == [tuple(round(100 * event[name], 1) for name in names) for event in validations]
    [board] = (run / "tensorboard").iterdir()
    assert board.stat().st_size > 500
    assert all(f"validation/{name}".encode() in board.read_bytes() for name in names)
    samples = (run / f"samples/step-{validations[-1]['step']}.txt").read_text("utf-8")
    assert samples.count("hypothesis") == 3
    card = (run / "README.md").read_text(encoding="utf-8")
    scores = json.loads((run / "evaluation/test/scores.json").read_text("utf-8"))
    assert f"| test | {scores['bleu']['value']:.2f} |" in card
    assert scores["bleu"]["signature"] in card


def test_a_fallback_is_announced_recorded_and_repeated_at_the_end(nmt, monkeypatch):
    from nmt.data.hub import read
    from nmt.errors import HubUnreachable

    def unreachable(config):
        raise HubUnreachable("http://hub.invalid cannot be reached")

    monkeypatch.setattr(read, "read_hub", unreachable)
    options = [*HUB, "data.max_pairs=90", "training.epochs=1", "evaluation.splits=[]"]
    found = nmt("train", "tiny.yaml", *options, "training.samples=0")
    assert found.status == 0
    warnings = [line for line in found.err.split("\n") if line.startswith("warning: ")]
    assert "someone/corpus is NOT used" in warnings[0]
    assert "not on 'someone/corpus'" in warnings[-1]
    manifest = json.loads((nmt.folder / "runs/tiny/manifest.json").read_text("utf-8"))
    assert manifest["corpus"]["corpus"] == "phrasebook"
    assert manifest["corpus"]["instead_of"] == "someone/corpus"
    assert "http://hub.invalid" in manifest["corpus"]["because"]
    card = (nmt.folder / "runs/tiny/README.md").read_text(encoding="utf-8")
    assert "Not from `someone/corpus`" in card
    log = (nmt.folder / "runs/tiny/train.log").read_text(encoding="utf-8")
    assert "someone/corpus is NOT used" in log  # logged before the folder existed
    assert "everything is in" in log


def test_without_a_fallback_an_unreachable_hub_is_one_line_of_status_3(nmt, monkeypatch):
    from nmt.data.hub import read
    from nmt.errors import HubUnreachable

    def unreachable(config):
        raise HubUnreachable("http://hub.invalid cannot be reached")

    monkeypatch.setattr(read, "read_hub", unreachable)
    found = nmt("train", "tiny.yaml", *HUB[:2], "data.fallback=null")
    assert found.status == 3
    assert found.err.startswith("nmt: http://hub.invalid cannot be reached")
    assert not (nmt.folder / "runs").exists()
