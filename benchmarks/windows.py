"""The cost of a target position, by scope and source length: that of windows must not grow.

python benchmarks/windows.py
"""

from statistics import median
from time import perf_counter

import torch

from nmt.config import AttentionConfig
from nmt.models.attention import Query, attention_of

LENGTHS = (25, 50, 100, 200, 400, 800, 1600)
SCOPES = ("global", "local-m", "local-p")
SENTENCES, TARGETS, WIDTH, ROUNDS = 16, 20, 512, 15


@torch.inference_mode()
def microseconds(scope: str, score: str, length: int) -> float:
    """Per target position of a sentence, given keys and values; the median of several rounds."""
    config = AttentionConfig(score=score, scope=scope, size=256)
    attention = attention_of(config, query=WIDTH, memory=WIDTH).eval()
    states = torch.randn(SENTENCES, length, WIDTH)
    keys, values = attention.prepare(states)
    mask = torch.ones(SENTENCES, 1, length, dtype=torch.bool)
    positions = torch.arange(TARGETS).expand(SENTENCES, -1) + length // 2
    queries = torch.randn(SENTENCES, TARGETS, WIDTH)
    query = Query(queries, positions, words=queries)
    taken = []
    for _ in range(ROUNDS):
        started = perf_counter()
        attention(query, keys, values, mask)
        taken.append(perf_counter() - started)
    return median(taken) / (SENTENCES * TARGETS) * 1e6


def main() -> None:
    print(
        f"microseconds a target position, {SENTENCES} sentences x {TARGETS} positions, states of "
        f"{WIDTH}, windows of 21, float32, {torch.get_num_threads()} threads"
    )
    print("| score | scope |", " | ".join(f"{length} source" for length in LENGTHS), "|")
    print("|---|---|" + "---:|" * len(LENGTHS))
    for score in ("general", "additive"):
        for scope in SCOPES:
            row = [microseconds(scope, score, length) for length in LENGTHS]
            print(f"| {score} | {scope} |", " | ".join(f"{each:.1f}" for each in row), "|")


if __name__ == "__main__":
    torch.manual_seed(1)
    main()
