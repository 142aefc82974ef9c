"""The folders in which trials begin: only a corpus, an interrupted training, a finished run."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reliability import points, tiny
from reliability.forks import Child, Ended, Setup, run

COMMANDS = {
    "train": tiny.TRAIN,
    "resume": [*tiny.TRAIN, "--resume"],
    "sweep": tiny.SWEEP,
    "translate": [
        "translate", "--input", "in.txt", "--output", "out.txt", "--attention", "seen.jsonl",
        "--run", "runs/tiny",
    ],
    "evaluate": ["evaluate", "runs/tiny"],
    "plot-attention": ["plot-attention", "I love cats", "--output", "picture.png"],
    "export": ["export", "runs/tiny"],
}  # fmt: skip
BEGINNINGS = {"train": "empty", "sweep": "empty", "resume": "half"}
"""The folder in which a command begins; all others begin in a finished run."""


def memory() -> str | None:
    """A folder in memory if there is one, since thousands of files are synced."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@dataclass(frozen=True)
class Whole:
    """The files before and after an undisturbed command."""

    before: dict[str, str]
    files: dict[str, str]
    writes: list[str]
    """Calls that change files, in order: what is done, and to which path."""
    reads: list[str]


class Starts:
    """The starting folders, made once in `place`, and the results of undisturbed commands."""

    def __init__(self, place: Path, commands: Sequence[str]) -> None:
        self.place = place
        empty, half, done = (place / name for name in ("empty", "half", "done"))
        tiny.lay_out(empty)
        (empty / "in.txt").write_text("I love cats\nyou see the dogs\n\nwe know men\n")
        shutil.copytree(empty, done)
        ended = run(tiny.TRAIN, done)
        if ended.status:
            raise SystemExit(f"a training fails when it is left alone: {ended.err}")
        if "resume" in commands:
            self._train_half(empty, half)
        self.wholes = {command: self._whole(command) for command in commands}

    def _train_half(self, empty: Path, half: Path) -> None:
        """A training that is killed halfway."""
        shutil.copytree(empty, half)
        count = len(self._calls(tiny.TRAIN, half, reads=False)[0])
        shutil.rmtree(half)
        shutil.copytree(empty, half)
        run(tiny.TRAIN, half, points.killed_at(count // 2, half))
        if not list(half.glob("runs/tiny/checkpoints/step-*")):
            raise SystemExit("half a training has no checkpoint")

    def begin(self, command: str, folder: Path) -> None:
        """Make the folder in which a command begins."""
        shutil.copytree(self.place / BEGINNINGS.get(command, "done"), folder, symlinks=True)

    def _whole(self, command: str) -> Whole:
        folder = self.place / f"whole-{command}"
        self.begin(command, folder)
        before = tiny.result(folder)
        writes, ended = self._calls(COMMANDS[command], folder, reads=False)
        if ended.status or ended.fault:
            raise SystemExit(f"nmt {command} fails when it is left alone: {ended.err}")
        files = tiny.result(folder)
        shutil.rmtree(folder)
        self.begin(command, folder)
        reads, _ = self._calls(COMMANDS[command], folder, reads=True)
        shutil.rmtree(folder)
        return Whole(before, files, writes, reads)

    @staticmethod
    def _calls(command: Sequence[str], folder: Path, *, reads: bool) -> tuple[list[str], Ended]:
        child = Child(command, folder, points.watched(folder, reads=reads))
        ended = child.wait()
        return child.said, ended


def go_on(command: str, folder: Path, *setups: Setup) -> Ended:
    """Repeat the command, or run what the program suggests instead."""
    if command not in ("train", "resume"):
        return run(COMMANDS[command], folder, *setups)
    last = run([*tiny.TRAIN, "--resume"], folder, *setups)
    if last.status == 2 and "leave out --resume" in last.err:
        last = run(tiny.TRAIN, folder, *setups)
    return last


def inspected(folder: Path) -> tuple[dict[str, str], list[str]]:
    """The files of a folder, and which of them are broken."""
    try:
        return tiny.result(folder), []
    except ValueError as error:
        return {}, [f"a file is broken: {error}"]


def harmed(found: dict[str, str], whole: Whole) -> list[str]:
    """Files that existed before and are neither as they were nor as they should become."""
    return [
        f"harmed: {name}"
        for name, digest in whole.before.items()
        if found.get(name) not in (digest, whole.files.get(name))
    ]
