"""The hand-written backward passes against autograd over the plain loop, and against numbers."""

from typing import Any

import pytest
import torch
from torch import Tensor

from nmt.data.vocabulary import PAD
from nmt.models.contract import Memory, Reading
from nmt.models.decoders import Decoder
from nmt.models.encoder_decoder import EncoderDecoder
from tiny_models import EMBEDDING, KINDS, SOURCES, TARGETS, Kind, ids

FUSED = [kind for kind in KINDS if kind.build().reads_by == "a fused recurrence"]
LENGTHS = [len(row) for row in SOURCES]


@pytest.fixture(params=FUSED, ids=str)
def decoder(request: pytest.FixtureRequest) -> Decoder:
    torch.manual_seed(3)
    model = request.param.build()
    assert isinstance(model, EncoderDecoder)
    return model.decoder.double()


def inputs(decoder: Decoder, *, target: int = 4) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Embedded words, encoder states, keys and a summary, all of which want gradients."""
    batch, source, memory = len(LENGTHS), max(LENGTHS), decoder.bridge.in_features
    states = torch.randn(batch, source, memory, dtype=torch.float64)
    keys, values = decoder.attention.prepare(states)
    return (
        torch.randn(batch, target, EMBEDDING, dtype=torch.float64).requires_grad_(),
        values.detach().clone().requires_grad_(),
        keys.detach().clone().requires_grad_(),
        torch.randn(batch, memory, dtype=torch.float64).requires_grad_(),
    )


def remembered(values: Tensor, keys: Tensor, summary: Tensor) -> Memory:
    mask = torch.arange(values.size(1)) < torch.tensor(LENGTHS).unsqueeze(1)
    return Memory(values, keys, mask, summary)


def weighted(reading: Reading, *, attention: bool = True) -> Tensor:
    """A scalar that every readout, and every weight of the attention, has its own share in."""
    dice = torch.Generator().manual_seed(11)
    shares = torch.randn(reading.readouts.shape, generator=dice, dtype=torch.float64)
    total = (reading.readouts * shares.to(reading.readouts.dtype)).sum()
    if attention:
        shares = torch.randn(reading.attention.shape, generator=dice, dtype=torch.float64)
        total = total + (reading.attention * shares.to(reading.attention.dtype)).sum()
    return total


def test_every_decoder_of_one_layer_that_feeds_something_has_a_fused_recurrence(
    decoder: Decoder,
) -> None:
    assert decoder.fused
    assert decoder.reads_by == "a fused recurrence"


@pytest.mark.parametrize(
    ("kind", "by"),
    [
        (Kind(layers=2), "the plain loop"),
        (Kind("bahdanau", "gru", layers=3), "the plain loop"),
        (Kind(feeding=False), "one call over the whole target"),
    ],
    ids=str,
)
def test_other_decoders_do_without(kind: Kind, by: str) -> None:
    assert kind.build().reads_by == by


def test_a_config_can_ask_for_the_plain_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Kind().config()
    plain = config.model_copy(
        update={"decoder": config.decoder.model_copy(update={"fused": False})}
    )
    monkeypatch.setattr(Kind, "config", lambda self, **rest: plain)
    assert Kind().build().reads_by == "the plain loop"


@pytest.mark.parametrize("attention", [True, False], ids=["attention", "readouts"])
def test_outputs_and_all_gradients_are_those_of_the_plain_loop(
    decoder: Decoder, attention: bool
) -> None:
    embedded, states, keys, summary = given = inputs(decoder)
    wanted_of = [*given, *(p for p in decoder.parameters() if p.requires_grad)]
    found, wanted = (
        read(embedded, remembered(states, keys, summary))
        for read in (decoder.read_fused, decoder.read_plainly)
    )
    torch.testing.assert_close(found.readouts, wanted.readouts)
    torch.testing.assert_close(found.attention, wanted.attention)
    for one, other in zip(
        *(
            torch.autograd.grad(
                weighted(reading, attention=attention), wanted_of, allow_unused=True
            )
            for reading in (found, wanted)
        ),
        strict=True,
    ):
        assert (one is None) == (other is None)
        if one is not None:
            torch.testing.assert_close(one, other)


def test_gradients_are_those_of_finite_differences(decoder: Decoder) -> None:
    given = inputs(decoder, target=3)
    names = [name for name, _ in decoder.named_parameters() if not name.startswith("attention.")]
    queried = [n for n, _ in decoder.named_parameters() if n in ("attention.score.v.weight",)]
    parameters = [decoder.get_parameter(name) for name in [*names, *queried]]

    def outputs(
        embedded: Tensor, states: Tensor, keys: Tensor, summary: Tensor, *_: Tensor
    ) -> tuple[Tensor, Tensor]:
        return decoder.read_fused(embedded, remembered(states, keys, summary))[:2]

    assert torch.autograd.gradcheck(outputs, (*given, *parameters), fast_mode=True)


def test_finite_differences_agree_entry_by_entry() -> None:
    for kind in (Kind(), Kind("bahdanau", "gru", "additive")):
        model = kind.build()
        assert isinstance(model, EncoderDecoder)
        decoder = model.decoder.double()
        given = inputs(decoder, target=2)

        def outputs(
            embedded: Tensor, states: Tensor, keys: Tensor, summary: Tensor, by: Decoder = decoder
        ) -> tuple[Tensor, Tensor]:
            return by.read_fused(embedded, remembered(states, keys, summary))[:2]

        assert torch.autograd.gradcheck(outputs, given)


def test_a_second_way_back_finds_the_same(decoder: Decoder) -> None:
    embedded, *rest = inputs(decoder)
    total = weighted(decoder.read_fused(embedded, remembered(*rest)))
    [first] = torch.autograd.grad(total, embedded, retain_graph=True)
    [second] = torch.autograd.grad(total, embedded)
    assert torch.equal(first, second)


def test_bfloat16_products_stay_close(decoder: Decoder) -> None:
    if getattr(decoder, "maxout", False):
        pytest.skip("rounded a little, another of two may be the greater one")
    given = [tensor.detach().float().requires_grad_() for tensor in inputs(decoder)]
    decoder = decoder.float()
    embedded, *rest = given
    parameters = list(decoder.parameters())
    gradients = []
    for autocast in (True, False):
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            reading = decoder.read_fused(embedded, remembered(*rest))
        assert reading.attention.dtype == torch.float32
        total = weighted(reading)
        found = torch.autograd.grad(total, [*given, *parameters], allow_unused=True)
        gradients.append([slope for slope in found if slope is not None])
    for coarse, exact in zip(*gradients, strict=True):
        assert coarse.dtype == torch.float32
        assert (coarse - exact).norm() <= 0.05 * exact.norm() + 1e-3


def test_nothing_is_kept_where_no_gradient_is_wanted(decoder: Decoder) -> None:
    embedded, *rest = inputs(decoder)
    with torch.no_grad():
        reading = decoder.read_fused(embedded, remembered(*rest))
    assert reading.readouts.grad_fn is None
    assert reading.attention.grad_fn is None


def test_a_whole_model_reads_the_same_with_and_without() -> None:
    for kind in (Kind(), Kind("bahdanau", "lstm", "concat")):
        model: Any = kind.build().eval()
        source, target = ids(SOURCES), ids(TARGETS)
        found = model(source, source != PAD, target)
        model.decoder.fused = False
        wanted = model(source, source != PAD, target)
        torch.testing.assert_close(found.readouts, wanted.readouts)
        torch.testing.assert_close(found.attention, wanted.attention)
