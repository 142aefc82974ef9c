"""A training that is killed, stopped or resumed ends in the same weights, bit for bit."""

import json
import signal
import time
from hashlib import sha256
from pathlib import Path

import pytest

from support.commands import CONFIG, lay_out, process

pytestmark = pytest.mark.slow

LONG = CONFIG.replace("epochs: 2", "epochs: 6\n  checkpoint_every: 3\n  keep_checkpoints: 3")
DEADLINE = 60  # seconds that a process may take


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """The digests of an undisturbed run."""
    folder = tmp_path_factory.mktemp("whole")
    prepare(folder)
    finish(folder)
    return digests(folder)


@pytest.fixture
def folder(tmp_path):
    prepare(tmp_path)
    return tmp_path


def prepare(folder: Path) -> None:
    lay_out(folder)
    (folder / "tiny.yaml").write_text(LONG, encoding="utf-8")


def finish(folder: Path, *options: str) -> str:
    """Train to the end; returns the output."""
    running = process("train", "tiny.yaml", *options, folder=folder)
    _, err = running.communicate(timeout=DEADLINE)
    assert running.returncode == 0, err
    return err


def interrupt(folder: Path, step: int, number: signal.Signals, *options: str):
    """Train until there is a checkpoint of at least `step`, then send a signal."""
    running = process("train", "tiny.yaml", *options, folder=folder)
    checkpoints = folder / "runs/tiny/checkpoints"
    began = time.monotonic()
    while newest(checkpoints) < step:
        assert running.poll() is None, running.communicate()[1]
        assert time.monotonic() - began < DEADLINE
        time.sleep(0.005)
    running.send_signal(number)
    out, err = running.communicate(timeout=DEADLINE)
    return running.returncode, out, err


def newest(checkpoints: Path) -> int:
    return max((int(path.name[5:]) for path in checkpoints.glob("step-*")), default=-1)


def digests(folder: Path) -> dict[str, str]:
    """Digests of the last weights and optimizer, the metrics without times, and the hypotheses."""
    run = folder / "runs/tiny"
    last = run / "checkpoints/last"
    metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text().split("\n")[:-1]]
    timed = {
        "seconds", "tokens_per_second", "waiting_share", "loss", "gradient_norm", "learning_rate",
    }  # fmt: skip
    steps = [{key: value for key, value in line.items() if key not in timed} for line in metrics]
    parts = {
        "model": (last / "model.safetensors").read_bytes(),
        "training": (last / "training.safetensors").read_bytes(),
        "metrics": json.dumps(steps).encode(),
        "hypotheses": (run / "evaluation/test/hypotheses.txt").read_bytes(),
    }
    return {name: sha256(content).hexdigest() for name, content in parts.items()}


def test_sigkill_at_several_moments_changes_nothing(folder, uninterrupted):
    options: tuple[str, ...] = ()
    for step in (0, 6, 21):  # at once, in the first epoch, in a later one
        status, _, err = interrupt(folder, step, signal.SIGKILL, *options)
        assert status == -signal.SIGKILL, err
        with (folder / "runs/tiny/metrics.jsonl").open("a", encoding="utf-8") as metrics:
            metrics.write('{"event": "train", "step": 999}\n{"event": "tra')  # as after a crash
        options = ("--resume",)
    assert "resumed at step" in finish(folder, "--resume")
    assert digests(folder) == uninterrupted


def test_signals_save_and_print_the_resume_command(folder, uninterrupted):
    options: tuple[str, ...] = ()
    for step, number in ((9, signal.SIGINT), (21, signal.SIGTERM)):
        status, out, err = interrupt(folder, step, number, *options)
        assert status == 128 + number
        assert out == ""
        assert "nmt train tiny.yaml --resume" in err
        assert "Traceback" not in err
        options = ("--resume",)
    finish(folder, "--resume")
    assert digests(folder) == uninterrupted
