"""What a GPU would be asked to do, counted without one: operations, copies, and waits for results.

    python benchmarks/gpu_counts.py

Batches of 64 x 16 made-up words, vocabulary 8,000, beam 5. An operation starts at least one
kernel; the library's recurrent networks count as one each way, as in cuDNN. Prints Markdown tables.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from made_up import batch_of, model_of
from nmt.config import ModelConfig, TrainingConfig
from nmt.data.tokenizers.base import EOS, Vocabularies
from nmt.decoding.torch_engine import TorchEngine
from nmt.models import Seq2Seq, build_model
from nmt.models.devices import Compute
from nmt.training.trainer import Trainer

SENTENCES, LENGTH, VOCABULARY, BEAM = 64, 16, 8000, 5
META = torch.device("meta")
MODELS = {
    "Luong, input feeding": model_of(),
    "Luong, no input feeding": model_of(feeding=False),
    "Bahdanau, additive": model_of(kind="bahdanau"),
}
ALLOCATES = ("empty", "new_empty", "empty_like", "empty_strided")


class FakeGpu(TorchDispatchMode):
    """Makes of the device meta a GPU: what is read from it is zero, and everything is counted."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[str] = []  # "operation", "sent", "read" or "updated", in their order

    def __torch_dispatch__(
        self, operator: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        with self:  # in inference mode, operations come here before they are taken apart
            result = operator.decompose(*args, **kwargs)
        if result is not NotImplemented:
            return result
        name = operator.overloadpacket.__name__
        first = args[0] if args and isinstance(args[0], Tensor) else None
        to = torch.device(kwargs.get("device") or (first.device if first is not None else "cpu"))
        if name == "_local_scalar_dense":
            self.events.append("read")
            return 0
        if name == "_to_copy" and first is not None and first.device != to:
            self.events.append("sent" if to == META else "read")
            if to != META:
                return torch.zeros(first.shape, dtype=kwargs.get("dtype") or first.dtype)
        elif not operator.is_view and name not in ALLOCATES:
            self.events.append("operation")
        return operator(*args, **kwargs)


@contextmanager
def fake_gpu() -> Iterator[FakeGpu]:
    """A GPU to count on, in float32: meta has no autocast, no fused optimizer and no cuDNN."""
    gpu = FakeGpu()
    with (
        patch("torch.is_autocast_enabled", lambda kind: False),
        patch("torch.get_autocast_dtype", lambda kind: torch.bfloat16),
        patch.object(nn.LSTM, "forward", _one_operation),
        patch("torch.autocast", lambda *_, **__: nullcontext()),
        patch("torch.optim.Adam", lambda parameters, **_: _Optimizer(gpu, parameters)),
        gpu,
    ):
        yield gpu


def _one_operation(self: nn.LSTM, inputs: Tensor, start: Any = None) -> tuple[Tensor, None]:
    return nn.functional.linear(inputs, self.weight_ih_l0[: self.hidden_size]), None


class _Optimizer:
    def __init__(self, gpu: FakeGpu, parameters: Iterator[nn.Parameter]) -> None:
        self.gpu, self.parameters = gpu, list(parameters)
        self.param_groups: list[dict[str, Any]] = []

    def step(self) -> None:
        self.gpu.events.append("updated")

    def zero_grad(self, *, set_to_none: bool) -> None:
        for parameter in self.parameters:
            parameter.grad = None


def model_on_meta(config: ModelConfig) -> Seq2Seq:
    return build_model(config, Vocabularies(VOCABULARY, VOCABULARY)).to(META)


def update(model: Seq2Seq, positions: int) -> list[str]:
    """The events of an update of sentences with so many target positions."""
    batch = batch_of(SENTENCES, positions, VOCABULARY)
    sources = batch_of(SENTENCES, LENGTH, VOCABULARY).source
    batch = type(batch)(sources, batch.target_in, batch.target_out, batch.sentences)
    with fake_gpu() as gpu:
        compute = Compute(META, bfloat16=False)
        trainer = Trainer(model, TrainingConfig(clip_norm=1.0), compute, total=None)
        trainer.late = True
        gpu.events.clear()
        trainer.update([batch])
        return gpu.events


def search_position(model: Seq2Seq) -> list[str]:
    """The events of a position of a search, in which sentences are dropped."""
    with fake_gpu() as gpu:
        engine = TorchEngine(model, Compute(META, bfloat16=False))
        session = engine.open(batch_of(SENTENCES, LENGTH, VOCABULARY).source, most=BEAM + 1)
        session.step(np.full(SENTENCES, EOS + 1), None, None)
        gpu.events.clear()
        kept = np.arange(SENTENCES // 2)
        session.step(np.full(len(kept) * BEAM, EOS + 1), kept.repeat(BEAM), kept)
        return gpu.events


def main() -> None:
    print("| an update | operations | of these per target position | copies to the GPU | "
          "waits before the optimizer |\n|---|---|---|---|---|")  # fmt: skip
    for name, config in MODELS.items():
        model = model_on_meta(config)
        events, shorter = update(model, LENGTH), update(model, LENGTH - 1)  # one chunk of the loss
        counts = Counter(events)
        waits = events[: events.index("updated")].count("read") - 1  # its sums are not waited for
        each = counts["operation"] - shorter.count("operation")
        print(f"| {name} | {counts['operation']:,} | {each} | {counts['sent']} | {waits} |")
    print(
        "\n| a position of a search | operations | copies to the GPU | waits |\n|---|---|---|---|"
    )
    for name, config in MODELS.items():
        counts = Counter(search_position(model_on_meta(config)))
        print(f"| {name} | {counts['operation']} | {counts['sent']} | {counts['read']} |")


if __name__ == "__main__":
    main()
