"""docs/reliability.md: how the campaign works, and its results."""

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

`scripts/campaign.py` tries to make `nmt` lose data. It has three parts and writes their results
into the tables below. The seed determines what is tried, so that every trial can be repeated; a
trial that the same version of the program has already been through is not run again.

    python scripts/campaign.py all --seed 1
    python scripts/campaign.py kills --quick               # a few trials; nothing is written
    python scripts/campaign.py fuzz --only tsv --input 17  # one input again, with its traceback

A trial is a real command with a folder and a cache of its own, in a fork of a process that has
imported everything: a training of 16 updates, with four checkpoints and two validations, takes
about a second. The expected result is that of the same command left undisturbed. *Equal* means:
the same files, no more and no fewer, in the run folder and in the cache, each equal to the last
bit (weights, optimizer, random states, hypotheses, attention), except for times, logs and
pictures.

- **Kills.** A process is killed at its n-th call that changes a file (a write has then been half
  done), after a share of the time that a phase takes, or some time after the start. Some
  resumptions are killed, too. Half of the trainings treat their corpus as a large one, which is
  kept in temporary files. The command is then repeated as the program's message says: with
  `--resume`, or unchanged if nothing had been saved.
- **System faults.** Each kind of call that changes or reads a file (what is done, to which file)
  fails the first and the last time it is made, each in a trial of its own; for a sweep a quarter
  of them, for an export half. An error raised in an audit hook stands for the error of the call.
  A read-only disk stays read-only, and in half of the trials a full disk stays full.
  There are also in-memory file systems of 40 sizes that really fill up; limits on memory, open
  files and file sizes; files and a clock that are a year off; and two to eight processes in one
  run or one cache. A command must succeed or fail with one line, must leave existing files as
  they were or as they should become, and must end equal when it is repeated without the fault.
  All it may leave is `NAME.partial`, the lines written before the fault, if its message
  names that file.
- **Fuzzing.** Real files are mutated: bytes flipped, parts cut, doubled or swapped, values nested
  20,000 deep, numbers out of every range, other encodings. Sentences use all of Unicode:
  unassigned code points, half surrogate pairs, bidirectional controls, 200 accents on a letter,
  joined emoji, 100,000 characters of one pattern. For each input: no error except those reported
  in one printable line of under 1,000 characters, no more than 10 s and 3 GB, one line out for
  each line in, words and pieces at the positions that they claim, rows of word attention that sum
  to 1.
"""
TITLES = {"kills": "Kills", "faults": "System faults", "fuzz": "Fuzzing"}
PARTS = {"kills": kills, "faults": faults, "fuzz": fuzz}
MOST = 30  # faults to list


def write(path: Path, ledgers: Mapping[str, Ledger], *, seed: int) -> None:
    """Write the report, with the parts that were run with this version of the program."""
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
        return ["Nothing was lost, and every result was as it should be.", ""]
    shown = [f"- `{key}`: {_one_line(fault)}" for key, fault in sorted(wrong)[:MOST]]
    more = [f"- and {len(wrong) - MOST} more"] if len(wrong) > MOST else []
    return ["What went wrong:", "", *shown, *more, ""]


def _one_line(text: str) -> str:
    shown = " ".join(text.split())[:200].replace("`", "'").replace("|", "/")
    return "".join(letter if letter.isprintable() else "?" for letter in shown)


def _machine() -> str:
    model = platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n")
        model = next(line.split(": ")[1] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration, IndexError):
        pass
    return (
        f"{os.cpu_count()} cores of {model}, {platform.system()}, Python "
        f"{platform.python_version()}, torch {version('torch')}"
    )


def _commit() -> str:
    def git(*arguments: str) -> str:
        result = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
        return result.stdout.strip()

    changed = " with changes" if git("status", "--porcelain", "nmt", "scripts") else ""
    return f"{git('rev-parse', '--short', 'HEAD') or 'unknown'}{changed}"
