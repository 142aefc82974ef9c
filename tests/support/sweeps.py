"""What the tests of `nmt sweep` share: small configs of equal budget, and how to run them."""

import json
import signal
import sys
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest

from nmt.workflows.train.reporter import TrainingReporter
from support.commands import Outcome, lay_out

NAMES = ["dot", "a-very-long-name-of-a-mechanism-that-goes-on-and-on", "x" * 60, "none"]


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
