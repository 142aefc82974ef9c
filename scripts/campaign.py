"""The reliability campaign: kills, system faults, and fuzzing.

python scripts/campaign.py all --seed 1                  writes docs/reliability.md
python scripts/campaign.py kills --quick                 a few trials; nothing is written
python scripts/campaign.py fuzz --only tsv --input 17    one input again, with its traceback

Trials that the same version of the program has already been through with the same seed are not run
again: an interrupted campaign continues where it stopped.
"""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_NUM_THREADS"):
    os.environ[threads] = "1"  # before any library reads it: forks have one thread

from reliability import faults, forks, fuzz, kills, report  # noqa: E402
from reliability.ledger import Ledger, Row, program  # noqa: E402


def main() -> None:
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # clean up
    forks.import_everything()
    if options.input is not None:
        [kind] = options.only
        fuzz.again(kind, options.seed, options.input)
        return
    ledgers = {part: _ledger(part, options) for part in report.PARTS}
    wrong = 0
    for part in report.PARTS if options.part == "all" else [options.part]:
        began = time.monotonic()
        rows = _run(part, ledgers[part], options)
        print("\n".join(report.PARTS[part].tables(rows)))
        print(f"{part}: {time.monotonic() - began:.0f} s, {ledgers[part].path}", flush=True)
        wrong += sum(bool(row["faults"]) for row in rows)
    if not options.quick and not options.only:
        report.write(options.report, ledgers, seed=options.seed)
    sys.exit(min(wrong, 1))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("part", choices=[*report.PARTS, "all"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a few trials and no report")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", nargs="+", default=(), help="kinds of fuzz input")
    parser.add_argument("--input", type=int, help="repeat one input of that kind")
    parser.add_argument("--results", type=Path, default=ROOT / "runs" / "campaign")
    parser.add_argument("--report", type=Path, default=ROOT / "docs" / "reliability.md")
    return parser


def _ledger(part: str, options: argparse.Namespace) -> Ledger:
    quick = "-quick" if options.quick else ""
    return Ledger(options.results / f"{part}{quick}-{options.seed}-{program(part)}.jsonl")


def _run(part: str, ledger: Ledger, options: argparse.Namespace) -> list[Row]:
    seed, quick, workers = options.seed, options.quick, options.workers
    if part == "kills":
        counts = kills.QUICK if quick else kills.COUNTS
        return kills.campaign(ledger, seed=seed, counts=counts, workers=workers)
    if part == "faults":
        return faults.campaign(ledger, seed=seed, quick=quick, workers=workers)
    only = options.only or tuple(fuzz.KINDS)
    return fuzz.campaign(ledger, seed=seed, quick=quick, workers=workers, only=only)


if __name__ == "__main__":
    main()
