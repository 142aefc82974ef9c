"""System calls that fail, disks that fill up, limits, clocks, and concurrent processes."""

import errno
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from reliability import points, tiny
from reliability.forks import Child, Ended, Mark, Setup, run
from reliability.ledger import Ledger, Row
from reliability.starts import COMMANDS, Starts, go_on, harmed, inspected, memory

CODES = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES, errno.EMFILE)
READ_CODES = (errno.EIO, errno.EACCES, errno.EMFILE)
STEPS = {"sweep": 4, "export": 2}
"""For these slow commands, only every n-th call is made to fail."""
QUICK = 40  # times fewer trials
LIGHT = ("train", "resume", "translate", "evaluate", "plot-attention")
MEGABYTE = 1 << 20
LOADER = 127  # the C library's exit status if there is no memory for a thread's data
GROUPS = ("calls", "rooms", "limits", "clocks", "crowds")
YEAR = 365 * 24 * 3600
Task = tuple[str, Callable[[], Row]]


def campaign(
    ledger: Ledger, *, seed: int, quick: bool, workers: int, only: Sequence[str] = GROUPS
) -> list[Row]:
    """Disturb the commands; a row for each trial."""
    with tempfile.TemporaryDirectory(prefix="nmt-faults-", dir=memory()) as place:
        starts = Starts(Path(place), LIGHT if quick else tuple(COMMANDS))
        tasks: dict[str, list[Task]] = {
            "calls": [
                task
                for command in starts.wholes
                for task in _failing_calls(starts, command, seed, QUICK if quick else 1)
            ],
            "rooms": _rooms(starts, 4 if quick else 40),
            "limits": _limits(starts, 2 if quick else 12),
            "clocks": _clocks(starts, seed, 1 if quick else 5),
            "crowds": _crowds(starts, (3,) if quick else (2, 3, 5, 8)),
        }
        chosen = [task for name in only for task in tasks[name]]
        return ledger.run(chosen, workers=workers, say="faults")


def _task(key: str, starts: Starts, work: Callable[[Path], Row]) -> Task:
    """A trial in a folder of its own, which is deleted at its end."""

    def trial() -> Row:
        folder = Path(tempfile.mkdtemp(prefix="trial-", dir=starts.place)) / "here"
        try:
            return work(folder)
        finally:
            shutil.rmtree(folder.parent)

    return f"faults/{key}", trial


def _failing_calls(starts: Starts, command: str, seed: int, sparsely: int) -> list[Task]:
    """One call that changes or reads a file fails in each trial; error codes take turns."""
    whole, step = starts.wholes[command], STEPS.get(command, 1) * sparsely
    tasks = []
    for reads, calls, codes in ((False, whole.writes, CODES), (True, whole.reads, READ_CODES)):
        for place, number in enumerate(_different(calls)[seed % step :: step]):
            code = codes[(place + seed) % len(codes)]
            lasting = code == errno.EROFS or (code == errno.ENOSPC and number % 2 == 1)
            key = f"{command}/{'read' if reads else 'write'}/{number}/{errno.errorcode[code]}"
            work = partial(
                _failing_call, starts, command, number, code, lasting=lasting, reads=reads
            )
            tasks.append(_task(key, starts, work))
    return tasks


def _different(calls: Sequence[str]) -> list[int]:
    """The first and the last call of each kind: what is done, to which file, whatever its step."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for number, call in enumerate(calls, start=1):
        sort = re.sub(r"\b[0-9a-f]{12,}\b|\d+", "#", call)
        first.setdefault(sort, number)
        last[sort] = number
    return sorted({*first.values(), *last.values()})


def _failing_call(
    starts: Starts, command: str, number: int, code: int, folder: Path, *, lasting: bool,
    reads: bool,
) -> Row:  # fmt: skip
    starts.begin(command, folder)
    setup = points.failing_at(number, folder, code, lasting=lasting, reads=reads)
    child = Child(COMMANDS[command], folder, setup)
    ended = child.wait()
    name = errno.errorcode[code] + (" from there on" if lasting else "")
    row = _judged(starts, command, folder, ended)
    return {
        "group": "calls", "command": command, "injected": f"{name}, {_sort(reads)}",
        "where": child.said[0] if child.said else "not reached", **row,
    }  # fmt: skip


def _sort(reads: bool) -> str:
    return "reading" if reads else "writing"


def _judged(
    starts: Starts, command: str, folder: Path, ended: Ended, *, native: bool = False
) -> Row:
    """How a disturbed command ended, what it damaged, and whether it can be repeated.

    native: a library may end the process, because there is no memory to report an error
    """
    whole = starts.wholes[command]
    faults = [ended.fault] if ended.fault else []
    outcome = "success" if ended.status == 0 else "one line"
    if native and (ended.status < 0 or ended.status == LOADER):
        outcome, faults = "ended by a library", []
    elif faults:
        outcome = "other"
    found, broken = inspected(folder)
    faults += broken or (
        harmed(found, whole) if command not in ("train", "resume", "sweep") else []
    )
    last = go_on(command, folder)
    if last.status or last.fault:
        faults.append(f"cannot be done afterwards: {last.fault or last.err[-300:]}")
    else:
        found, broken = inspected(folder)
        different = broken or tiny.differences(found, whole.files)
        faults += [line for line in different if not _kept(line, ended)]
    return {"outcome": outcome, "said": (ended.complaints or [""])[0][:200], "faults": faults}


def _kept(difference: str, ended: Ended) -> bool:
    """Whether it is a partial output that a failed command keeps and names."""
    name = difference.removeprefix("left over: ")
    return name.endswith(".partial") and name in ended.err


def _rooms(starts: Starts, count: int) -> list[Task]:
    """File systems of different sizes that really fill up."""
    need = _size(starts.place / "done") + 64 * 1024
    sizes = [need * (n + 1) // (count + 2) for n in range(count)]
    return [_task(f"room/{size // 1024}k", starts, partial(_room, starts, size)) for size in sizes]


def _size(folder: Path) -> int:
    page = 4096
    files = (path for path in folder.rglob("*") if path.is_file())
    return sum(-(-path.stat().st_size // page) * page for path in files)


def _room(starts: Starts, size: int, folder: Path) -> Row:
    row = {"group": "rooms", "command": "train", "injected": "a full tmpfs", "where": f"{size:,} B"}
    folder.mkdir()
    try:
        _mount("-t", "tmpfs", "-o", f"size={size}", "none", str(folder))
    except (OSError, subprocess.CalledProcessError):
        return {**row, "outcome": "not run: needs root", "said": "", "faults": []}
    try:
        shutil.copytree(starts.place / "empty", folder, dirs_exist_ok=True)
        ended = run(tiny.TRAIN, folder)
        _mount("-o", "remount,size=64m", str(folder))
        return {**row, **_judged(starts, "train", folder, ended)}
    except OSError:  # no space even for the corpus
        return {**row, "outcome": "no room for the corpus", "said": "", "faults": []}
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


def _limits(starts: Starts, count: int) -> list[Task]:
    """Limits of the system on memory, open files and file sizes."""
    sorts = {
        "memory": [2 * MEGABYTE * 4**n // 2**n for n in range(count)],
        "open files": list(range(1, count + 1)),
        "file size": [256 * 2**n for n in range(count)],
    }
    tasks = []
    for sort, values in sorts.items():
        for command in starts.wholes.keys() & {"train", "resume", "translate", "evaluate"}:
            for value in values:
                key = f"limit/{sort}/{command}/{value}"
                tasks.append(_task(key, starts, partial(_limit, starts, sort, command, value)))
    return tasks


LIMITS = {
    "memory": resource.RLIMIT_AS, "open files": resource.RLIMIT_NOFILE,
    "file size": resource.RLIMIT_FSIZE,
}  # fmt: skip


def _limit(starts: Starts, sort: str, command: str, value: int, folder: Path) -> Row:
    def setup(mark: Mark) -> None:
        most = value
        if sort == "memory":
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            most += pages * resource.getpagesize()
        if sort == "open files":
            free = os.dup(0)  # the lowest free descriptor: the limit is on their numbers
            os.close(free)
            most += free
        resource.setrlimit(LIMITS[sort], (most, resource.getrlimit(LIMITS[sort])[1]))

    starts.begin(command, folder)
    ended = run(COMMANDS[command], folder, setup)
    row = {"group": "limits", "command": command, "injected": f"limit of {sort}"}
    judged = _judged(starts, command, folder, ended, native=sort == "memory")
    return {**row, "where": f"{value:,}", **judged}


def _clocks(starts: Starts, seed: int, count: int) -> list[Task]:
    tasks = []
    for command in starts.wholes:
        for n in range(1 if command == "export" else count):
            rng = random.Random(f"clock/{seed}/{command}/{n}")
            key = f"clock/{seed}/{command}/{n}"
            after = rng.randint(0, 20)
            work = partial(_clock, starts, command, after, rng.choice([-1, 1]))
            tasks.append(_task(key, starts, work))
    return tasks


def _clock(starts: Starts, command: str, after: int, years: int, folder: Path) -> Row:
    """File times are a year off, and the clock jumps by a year after some readings."""
    starts.begin(command, folder)
    for path in folder.rglob("*"):
        then = path.stat(follow_symlinks=False).st_mtime - YEAR * years
        os.utime(path, (then, then), follow_symlinks=False)
    ended = run(COMMANDS[command], folder, _jumping(after, years))
    row = {"group": "clocks", "command": command, "injected": "the clock jumps by a year"}
    direction = "ahead" if years > 0 else "back"
    judged = _judged(starts, command, folder, ended)
    judged["faults"] = [text for text in judged["faults"] if "lost: cache/" not in text]  # unused
    if ended.status:
        judged["faults"].append(f"failed, which no clock may cause: {ended.err[-300:]}")
    return {**row, "where": f"{direction}, after {after} readings", **judged}


def _jumping(after: int, years: int) -> Setup:
    """Replace time() and datetime.now(), wherever the program has imported them."""

    def setup(mark: Mark) -> None:
        import time

        real, readings = time.time, 0

        def jump() -> int:
            nonlocal readings
            readings += 1
            return YEAR * years if readings > after else 0

        class Clock(datetime):
            @classmethod
            def now(cls, tz=None):  # type: ignore[no-untyped-def, override]
                return datetime.now(tz) + timedelta(seconds=jump())

        def reading() -> float:
            return real() + jump()

        time.time = reading
        for name, module in list(sys.modules.items()):
            if name.startswith("nmt."):
                for attribute, value in list(vars(module).items()):
                    if value is real:
                        setattr(module, attribute, reading)
                    elif value is datetime:
                        setattr(module, attribute, Clock)

    return setup


def _crowds(starts: Starts, sizes: Sequence[int]) -> list[Task]:
    crowds: dict[str, Callable[[Starts, int, Path], Row]] = {
        "train one run": _crowd_of_trainings, "resume one run": _crowd_of_resumptions,
        "train with one cache": _crowd_with_one_cache, "read one run": _crowd_of_readers,
        "translate in a training": _crowd_around_a_training,
    }  # fmt: skip
    needs = {
        "resume one run": "resume",
        "read one run": "plot-attention",
        "translate in a training": "resume",
    }
    return [
        _task(f"crowd/{name}/{size}", starts, partial(_crowd, starts, name, crowd, size))
        for name, crowd in crowds.items()
        for size in sizes
        if needs.get(name, "train") in starts.wholes
    ]


def _crowd(
    starts: Starts, name: str, crowd: Callable[[Starts, int, Path], Row], size: int, folder: Path
) -> Row:
    row = {"group": "crowds", "command": name, "injected": f"{size} processes at once"}
    return {**row, "where": "", "said": "", **crowd(starts, size, folder)}


def _crowd_of_trainings(starts: Starts, size: int, folder: Path) -> Row:
    return _one_of_them_trains(starts, "train", size, folder)


def _crowd_of_resumptions(starts: Starts, size: int, folder: Path) -> Row:
    return _one_of_them_trains(starts, "resume", size, folder)


def _one_of_them_trains(starts: Starts, command: str, size: int, folder: Path) -> Row:
    starts.begin(command, folder)
    ends = _at_once([(COMMANDS[command], n) for n in range(size)], folder)
    faults = [ended.fault for ended in ends if ended.fault]
    trained = sum(ended.status == 0 for ended in ends)
    if trained != 1:
        faults.append(f"{trained} of {size} trained")
    return {"outcome": _outcome(ends), "faults": [*faults, *_compared(starts, command, folder)]}


def _crowd_with_one_cache(starts: Starts, size: int, folder: Path) -> Row:
    """Each has a run of its own."""
    starts.begin("train", folder)
    commands = [([*tiny.TRAIN, "--run-dir", f"runs/tiny{n or ''}"], n) for n in range(size)]
    ends = _at_once(commands, folder)
    faults = [ended.fault or f"failed: {ended.err[-300:]}" for ended in ends if ended.status]
    wanted = starts.wholes["train"].files
    for n in range(size):
        found, broken = inspected(folder / f"runs/tiny{n or ''}")
        mine = {f"runs/tiny/{name}": digest for name, digest in found.items()}
        own = {name: wanted[name] for name in wanted if name.startswith("runs/tiny/")}
        different = tiny.differences(mine, own)
        named = ("scores.json", "attention.jsonl", "manifest.json")  # these contain the run's name
        faults += broken or [line for line in different if not line.endswith(named)]
        if n:
            shutil.rmtree(folder / f"runs/tiny{n}")
    (folder / "runs/latest").unlink()
    (folder / "runs/latest").symlink_to("tiny")
    return {"outcome": _outcome(ends), "faults": [*faults, *_compared(starts, "train", folder)]}


def _crowd_of_readers(starts: Starts, size: int, folder: Path) -> Row:
    names = ["evaluate", "translate", "plot-attention"]
    starts.begin("evaluate", folder)
    chosen = [names[n % len(names)] for n in range(size)]
    ends = _at_once([(COMMANDS[name], n) for n, name in enumerate(chosen)], folder)
    faults = [ended.fault or f"failed: {ended.err[-300:]}" for ended in ends if ended.status]
    found, broken = inspected(folder)
    wanted = dict(starts.wholes["evaluate"].before)
    for name in chosen:
        whole = starts.wholes[name]
        wanted.update(whole.files.items() - whole.before.items())
    different = tiny.differences(found, wanted)
    last = "translations/attention.jsonl"  # written by the last command
    return {
        "outcome": _outcome(ends),
        "faults": [*faults, *broken, *(line for line in different if not line.endswith(last))],
    }


def _crowd_around_a_training(starts: Starts, size: int, folder: Path) -> Row:
    """Others translate with checkpoints that come and go; they may fail, with one line."""
    starts.begin("resume", folder)
    others = ["translate", "I love cats", "--run", "runs/tiny"]
    commands = [(COMMANDS["resume"], 0), *((others, n) for n in range(1, size))]
    ends = _at_once(commands, folder)
    faults = [ended.fault for ended in ends if ended.fault]
    if ends[0].status:
        faults.append(f"the training failed: {ends[0].err[-300:]}")
    shutil.rmtree(folder / "runs/tiny/translations", ignore_errors=True)
    return {"outcome": _outcome(ends), "faults": [*faults, *_compared(starts, "resume", folder)]}


def _at_once(commands: Sequence[tuple[Sequence[str], int]], folder: Path) -> list[Ended]:
    children = [Child(command, folder, name=f"{n}") for command, n in commands]
    return [child.wait() for child in children]


def _outcome(ends: Sequence[Ended]) -> str:
    good = sum(ended.status == 0 for ended in ends)
    return f"{good} success, {len(ends) - good} one line"


def _compared(starts: Starts, command: str, folder: Path) -> list[str]:
    found, broken = inspected(folder)
    return broken or tiny.differences(found, starts.wholes[command].files)


def tables(rows: Sequence[Row]) -> list[str]:
    """Markdown: what was injected, how often, and the outcomes."""
    groups: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for row in rows:
        key = tuple(row.get(name, "?") for name in ("group", "command", "injected"))
        kind = row.get("outcome", "?") if row.get("group") != "crowds" else "success"
        groups[key][kind] += 1  # type: ignore[index]
        groups[key]["lost"] += bool(row["faults"])  # type: ignore[index]
    lines = [
        "| command | injected | times | success | one line | otherwise | wrong or lost |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for (_, command, injected), counts in sorted(groups.items()):
        times = sum(counts.values()) - counts["lost"]
        good, refused = counts["success"], counts["one line"]
        lines.append(
            f"| {command} | {injected} | {times} | {good} | {refused} | {times - good - refused} "
            f"| {counts['lost']} |"
        )
    return lines
