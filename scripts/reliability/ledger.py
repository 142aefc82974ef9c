"""What was tried and what came of it: a line a trial, so that a campaign goes on where it ended."""

import json
import os
import traceback
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
Row = dict[str, Any]


def program() -> str:
    """A digest of the program and of the campaign: results of another version do not count."""
    digest = sha256()
    for folder in ("nmt", "scripts/reliability"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


class Ledger:
    """The rows of one part of the campaign, of one seed and one version of the program."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def rows(self) -> list[Row]:
        """In no certain order, since several processes write them."""
        if not self.path.exists():
            return []
        found = []
        for line in self.path.read_text(encoding="utf-8").split("\n"):
            try:
                found.append(json.loads(line))
            except ValueError:
                continue  # the end of the file, or a line that a killed campaign cut short
        return found

    def add(self, row: Row) -> None:
        data = json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        descriptor = os.open(self.path, flags, 0o644)
        os.write(descriptor, data)
        os.close(descriptor)

    def run(
        self, tasks: Sequence[tuple[str, Callable[[], Row]]], *, workers: int, say: str
    ) -> list[Row]:
        """Do what has not been done yet, in several processes; a row for each task.

        A task is a name, which is its key, and what returns its row.
        """
        done = {row["key"] for row in self.rows()}
        left = [task for task in tasks if task[0] not in done]
        pids = [self._fork(left[n::workers], say if n == 0 else "") for n in range(workers)]
        for pid in pids:
            os.waitpid(pid, 0)
        wanted = {key for key, _ in tasks}
        return [row for row in self.rows() if row["key"] in wanted]

    def _fork(self, tasks: Sequence[tuple[str, Callable[[], Row]]], say: str) -> int:
        pid = os.fork()
        if pid:
            return pid
        status = 1
        try:
            for number, (key, work) in enumerate(tasks, start=1):
                try:
                    row = work()
                except Exception:  # the campaign's own mistake: told as a failure of the trial
                    row = {"faults": [f"the trial itself: {traceback.format_exc()[-1500:]}"]}
                self.add({"key": key, **row})
                for fault in row.get("faults", []):
                    print(f"{key}: {fault}", flush=True)
                if say and number % 20 == 0:
                    print(f"{say}: {number} of {len(tasks)} in this process", flush=True)
            status = 0
        finally:
            os._exit(status)
