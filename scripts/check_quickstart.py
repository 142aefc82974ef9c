"""Whether `make demo` kept its promise: what `.ci/run` checks after running it.

python scripts/check_quickstart.py runs/quickstart
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

BLEU, FOUND = 90.0, 0.7  # at least, on the test split


def main() -> None:
    run = Path(sys.argv[1])
    scores = json.loads((run / "evaluation/test/scores.json").read_text(encoding="utf-8"))
    bleu, found = scores["bleu"]["value"], scores["gold_links"]["found"]
    translations = nmt("translate", "I love you", "--n-best", "3", "--run", str(run)).split("\n")
    with tempfile.TemporaryDirectory() as folder:
        pair = [Path(folder) / "source.txt", Path(folder) / "target.txt"]
        for path, text in zip(pair, ("I love you", "je t'aime"), strict=True):
            path.write_text(f"{text}\n", encoding="utf-8")
        links = nmt("align", *map(str, pair), "--plain", "--run", str(run)).split()
    checks = {
        f"BLEU of the test split is {bleu:.2f}": bleu > BLEU,
        f"{100 * found:.0f} % of the gold links are found": found > FOUND,
        f"I love you: {' | '.join(translations)}": "je t'aime" in translations,
        f"its links are {' '.join(links)}": links == ["0-0", "1-2", "2-1"],
    }
    for what, passed in checks.items():
        print("ok    " if passed else "WRONG ", what)
    sys.exit(0 if all(checks.values()) else 1)


def nmt(*arguments: str) -> str:
    command = [sys.executable, "-m", "nmt", "-q", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
