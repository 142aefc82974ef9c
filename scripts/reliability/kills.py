"""Trainings, exports and sweeps that are killed and restarted, compared with undisturbed ones."""

import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from reliability import phases, points, tiny
from reliability.forks import Child, Ended, Mark, Setup, deadline, run
from reliability.ledger import ROOT, Ledger, Row
from reliability.starts import memory

COUNTS = {"SIGKILL": 100, "SIGTERM": 30, "SIGINT": 20}
QUICK = {"SIGKILL": 10, "SIGTERM": 3, "SIGINT": 3}
SHARES = {"train": 0.72, "sweep": 0.11, "export": 0.08, "process": 0.09}
"""Share of the signals; `process` is a training in its own process, including its start-up."""
STREAMED = 0.5
"""Share of the trainings that treat their corpus as a large one."""
COMMANDS = {
    "train": tiny.TRAIN, "process": tiny.TRAIN, "sweep": tiny.SWEEP,
    "export": ["export", "runs/tiny"],
}  # fmt: skip
STATUSES = {
    "SIGKILL": {-signal.SIGKILL}, "SIGTERM": {-signal.SIGTERM, 128 + signal.SIGTERM},
    "SIGINT": {-signal.SIGINT, 128 + signal.SIGINT},
}  # fmt: skip
MOMENTS = ["point", "point", "phase", "phase", "time"]
"""How the moment is chosen: a call that changes files, a share of a phase, a time."""
DRAWS = 30  # attempts to draw a moment before the end of the command


@dataclass(frozen=True)
class Whole:
    """An undisturbed command and the files that it left."""

    folder: Path
    files: dict[str, str]
    seconds: float
    points: int
    spans: dict[str, list[float]]
    """phase -> duration of each visit in seconds"""


def campaign(ledger: Ledger, *, seed: int, counts: dict[str, int], workers: int) -> list[Row]:
    """Kill as often as `counts` says; returns a row for each signal."""
    with tempfile.TemporaryDirectory(prefix="nmt-kills-", dir=memory()) as place:
        wholes = {
            (kind, streamed): _whole(kind, streamed, Path(place))
            for kind in SHARES
            for streamed in ([False, True] if kind == "train" and STREAMED else [False])
        }
        tasks = [
            (f"kills/{seed}/{name}/{number}", partial(_trial, name, number, seed, wholes, place))
            for name, count in counts.items()
            for number in range(count)
        ]
        return ledger.run(tasks, workers=workers, say="kills")


def streamed_text(mark: Mark) -> None:
    """Treat small corpora as large ones, which are kept in temporary files."""
    from nmt.data.formats import local

    assert local.LARGE_BYTES > 1000
    local.LARGE_BYTES = 1000


def _setups(streamed: bool) -> list[Setup]:
    return [streamed_text] if streamed else []


def _begin(kind: str, folder: Path, place: Path) -> None:
    """Make the files that exist before the command."""
    if kind == "export":
        shutil.copytree(place / "train-False", folder, symlinks=True)
    else:
        tiny.lay_out(folder)


def _whole(kind: str, streamed: bool, place: Path) -> Whole:
    folder = place / f"{kind}-{streamed}"
    _begin(kind, folder, place)
    child = Child(COMMANDS[kind], folder, *_setups(streamed), phases.told, points.watched(folder))
    count, open_at, spans = 0, {}, {}
    while (text := child.mark()) is not None:
        if text[0] == "+":
            open_at[text[1:]] = time.monotonic()
        elif text[0] == "-":
            spans.setdefault(text[1:], []).append(time.monotonic() - open_at[text[1:]])
        else:
            count += 1
    ended = child.wait()
    if ended.status:
        raise SystemExit(f"{kind} fails when it is left alone: {ended.err}")
    return Whole(folder, tiny.result(folder), ended.seconds, count, spans)


def _trial(
    name: str, number: int, seed: int, wholes: dict[tuple[str, bool], Whole], place: str
) -> Row:
    """One signal and its consequences."""
    rng = random.Random(f"kills/{seed}/{name}/{number}")
    [kind] = rng.choices(list(SHARES), list(SHARES.values()))
    streamed = kind == "train" and rng.random() < STREAMED
    whole = wholes[kind, streamed]
    for _ in range(DRAWS):
        folder = Path(tempfile.mkdtemp(prefix="trial-", dir=place)) / "here"
        try:
            _begin(kind, folder, Path(place))
            row = _kill(name, kind, streamed, folder, whole, rng)
            if row is not None:
                return {"signal": name, "kind": kind, "streamed": streamed, **row}
        finally:
            shutil.rmtree(folder.parent)
    raise AssertionError(f"{DRAWS} moments all came after the end")


def _kill(
    name: str, kind: str, streamed: bool, folder: Path, whole: Whole, rng: random.Random
) -> Row | None:
    """None if the command ended before the moment came."""
    moment, ended, where = _strike(COMMANDS[kind], name, kind, streamed, folder, whole, rng)
    if ended.status == 0:
        return None
    faults = []
    if ended.status not in STATUSES[name]:
        faults.append(f"ended with status {ended.status}: {ended.err[-300:]}")
    if "Traceback" in ended.err:
        faults.append(f"traceback: {ended.err[-600:]}")
    again = kind == "train" and name == "SIGKILL" and rng.random() < 0.25
    if again:  # the resumption is killed as well
        command = _next(kind, folder, ended)
        _strike(command, name, kind, streamed, folder, whole, rng)
    said, last = _finish(kind, streamed, folder, ended)
    if last.status or last.fault:
        faults.append(f"cannot be resumed by {said}: {last.fault or last.err[-300:]}")
    else:
        faults += tiny.differences(tiny.result(folder), whole.files)
    return {
        "moment": moment, "where": where, "status": ended.status, "again": again,
        "went_on_by": said, "faults": faults,
    }  # fmt: skip


def _strike(
    command: Sequence[str], name: str, kind: str, streamed: bool, folder: Path, whole: Whole,
    rng: random.Random,
) -> tuple[str, Ended, str]:  # fmt: skip
    """Run a command until the moment; returns the moment, the end, and the phase."""
    number = getattr(signal, name)
    if kind == "process":
        return _strike_process(command, number, folder, rng)
    setups = [*_setups(streamed), phases.told]
    sort = rng.choice(MOMENTS)
    if sort == "point":
        place = rng.randint(1, whole.points)
        child = Child(command, folder, *setups, points.killed_at(place, folder, number))
        ended = child.wait()
        at = next((n for n, text in enumerate(child.said) if text[0] not in "+-"), 0)
        return f"point {place}: {child.said[at : at + 1]}", ended, phases.phase(child.said[:at])
    child = Child(command, folder, *setups)
    if sort == "phase":
        wanted = rng.choice(list(whole.spans))
        which = rng.randrange(len(whole.spans[wanted]))
        delay = rng.random() * whole.spans[wanted][which]
        seen = 0
        while seen <= which and (text := child.mark()) is not None:
            seen += text == f"+{wanted}"
        moment = f"{1000 * delay:.0f} ms into {wanted} {which + 1}"
    else:
        wanted, delay = "", rng.random() * whole.seconds
        moment = f"{1000 * delay:.0f} ms after the start"
    until = time.monotonic() + delay
    while (left := until - time.monotonic()) > 0 and child.mark(left) is not None:
        pass
    time.sleep(max(until - time.monotonic(), 0))
    where = phases.phase(child.said)
    child.send(number)
    return moment, child.wait(), where


def _strike_process(
    command: Sequence[str], number: int, folder: Path, rng: random.Random
) -> tuple[str, Ended, str]:
    """The same in a separate process, from its first import on."""
    began = time.monotonic()
    delay = rng.random() * 6.0
    running = _process(command, folder)
    try:
        running.wait(delay)
    except subprocess.TimeoutExpired:
        running.send_signal(number)
    out, err = running.communicate(timeout=deadline())
    seconds = time.monotonic() - began
    where = "own process: training" if (folder / tiny.RUN).exists() else "own process: start-up"
    return f"{delay:.2f} s after the start", Ended(running.returncode, out, err, seconds), where


def _process(command: Sequence[str], folder: Path) -> subprocess.Popen[str]:
    environment = {
        **os.environ, "OMP_NUM_THREADS": "1", "NMT_CACHE": str(folder / "cache"),
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "nmt", *command], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip


def _next(kind: str, folder: Path, ended: Ended) -> Sequence[str]:
    """The command that the program suggests, or that a user would try first."""
    _, suggested, command = ended.err.partition("go on with:  nmt ")
    if suggested:
        return shlex.split(command.split("\n")[0])
    return [*tiny.TRAIN, "--resume"] if kind in ("train", "process") else COMMANDS[kind]


def _finish(kind: str, streamed: bool, folder: Path, ended: Ended) -> tuple[str, Ended]:
    """Continue to the end as the program suggests; returns the command and its end."""
    do: Callable[[Sequence[str]], Ended] = lambda command: run(command, folder, *_setups(streamed))  # noqa: E731
    command = _next(kind, folder, ended)
    last = do(command)
    if last.status == 2 and "leave out --resume" in last.err:
        command = [part for part in command if part != "--resume"]
        last = do(command)
    return shlex.join(["nmt", *command]), last


def tables(rows: Sequence[Row]) -> list[str]:
    """Markdown: how often each signal arrived in which phase, and the outcomes."""
    where = Counter((row["where"] if row.get("where") else "?", row.get("signal")) for row in rows)
    names = list(COUNTS)
    lines = [f"| moment | {' | '.join(names)} |", "|---|" + "---:|" * len(names)]
    for place in sorted({place for place, _ in where}):
        lines.append(f"| {place} | " + " | ".join(str(where[place, n]) for n in names) + " |")
    sums = Counter(row.get("signal") for row in rows)
    lines.append("| **in all** | " + " | ".join(str(sums[n]) for n in names) + " |")
    wrong = [row for row in rows if row["faults"]]
    again = sum(bool(row.get("again")) for row in rows)
    plain = sum(
        "--resume" not in row.get("went_on_by", "")
        for row in rows
        if row.get("kind") in ("train", "process")
    )
    stopped = sum(row.get("status") not in {-signal.SIGKILL} for row in rows)
    lines += [
        "",
        "| | |",
        "|---|---:|",
        f"| commands struck | {len(rows)} |",
        f"| of which the resumption was killed too | {again} |",
        f"| trainings that had saved nothing yet, and began again | {plain} |",
        f"| ended by SIGTERM or SIGINT with status 128 + n, or by the signal itself | {stopped} |",
        f"| could not be resumed, or ended in other files | {len(wrong)} |",
    ]
    return lines
