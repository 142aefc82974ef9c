from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nmt.data.tokenizers.base import PAD
from nmt.decoding.torch_engine import TorchEngine
from nmt.models.devices import Compute
from nmt.workflows.bench import engines
from nmt.workflows.bench.machine import best_rate, counted
from support.tiny_models import SOURCES, TARGETS, Kind, ids

BATCH, TIME, INPUTS, HIDDEN = 3, 5, 7, 4


@pytest.mark.parametrize(("network", "gates"), [(nn.LSTM, 4), (nn.GRU, 3)])
@pytest.mark.parametrize("backward", [False, True])
def test_products_of_a_recurrent_network_are_counted_once(
    network: type[nn.Module], gates: int, backward: bool
) -> None:
    model = network(INPUTS, HIDDEN, batch_first=True)
    words = torch.randn(BATCH, TIME, INPUTS, requires_grad=True)

    def work() -> str:
        found: Tensor = model(words)[0].sum()
        if backward:
            found.backward()
        return "done"

    flop, result = counted(model, work, backward=backward)
    products = gates * HIDDEN * (INPUTS + HIDDEN) * BATCH * TIME
    assert result == "done"
    assert flop == pytest.approx((6 if backward else 2) * products, rel=0.05)


def test_a_fused_recurrence_needs_the_products_of_the_plain_loop() -> None:
    counts = []
    for fused in (True, False):
        model = Kind().build()
        model.get_submodule("decoder").fused = fused  # type: ignore[assignment]  # a plain bool
        source, target = ids(SOURCES), ids(TARGETS)

        def work(
            model: nn.Module = model, source: Tensor = source, target: Tensor = target
        ) -> None:
            model(source, source != PAD, target).readouts.sum().backward()

        counts.append(counted(model, work, backward=True)[0])
    assert counts[0] == pytest.approx(counts[1], rel=0.02)


def test_the_fastest_product_is_measured() -> None:
    compute = Compute(torch.device("cpu"), bfloat16=False)
    assert best_rate(compute, [(8, 16, 32), (64, 64, 64)]) > 1e6


@pytest.mark.parametrize("bfloat16", [False, True])
def test_an_engine_is_on_the_device_it_computes_on(bfloat16: bool) -> None:
    engine = TorchEngine(Kind().build(), Compute(torch.device("meta"), bfloat16=bfloat16))
    assert {p.device.type for p in engine.model.parameters()} == {"meta"}


class Sleeper:
    """A translator that takes a time per sentence, and another for a call, on a clock of its own.

    A translation has as many tokens as its sentence has letters.
    """

    def __init__(self, clock: list[float], calls: list[str], name: str, each: float) -> None:
        self.clock, self.calls, self.name, self.each = clock, calls, name, each

    def translate(self, sentences: list[str]) -> list[Any]:
        self.clock[0] += 0.25 + self.each * len(sentences)
        if len(sentences) == 200:
            self.calls.append(self.name)
        return [
            SimpleNamespace(best=[SimpleNamespace(hypothesis=SimpleNamespace(ids=text))])
            for text in sentences
        ]


def test_engines_take_turns_and_a_slow_one_gets_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, calls = [0.0], list[str]()
    monkeypatch.setattr(engines, "perf_counter", lambda: clock[0])
    sentences = ["abc"] * 150 + ["abcdefg"] * 50
    ways: list[Any] = [
        (name, beam, Sleeper(clock, calls, name, each))
        for name, beam, each in (("quick", 1, 0.00125), ("slow", 5, 0.125), ("middle", 5, 0.01))
    ]
    quick, slow, middle = engines.measure(ways, sentences)
    assert calls == ["quick", "slow", "middle", "quick", "middle", "quick", "middle"]
    assert (quick.engine, quick.beam_size) == ("quick", 1)
    for speed, each in ((quick, 0.00125), (slow, 0.125), (middle, 0.01)):
        seconds = 0.25 + 200 * each
        assert speed.sentences_per_second == pytest.approx(200 / seconds)
        assert speed.target_tokens_per_second == pytest.approx((150 * 3 + 50 * 7) / seconds)
        assert speed.latency_ms_p50 == pytest.approx(1000 * (0.25 + each))
