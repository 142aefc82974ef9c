"""What the fused recurrence of each mechanism gains over its plain loop, both taking turns.

python benchmarks/fused_loops.py [CONFIG ...] [section.key=value ...]

For scheduled sampling: training.teacher_forcing=0.5
"""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from mechanisms import CONFIGS, ROUNDS, UPDATES, WARM_UP, Contender
from nmt.config import load

PLAIN = "model.decoder.fused=false"


def rates(path: Path, overrides: Sequence[str]) -> tuple[float, float] | None:
    """Target tokens per second, fused and plain; None without a fused recurrence."""
    fused = Contender(load(path, overrides).config)
    if fused.trainer.model.reads_by != "a fused recurrence":
        return None
    both = (fused, Contender(load(path, [*overrides, PLAIN]).config))
    for number in range(WARM_UP + ROUNDS):
        for each in both:
            rate = each.train()
            if number >= WARM_UP:
                each.rates.append(rate)
    first, second = (median(each.rates) for each in both)
    return first, second


def main() -> None:
    logging.disable()
    overrides = [argument for argument in sys.argv[1:] if "=" in argument]
    named = [Path(argument) for argument in sys.argv[1:] if "=" not in argument]
    print(f"target tokens/s, medians of {ROUNDS} windows of {UPDATES} updates")
    print("| config | fused | plain loop | ratio |")
    print("|---|---:|---:|---:|")
    for path in named or sorted(CONFIGS.glob("*.yaml")):
        found = rates(path, overrides)
        if found is not None:
            fused, plain = found
            print(
                f"| {path.stem} | {fused:,.0f} | {plain:,.0f} | {fused / plain:.2f} |", flush=True
            )


if __name__ == "__main__":
    main()
