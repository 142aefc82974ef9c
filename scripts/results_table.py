"""Make the results table of the README from run folders, so that no figure is typed by hand.

python scripts/results_table.py runs/*          print the table
python scripts/results_table.py runs/* --write  put it between the markers in README.md
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

START, END = "<!-- results -->", "<!-- /results -->"
README = Path(__file__).parents[1] / "README.md"
HEAD = (
    "| config | corpus | parameters | training | BLEU | chrF | TER |\n|---|---|---|---|---|---|---|"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--write", action="store_true", help="into README.md")
    options = parser.parse_args()
    runs = [run for run in options.runs if (run / "evaluation/test/scores.json").exists()]
    runs = [run for run in runs if not run.is_symlink()]
    if not runs:
        sys.exit("none of these is a run with scores for its test split: nmt evaluate writes them")
    table = "\n".join([HEAD, *map(row, runs), "", signatures(runs)])
    print(table)
    if options.write:
        text = README.read_text(encoding="utf-8")
        before, rest = text.split(START)
        _, after = rest.split(END)
        README.write_text(f"{before}{START}\n{table}\n{END}{after}", encoding="utf-8")


def row(run: Path) -> str:
    manifest, scores = read(run / "manifest.json"), read(run / "evaluation/test/scores.json")
    corpus = manifest["corpus"]
    state = read(run / "checkpoints/last/state.json")
    values = " | ".join(f"{scores[name]['value']:.2f}" for name in ("bleu", "chrf", "ter"))
    return (
        f"| `{run.name}` | {corpus['corpus']}, {corpus['pairs']['train']:,} pairs | "
        f"{sum(manifest['parameters'].values()) / 1e6:.1f} M | "
        f"{state['seconds'] / 60:.0f} min, {manifest['compute']} | {values} |"
    )


def signatures(runs: list[Path]) -> str:
    known = {
        name: " or ".join(
            sorted({read(run / "evaluation/test/scores.json")[name]["signature"] for run in runs})
        )
        for name in ("bleu", "chrf", "ter")
    }
    return (
        "Signatures: "
        + ", ".join(
            f"{label} `{known[name]}`"
            for name, label in (("bleu", "BLEU"), ("chrf", "chrF"), ("ter", "TER"))
        )
        + "."
    )


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
