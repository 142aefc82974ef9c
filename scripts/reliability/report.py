"""docs/reliability.md: how the campaign works, and what came of it."""

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from reliability import faults, fuzz, kills
from reliability.ledger import ROOT, Ledger, Row

METHOD = """# Reliability

`scripts/campaign.py` tries to make `nmt` lose something. It has three parts; the tables below are
what they found, written by the script itself. What is tried follows from the seed, so that every
trial can be repeated; a trial that was done by the same program is not done again.

    python scripts/campaign.py all --seed 1
    python scripts/campaign.py kills --quick               # a few trials; nothing is written
    python scripts/campaign.py fuzz --only tsv --input 17  # one input again, with its traceback

A trial is a real command in a folder and a cache of its own, in a fork of a process that has
imported everything: a training of 16 updates, with four checkpoints and two validations, takes
about a second. The right result is that of the same command left alone, and *equal* means: the
same files, no more and no fewer, in the run folder and in the cache, each equal to the last bit
(weights, optimizer, random states, hypotheses, attention), but for times, logs and pictures.

- **Kills.** The moment is the n-th call that changes a file (half of a write is written), a share
  of the time that a phase takes, or a time since the start; some resumptions are killed, too.
  Half of the trainings take their corpus for a large one, which is kept in scratch files. Then
  the command goes on as the program says: with `--resume`, or as before where nothing had been
  saved.
- **Faults of the system.** Each sort of call that changes or reads a file (what is done, to which
  file) fails at its first and at its last time, in a trial of its own; of a sweep, a quarter of
  them, of an export, half. An error that a hook raises is the error of the call. A full disk and a
  read-only one stay so.
  Besides, file systems in memory of 40 sizes that really fill up; limits of memory, open files
  and file sizes; files and a clock that are a year off; two to eight processes in one run or one
  cache. A command must succeed or fail with one line, must leave what was there as it was or as
  it should become, and must end equal when it is given again without the fault; what it may leave
  is `NAME.partial`, the lines written before the fault, if its message names it.
- **Fuzzing.** Real files, mutated: bytes flipped, parts cut, doubled, swapped, nested 20,000
  deep, numbers beyond every range, other encodings. Sentences of all of Unicode: unassigned
  letters, half surrogate pairs, bidirectional controls, 200 accents on a letter, joined emoji,
  100,000 characters of one pattern. Of each input: no error but those that are told in one
  printable line of under 1,000 characters, no more than 10 s and 3 GB, a line out for a line in,
  words and pieces where they say, rows of word attention that sum to 1.
"""
TITLES = {"kills": "Kills", "faults": "Faults of the system", "fuzz": "Fuzzing"}
PARTS = {"kills": kills, "faults": faults, "fuzz": fuzz}
MOST = 30  # faults that are listed


def write(path: Path, ledgers: Mapping[str, Ledger], *, seed: int) -> None:
    """Write the report of the parts that this version of the program has been through."""
    sections = [METHOD]
    for part, ledger in ledgers.items():
        rows = ledger.rows()
        if rows:
            sections.append(_section(part, rows, ledger, seed))
        else:
            sections.append(f"## {TITLES[part]}\n\nNot run yet with this version of the program.\n")
    path.write_text("\n".join(sections), encoding="utf-8")


def _section(part: str, rows: Sequence[Row], ledger: Ledger, seed: int) -> str:
    ended = datetime.fromtimestamp(ledger.path.stat().st_mtime, UTC)
    lines = [
        f"## {TITLES[part]}",
        "",
        f"`python scripts/campaign.py {part} --seed {seed}`, {ended:%Y-%m-%d}, commit {_commit()}, "
        f"{_machine()}.",
        "",
        *PARTS[part].tables(rows),
        "",
        *_faults(rows),
    ]
    return "\n".join(lines)


def _faults(rows: Sequence[Row]) -> list[str]:
    wrong = [(row["key"], fault) for row in rows for fault in row["faults"]]
    if not wrong:
        return ["Nothing was lost, and nothing came out but what should.", ""]
    shown = [f"- `{key}`: {_one_line(fault)}" for key, fault in sorted(wrong)[:MOST]]
    more = [f"- and {len(wrong) - MOST} more"] if len(wrong) > MOST else []
    return ["What went wrong:", "", *shown, *more, ""]


def _one_line(text: str) -> str:
    shown = " ".join(text.split())[:200].replace("`", "'").replace("|", "/")
    return "".join(letter if letter.isprintable() else "?" for letter in shown)


def _machine() -> str:
    model = platform.machine()
    try:
        found = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n")
        model = next(line.split(": ")[1] for line in found if line.startswith("model name"))
    except (OSError, StopIteration, IndexError):
        pass
    return (
        f"{os.cpu_count()} cores of {model}, {platform.system()}, Python "
        f"{platform.python_version()}, torch {version('torch')}"
    )


def _commit() -> str:
    def git(*arguments: str) -> str:
        found = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
        return found.stdout.strip()

    changed = " with changes" if git("status", "--porcelain", "nmt", "scripts") else ""
    return f"{git('rev-parse', '--short', 'HEAD') or 'unknown'}{changed}"
