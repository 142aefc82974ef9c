"""More than a hundred thousand broken inputs, each with a number to repeat it."""

import faulthandler
import json
import mmap
import os
import random
import resource
import shutil
import signal
import struct
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from nmt.errors import NmtError
from reliability import fuzz_files, fuzz_text, tiny
from reliability.forks import run
from reliability.fuzz_world import Seeds, World, check_message
from reliability.ledger import Ledger, Row
from reliability.starts import memory

Kind = Callable[[World, random.Random], bool | None]
"""Tries an input; returns False if a command refused it properly."""
KINDS: dict[str, tuple[int, Kind]] = {
    "words": (20_000, fuzz_text.words),
    "pieces": (12_000, fuzz_text.pieces),
    "records made": (6_000, fuzz_text.records),
    "pages": (500, fuzz_text.pages),
    "translations": (3_000, fuzz_text.translated),
    "arguments": (500, fuzz_text.argument),
    "input files": (500, fuzz_files.lines_in),
    "tsv": (6_000, fuzz_files.corpus(".tsv", fuzz_files._tsv)),
    "csv": (6_000, fuzz_files.corpus(".csv", fuzz_files._csv)),
    "jsonl": (6_000, fuzz_files.corpus(".jsonl", fuzz_files._jsonl, fuzz_files._nested)),
    "json": (4_000, fuzz_files.corpus(".json", fuzz_files._json, fuzz_files._jsonl)),
    "tsv.gz": (2_000, fuzz_files.corpus(".tsv.gz", fuzz_files._tsv)),
    "jsonl.gz": (1_000, fuzz_files.corpus(".jsonl.gz", fuzz_files._jsonl)),
    "parquet": (4_000, fuzz_files.corpus(".parquet", fuzz_files._parquet)),
    "aligned texts": (4_000, fuzz_files.aligned),
    "configs": (5_000, fuzz_files.config),
    "overrides": (5_000, fuzz_files.overrides),
    "manifests": (4_000, fuzz_files.manifest),
    "state.json": (4_000, fuzz_files.state),
    "safetensors": (3_000, fuzz_files.tensors),
    "records read": (5_000, fuzz_files.record),
    "gold links": (5_000, fuzz_files.gold),
    "word vectors": (4_000, fuzz_files.vectors),
    "word lists": (4_000, fuzz_files.tokenizer("joint.json")),
    "sentencepiece": (2_500, fuzz_files.tokenizer("joint.model")),
    "export.json": (3_000, fuzz_files.export),
    "metrics.jsonl": (2_000, fuzz_files.metrics),
    "run folders": (1_500, fuzz_files.run_folder),
}
CHUNK = 250  # inputs per row
SECONDS = 10.0  # of CPU time allowed for an input
STUCK = 120.0  # seconds after which the parent kills the process
GIGABYTES = 3  # of memory beyond what the process has at the start
KEPT = 5  # faults listed in a row


class Hang(BaseException):
    """An input took too long."""


def campaign(
    ledger: Ledger, *, seed: int, quick: bool, workers: int, only: Sequence[str]
) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="nmt-fuzz-", dir=memory()) as place:
        seeds = Seeds(made(Path(place)))
        tasks = []
        counts = {name: max(KINDS[name][0] // (500 if quick else 1), 2) for name in only}
        for start in range(0, max(counts.values()), CHUNK):  # all kinds take turns
            for name, count in counts.items():
                stop = min(start + CHUNK, count)
                if start < stop:
                    key = f"fuzz/{seed}/{name}/{start}-{stop}"
                    tasks.append((key, partial(_chunk, name, seed, start, stop, seeds)))
        return ledger.run(tasks, workers=workers, say="fuzz")


def made(place: Path) -> Path:
    """A folder with a finished run; its files are the seeds."""
    done = place / "done"
    tiny.lay_out(done)
    (done / "in.txt").write_text("I love cats\nwe know men\n", encoding="utf-8")
    for command in (tiny.TRAIN, ["translate", "I love cats", "you see dogs"]):
        ended = run(command, done)
        if ended.status:
            raise SystemExit(f"{command} fails when it is left alone: {ended.err}")
    return done


def _chunk(name: str, seed: int, start: int, stop: int, seeds: Seeds) -> Row:
    """Try some inputs in a process of their own, and in a new one whenever it dies."""
    row: Row = {
        "kind": name, "inputs": stop - start, "refused": 0, "slowest": 0.0, "faults": [],
        "faulty": 0,
    }  # fmt: skip
    while start < stop:
        start = _in_a_process(name, seed, start, stop, seeds, row)
    return row


def _in_a_process(name: str, seed: int, start: int, stop: int, seeds: Seeds, row: Row) -> int:
    """Returns the first input that was not tried."""
    shared = mmap.mmap(-1, 16)
    shared[:] = struct.pack("qd", start, time.monotonic())
    reading, writing = os.pipe()
    place = Path(tempfile.mkdtemp(prefix="inputs-", dir=seeds.done.parent))
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _try_all(name, seed, start, stop, seeds, place, shared, writing)
    os.close(writing)
    status = None
    while status is None:
        ended, code = os.waitpid(pid, os.WNOHANG)
        status = code if ended else None
        _, since = struct.unpack("qd", shared[:])
        if status is None and time.monotonic() - since > STUCK:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    with os.fdopen(reading, "rb") as file:
        lines = file.read().split(b"\n")
    for line in lines[:-1]:
        _add(row, json.loads(line))
    shutil.rmtree(place, ignore_errors=True)
    if status == 0:
        return stop
    current, _ = struct.unpack("qd", shared[:])
    code = os.waitstatus_to_exitcode(status)
    how = signal.Signals(-code).name if code < 0 else f"status {code}"
    _add(row, {"fault": f"{name} {current}: the process ended by {how}"})
    return current + 1


def _add(row: Row, result: dict[str, Any]) -> None:
    row["refused"] += 0 if "fault" in result else result.get("refused", 0)
    row["slowest"] = max(row["slowest"], result.get("slowest", 0.0))
    if "fault" in result:
        row["faulty"] += 1
        if len(row["faults"]) < KEPT:
            row["faults"].append(result["fault"])


def _try_all(
    name: str, seed: int, start: int, stop: int, seeds: Seeds, place: Path, shared: mmap.mmap,
    writing: int,
) -> None:  # fmt: skip
    """Never returns."""
    status = 1
    try:
        world = _world(seeds, place)
        for number in range(start, stop):
            shared[:] = struct.pack("qd", number, time.monotonic())
            result = tried(world, name, seed, number)
            os.write(writing, json.dumps(result).encode() + b"\n")
        status = 0
    finally:
        os._exit(status)


def _world(seeds: Seeds, place: Path) -> World:
    faulthandler.disable()
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + GIGABYTES * 2**30
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    devnull = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 2):
        os.dup2(devnull, descriptor)

    def ring(number: int, frame: Any) -> None:
        raise Hang

    signal.signal(signal.SIGPROF, ring)
    return World(seeds, place)


def tried(world: World, name: str, seed: int, number: int) -> dict[str, Any]:
    """Try an input and return the result."""
    rng = random.Random(f"fuzz/{seed}/{name}/{number}")
    began = time.monotonic()
    result: dict[str, Any] = {}
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        if KINDS[name][1](world, rng) is False:
            result["refused"] = 1
    except NmtError as error:
        result["refused"] = 1
        try:
            check_message(error)
        except AssertionError as wrong:
            result["fault"] = f"{name} {number}: {wrong}"
    except AssertionError as error:
        result["fault"] = f"{name} {number}: {str(error)[:400] or _where(error)}"
    except Hang:
        result["fault"] = f"{name} {number}: took more than {SECONDS:g} s"
    except Exception as error:
        result["fault"] = (
            f"{name} {number}: {type(error).__name__}: {str(error)[:300]} {_where(error)}"
        )
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return {**result, "slowest": round(time.monotonic() - began, 3)}


def _where(error: BaseException) -> str:
    """The innermost line of our own code in the traceback."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if "/nmt/" in path or "/reliability/" in path:
            place = f"[{path.split('/scripts/')[-1].split('/nmt/')[-1]}:{trace.tb_lineno}]"
        trace = trace.tb_next
    return place


def again(name: str, seed: int, number: int) -> None:
    """Try one input again, with its traceback."""
    with tempfile.TemporaryDirectory(prefix="nmt-fuzz-", dir=memory()) as place:
        world = World(Seeds(made(Path(place))), Path(place) / "inputs")
        KINDS[name][1](world, random.Random(f"fuzz/{seed}/{name}/{number}"))


def tables(rows: Sequence[Row]) -> list[str]:
    """Markdown: the number of inputs of each kind, and the outcomes."""
    lines = [
        "| kind | inputs | accepted | refused in one line | faults | slowest, s |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    sums = [0, 0, 0, 0]
    for name in KINDS:
        mine = [row for row in rows if row.get("kind") == name]
        inputs, refused, faulty = (
            sum(row[key] for row in mine) for key in ("inputs", "refused", "faulty")
        )
        slowest = max((row["slowest"] for row in mine), default=0.0)
        numbers = [inputs, inputs - refused - faulty, refused, faulty]
        sums = [one + other for one, other in zip(sums, numbers, strict=True)]
        lines.append(f"| {name} | " + " | ".join(f"{n:,}" for n in numbers) + f" | {slowest:.1f} |")
    return [*lines, "| **in all** | " + " | ".join(f"{n:,}" for n in sums) + " | |"]
