"""The alignment error rate of eflomal, a word aligner to compare attention with.

python scripts/eflomal.py SOURCE TARGET GOLD --train TRAIN_SOURCE TRAIN_TARGET

All texts are tokenised, with a space between words. eflomal learns from the training text together
with SOURCE and TARGET, in both directions; its links in SOURCE and TARGET are compared with GOLD.
It is a separate program (https://github.com/robertostling/eflomal, GPL), looked up on the PATH.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from nmt.errors import NmtError
from nmt.evaluation.alignment import alignment_error
from nmt.evaluation.pharaoh import read_gold
from nmt.workflows.align import read_gold_file, read_pairs

PROGRAM = "eflomal-align"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("gold", type=Path)
    parser.add_argument("--train", nargs=2, type=Path, default=(), help="more text to learn from")
    options = parser.parse_args()
    program = shutil.which(PROGRAM)
    if program is None:
        sys.exit(f"{PROGRAM} is not on the PATH: install it with  pip install eflomal")
    try:
        pairs = read_pairs(options.source, options.target, plainly=False)
        gold = read_gold_file(options.gold, pairs)
        learned = read_pairs(*options.train, plainly=False) if options.train else []
    except NmtError as error:
        sys.exit(str(error))
    texts = [[side.text for side in pair] for pair in [*learned, *pairs]]
    forward, reverse = (links[len(learned) :] for links in aligned(program, texts))
    both = [one & other for one, other in zip(forward, reverse, strict=True)]
    either = [one | other for one, other in zip(forward, reverse, strict=True)]
    print("| eflomal | precision | recall | AER |\n|---|---|---|---|")
    for name, links in (
        ("forward", forward),
        ("reverse", reverse),
        ("intersection", both),
        ("union", either),
    ):
        score = alignment_error(zip(links, gold, strict=True))
        print(f"| {name} | {score.precision:.4f} | {score.recall:.4f} | {score.aer:.4f} |")


def aligned(program: str, texts: list[list[str]]) -> list[list[frozenset[tuple[int, int]]]]:
    """The links of all pairs from eflomal's largest model, forward and reverse."""
    with tempfile.TemporaryDirectory() as folder:
        places = {option: Path(folder) / option for option in "stfr"}
        for option, side in zip("st", zip(*texts, strict=True), strict=True):
            places[option].write_text("".join(f"{line}\n" for line in side), encoding="utf-8")
        command = [program, "--model", "3"]
        for option, path in places.items():
            command += [f"-{option}", str(path)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            reason = (done.stderr.strip() or f"status {done.returncode}").splitlines()[-1]
            sys.exit(f"{PROGRAM} failed: {reason}")
        return [
            [read_gold(line).sure for line in places[option].read_text("utf-8").splitlines()]
            for option in "fr"
        ]


if __name__ == "__main__":
    main()
