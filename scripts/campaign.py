"""The campaign that tests reliability: kills, faults of the system, and fuzzing.

python scripts/campaign.py all --seed 1     up to an hour; docs/reliability.md is written
python scripts/campaign.py kills --quick    a few trials; nothing is written

Trials that were done before, by the same program with the same seed, are not done again.
"""

import argparse
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_NUM_THREADS"):
    os.environ[threads] = "1"  # before any library reads it: forks have one thread

from reliability import faults, forks, fuzz, kills  # noqa: E402
from reliability.ledger import Ledger, Row, program  # noqa: E402

PARTS = {"kills": kills, "faults": faults, "fuzz": fuzz}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("part", choices=[*PARTS, "all"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="A few trials; no report.")
    parser.add_argument("--only", nargs="*", default=(), help="Kinds of input, of fuzz.")
    parser.add_argument("--input", type=int, help="Try one input of the kind, of fuzz, again.")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--results", type=Path, default=ROOT / "runs" / "campaign")
    options = parser.parse_args()
    forks.import_everything()
    if options.input is not None:
        [kind] = options.only
        fuzz.again(kind, options.seed, options.input)
        return
    chosen = tuple(PARTS) if options.part == "all" else (options.part,)
    wrong = 0
    for part in chosen:
        name = f"{part}{'-quick' if options.quick else ''}-{options.seed}-{program()}.jsonl"
        ledger = Ledger(options.results / name)
        began = time.monotonic()
        rows = _run(part, ledger, options)
        print(f"{part}: {len(rows)} rows in {time.monotonic() - began:.0f} s, {ledger.path}")
        wrong += sum(bool(row["faults"]) for row in rows)
        print("\n".join(PARTS[part].tables(rows)))
    sys.exit(min(wrong, 1))


def _run(part: str, ledger: Ledger, options: argparse.Namespace) -> list[Row]:
    common = {"seed": options.seed, "workers": options.workers}
    if part == "faults":
        return faults.campaign(ledger, quick=options.quick, **common)
    if part == "fuzz":
        return fuzz.campaign(ledger, quick=options.quick, only=options.only, **common)
    counts = kills.QUICK if options.quick else kills.COUNTS
    return kills.campaign(ledger, counts=counts, **common)


if __name__ == "__main__":
    main()
