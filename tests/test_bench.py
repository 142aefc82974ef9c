import pytest
import torch
from torch import Tensor, nn

from nmt.data.tokenizers.base import PAD
from nmt.decoding.torch_engine import TorchEngine
from nmt.models.devices import Compute
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
