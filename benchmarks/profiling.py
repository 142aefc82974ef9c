"""Where the time of an update goes, by part: batches of 256 x 16 made-up words, vocabulary 8,000.

    python benchmarks/profiling.py

Prints a Markdown table of milliseconds per update.
"""

from collections import Counter

from torch.profiler import ProfilerActivity, profile

from made_up import batch_of, model_of, trainer_of

UPDATES, WARM_UP = 5, 3
PARTS = {
    "matrix products": ("mm", "addmm", "addmm_"),
    "batched products of the attention": ("bmm", "linalg_vecdot"),
    "fused encoder, fused decoder": ("mkldnn_rnn_layer", "mkldnn_rnn_layer_backward"),
    "copies and casts": ("copy_", "cat", "fill_", "zero_", "index", "index_select", "clone"),
    "random numbers of dropout": ("bernoulli_", "random_"),
    "softmax of loss and attention": (
        "_log_softmax", "_softmax", "exp_", "logsumexp", "amax", "_softmax_backward_data",
    ),
    "optimizer and length of the gradient": ("_fused_adam_", "linalg_vector_norm", "norm"),
}  # fmt: skip
MODELS = {
    "Luong, input feeding": model_of(),
    "Luong, no input feeding": model_of(feeding=False),
    "Bahdanau, additive": model_of(kind="bahdanau"),
}


def main() -> None:
    columns = {name: measured(name) for name in MODELS}
    rows = [*PARTS, "other operations", "in all"]
    print(f"| ms an update | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for row in rows:
        print(f"| {row} | {' | '.join(f'{column[row]:.1f}' for column in columns.values())} |")


def measured(name: str) -> dict[str, float]:
    """Milliseconds per update, by part."""
    trainer, batch = trainer_of(MODELS[name], 8000), batch_of(256, 16, 8000)
    for _ in range(WARM_UP):
        trainer.step([batch])
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        for _ in range(UPDATES):
            trainer.step([batch])
    part_of = {f"aten::{name}": part for part, names in PARTS.items() for name in names}
    times = Counter[str]()
    for event in profiled.key_averages():
        part = part_of.get(event.key, "other operations")
        times[part] += event.self_cpu_time_total / 1e3 / UPDATES
        times["in all"] += event.self_cpu_time_total / 1e3 / UPDATES
    return times


if __name__ == "__main__":
    main()
