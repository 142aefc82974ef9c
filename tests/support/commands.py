"""Run `nmt` as a user does: in this process for speed, or in a separate one."""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from nmt.cli import main

SUBJECTS = {"I": "je", "you": "tu", "he": "il", "she": "elle", "we": "nous", "they": "ils"}
VERBS = {"see": "vois", "love": "aime", "know": "connais", "hear": "entends", "follow": "suis"}
OBJECTS = {"dogs": "chiens", "cats": "chats", "birds": "oiseaux", "trees": "arbres", "men": "gens"}

CONFIG = """
name: tiny
data:
  corpus: files
  files: {train: train.tsv}
  validation_size: 12
  test_size: 13
tokenizer: {vocabulary_size: 400}
model:
  embedding_size: 16
  encoder: {size: 12}
  decoder: {size: 20}
  dropout: 0.1
training:
  batch_tokens: 128
  epochs: 2
  warmup_steps: 4
  learning_rate: 0.01
  log_every: 5
  tensorboard: false
precision: float32
decoding: {beam_size: 2}
"""


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str


class Commands:
    """`nmt` in a folder with a small corpus and a config for it."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
    ):
        self.folder, self.monkeypatch, self.capsys = folder, monkeypatch, capsys
        monkeypatch.chdir(folder)

    def __call__(self, *arguments: object, stdin: str | None = None) -> Outcome:
        self.capsys.readouterr()
        with self.monkeypatch.context() as patch, ExitStack() as files:
            patch.setattr(sys, "argv", ["nmt", *map(str, arguments)])
            if stdin is not None:
                source = self.folder / "stdin.txt"
                source.write_text(stdin, encoding="utf-8", newline="")
                patch.setattr(sys, "stdin", files.enter_context(source.open(encoding="utf-8")))
            with pytest.raises(SystemExit) as ended:
                main()
        out, err = self.capsys.readouterr()
        return Outcome(int(ended.value.code or 0), out, err)


def lay_out(folder: Path) -> None:
    """A corpus of 150 pairs and a config that trains on it in a second."""
    pairs = [
        f"{s} {v} {o}\t{subject} {verb} les {thing}"
        for s, subject in SUBJECTS.items()
        for v, verb in VERBS.items()
        for o, thing in OBJECTS.items()
    ]
    (folder / "train.tsv").write_text("\n".join(pairs) + "\n", encoding="utf-8")
    (folder / "tiny.yaml").write_text(CONFIG, encoding="utf-8")


def process(*arguments: object, folder: Path) -> subprocess.Popen[str]:
    """`nmt` in a separate process with one thread."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "nmt", *map(str, arguments)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


HEAVY = {"torch", "datasets", "pyarrow", "pandas", "sacrebleu", "matplotlib", "onnx", "rich"}

WATCHED = """
import json, runpy, sys
sys.argv = ["nmt", *json.loads(sys.argv[1])]
try:
    runpy.run_module("nmt", run_name="__main__")
except SystemExit as ended:
    assert not ended.code
finally:
    print(json.dumps(sorted(sys.modules)))
"""


def imported(*arguments: str, folder: Path) -> set[str]:
    """The modules that a command imports in a separate process."""
    command = [sys.executable, "-c", WATCHED, json.dumps(arguments)]
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return set(json.loads(found.stdout.splitlines()[-1]))
