"""The learning curves of several runs in one picture.

python scripts/curves.py runs/luong runs/luong-multi30k --output docs/curves.png
"""

import argparse
from pathlib import Path

from nmt.plots.curves import read_metrics, save_curves


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, default=Path("curves.png"))
    options = parser.parse_args()
    curves = {run.name: read_metrics(run / "metrics.jsonl") for run in options.runs}
    for path in save_curves(curves, options.output):
        print(path)


if __name__ == "__main__":
    main()
