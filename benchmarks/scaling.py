"""How the cost of training grows with vocabulary, width, length and batch, nmt against a reference.

    python benchmarks/scaling.py

Made-up words; one size at a time varies from 256 sentences of 16 words, vocabulary 8,000 and width
512 (Luong, input feeding). The reference trains on the same batches. Prints Markdown tables of
target tokens per second, medians of windows that take turns. data.py measures how the cost grows
with the corpus.
"""

import statistics
from time import perf_counter

import torch

from made_up import batch_of, model_of, trainer_of
from plain import PlainLuong, PlainTrainer

WINDOWS = 3
USUAL = {"vocabulary": 8000, "width": 512, "length": 16, "batch": 256}
SIZES = {
    "vocabulary": (2000, 8000, 32_000),
    "width": (128, 256, 512, 1024),
    "length": (8, 16, 32, 64),
    "batch": (32, 64, 128, 256, 512),
}


def main() -> None:
    print("| what | size | nmt, bfloat16 | nmt, float32 | plain reference | ratio |")
    print("|---|---|---|---|---|---|")
    for what, sizes in SIZES.items():
        for size in sizes:
            ours, exact, plain = rates(**{**USUAL, what: size})
            print(
                f"| {what} | {size:,} | {ours:,.0f} | {exact:,.0f} | {plain:,.0f} "
                f"| {ours / plain:.2f} |",
                flush=True,
            )


def rates(*, vocabulary: int, width: int, length: int, batch: int) -> list[float]:
    """Target tokens per second of nmt in bfloat16 and in float32, and of the reference."""
    if length != USUAL["length"]:
        batch = batch * USUAL["length"] // length  # as many words
    words = batch_of(batch, length, vocabulary)
    model = model_of(hidden=width)
    ours = [trainer_of(model, vocabulary, precision=p) for p in ("bfloat16", "float32")]
    plain = PlainTrainer(PlainLuong(model, vocabulary), 0.1)
    sides = [torch.from_numpy(side) for side in (words.source, words.target_in, words.target_out)]
    steps = [
        ("medium", lambda: ours[0].step([words])),
        ("medium", lambda: ours[1].step([words])),
        ("highest", lambda: plain.step(*sides)),
    ]
    seconds: list[list[float]] = [[], [], []]
    for window in range(WINDOWS + 1):
        for (precision, step), times in zip(steps, seconds, strict=True):
            torch.set_float32_matmul_precision(precision)
            started = perf_counter()
            step()
            if window:
                times.append(perf_counter() - started)
    return [words.target_tokens / statistics.median(times) for times in seconds]


if __name__ == "__main__":
    main()
