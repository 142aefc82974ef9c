"""Trials and their results, one per line, so that an interrupted campaign can continue."""

import ctypes
import json
import os
import signal
import struct
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
Row = dict[str, Any]
NUMBER = struct.Struct("i")


OTHERS = {
    "kills": {"faults", "fuzz", "fuzz_files", "fuzz_text", "fuzz_world", "mutations", "sentences"},
    "faults": {"kills", "fuzz", "fuzz_files", "fuzz_text", "fuzz_world", "mutations", "sentences"},
    "fuzz": {"kills", "faults", "phases"},
}
"""Modules that a part of the campaign does not use."""


def program(part: str) -> str:
    """A digest of the program and of one part of the campaign, without the other parts' modules."""
    digest = sha256()
    for folder in ("nmt", "scripts/reliability"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if folder == "nmt" or path.stem not in OTHERS[part] | {"report", "ledger"}:
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _queue(count: int) -> int:
    """A pipe with the numbers of all tasks, from which the workers take them."""
    reading, writing = os.pipe()
    os.write(writing, b"".join(map(NUMBER.pack, range(count))))
    os.close(writing)
    return reading


def _end_with_the_parent() -> None:
    """Have the system send SIGTERM when the campaign ends, however it ends; Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


class Ledger:
    """The rows of one part of the campaign, of one seed and one version of the program."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def rows(self) -> list[Row]:
        """In no particular order, since several processes write them."""
        if not self.path.exists():
            return []
        rows = []
        for line in self.path.read_text(encoding="utf-8").split("\n"):
            try:
                rows.append(json.loads(line))
            except ValueError:
                continue  # the end of the file, or an incomplete line of a killed campaign
        return rows

    def add(self, row: Row) -> None:
        data = json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        descriptor = os.open(self.path, flags, 0o644)
        os.write(descriptor, data)
        os.close(descriptor)

    def run(
        self, tasks: Sequence[tuple[str, Callable[[], Row]]], *, workers: int, say: str
    ) -> list[Row]:
        """Run the tasks that have no row yet, in several processes; returns a row for each task.

        A task is its key and a function that returns its row.
        """
        done = {row["key"] for row in self.rows()}
        left = [task for task in tasks if task[0] not in done]
        queue = _queue(len(left))
        pids = [self._fork(left, queue, say) for _ in range(workers)]
        os.close(queue)
        try:
            for pid in pids:
                os.waitpid(pid, 0)
        except BaseException:  # a signal ends this process: end the workers, too
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
                with suppress(ChildProcessError):
                    os.waitpid(pid, 0)
            raise
        wanted = {key for key, _ in tasks}
        return [row for row in self.rows() if row["key"] in wanted]

    def _fork(self, tasks: Sequence[tuple[str, Callable[[], Row]]], queue: int, say: str) -> int:
        pid = os.fork()
        if pid:
            return pid
        _end_with_the_parent()
        status = 1
        try:
            while taken := os.read(queue, NUMBER.size):
                [number] = NUMBER.unpack(taken)
                key, work = tasks[number]
                try:
                    row = work()
                except Exception:  # a bug in the campaign, reported as a fault of the trial
                    row = {"faults": [f"the trial itself: {traceback.format_exc()[-1500:]}"]}
                self.add({"key": key, **row})
                for fault in row.get("faults", []):
                    print(f"{key}: {fault}", flush=True)
                if number % 20 == 19:
                    print(f"{say}: {number + 1} of {len(tasks)}", flush=True)
            status = 0
        finally:
            os._exit(status)
