"""Write the results of `nmt sweep` into the lecture, so that no figure is typed by hand.

python scripts/lecture_results.py [docs/league/league.json docs/league/multi30k.json]

Writes a line of results for each corpus into every file of configs/lecture, and the figures of the
phrasebook into the table of docs/attention.md. Configs without a finished training do not change.
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CONFIGS, DOCS = ROOT / "configs/lecture", ROOT / "docs/attention.md"
LEAGUES = [ROOT / "docs/league/league.json", ROOT / "docs/league/multi30k.json"]
MULTI30K, PHRASEBOOK = "Multi30k", "phrasebook"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "leagues", nargs="*", type=Path, default=LEAGUES,
        help="JSON of schema nmt.sweep/1; default: those in docs/league",
    )  # fmt: skip
    options = parser.parse_args()
    for path in options.leagues:
        if not path.is_file():
            parser.error(f"{path} is missing: `nmt sweep` writes it")
        league = json.loads(path.read_text(encoding="utf-8"))
        for config in sorted(CONFIGS.rglob("*.yaml")):
            rewrite(config, fill_config(config.read_text(encoding="utf-8"), league))
        if corpus_of(league) == PHRASEBOOK:
            rewrite(DOCS, fill_table(DOCS.read_text(encoding="utf-8"), league))


def rewrite(path: Path, text: str) -> None:
    if text != path.read_text(encoding="utf-8"):
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))


def fill_config(text: str, league: dict[str, Any]) -> str:
    """The config with its line of results, in place of an older one or at the end of its header."""
    (name,) = re.findall(r"^name: (\S+)$", text, flags=re.MULTILINE)
    row = finished(league).get(name)
    if row is None:
        return text
    corpus = corpus_of(league)
    error = "" if row.get("aer") is None else f", AER {100 * row['aer']:.1f} %"
    lines, start = text.splitlines(), f"# {corpus}: BLEU "
    known = [place for place, line in enumerate(lines) if line.startswith(start)]
    place = next(place for place, line in enumerate(lines) if not line.startswith("#"))
    first, after = (known[0], known[0] + 1) if known else (place, place)
    lines[first:after] = [f"{start}{row['bleu']:.2f}{error}"]
    return "\n".join(lines) + "\n"


def fill_table(text: str, league: dict[str, Any]) -> str:
    """The page with BLEU and AER in the last two columns of each row that links a config."""
    rows = finished(league)
    return "\n".join(_filled(line, rows) for line in text.split("\n"))


def _filled(line: str, rows: dict[str, Any]) -> str:
    named = re.search(r"^\| .*\(\.\./configs/lecture/(?:vectors/)?([\w-]+)\.yaml\)", line)
    row = rows.get(named[1]) if named else None
    if row is None:
        return line
    error = "–" if row.get("aer") is None else f"{100 * row['aer']:.1f}"
    cells = line.strip("|").split("|")[:-2]
    return f"|{'|'.join(cells)}| {row['bleu']:.2f} | {error} |"


def finished(league: dict[str, Any]) -> dict[str, Any]:
    return {row["name"]: row for row in league["rows"] if row["state"] == "finished"}


def corpus_of(league: dict[str, Any]) -> str:
    corpus = str(league["corpus"])
    return MULTI30K if "multi30k" in corpus.lower() else corpus


if __name__ == "__main__":
    main()
