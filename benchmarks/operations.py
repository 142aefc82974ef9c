"""How many operations an update has, and how many bytes it only copies: counts, not times.

    python benchmarks/operations.py

Batches of made-up words, vocabulary 8,000, bfloat16. Views are not counted. Prints Markdown tables.
"""

from collections import Counter
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from made_up import batch_of, model_of, trainer_of

SIZES = ((64, 16), (256, 16))
PRODUCTS = {"mm", "addmm", "addmm_", "bmm", "mkldnn_rnn_layer", "mkldnn_rnn_layer_backward"}
COPIES = {"copy_", "_to_copy", "clone", "cat"}
MODELS = {
    "Luong, input feeding": model_of(),
    "Luong, no input feeding": model_of(feeding=False),
    "Bahdanau, additive": model_of(kind="bahdanau"),
}


class Counting(TorchDispatchMode):
    """Counts operations by name, and the bytes that copies write."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.copied = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if not func.is_view and not name.startswith(("empty", "new_empty")):
            self.calls[name] += 1
        if name in COPIES and isinstance(result, Tensor):
            self.copied += result.nbytes
        return result


def main() -> None:
    print("| model | batch | operations | products | copies | bytes copied | others |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for name, model in MODELS.items():
        for rows, length in SIZES:
            calls, copied = counted(model, rows, length)
            products = sum(calls[each] for each in PRODUCTS)
            copies = sum(calls[each] for each in COPIES)
            others = calls.total() - products - copies
            print(
                f"| {name} | {rows} x {length} | {calls.total():,} | {products:,} | {copies:,} "
                f"| {copied / 1e6:,.0f} MB | {others:,} |",
                flush=True,
            )


def counted(model: Any, rows: int, length: int) -> tuple[Counter[str], int]:
    trainer, batch = trainer_of(model, 8000, precision="bfloat16"), batch_of(rows, length, 8000)
    trainer.step([batch])
    with Counting() as counting:
        trainer.step([batch])
    return counting.calls, counting.copied


if __name__ == "__main__":
    main()
