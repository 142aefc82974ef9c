"""The hand-written backward passes against autograd and against finite differences."""

from typing import Any

import pytest
import torch
from torch import Tensor

from nmt.config import AttentionConfig
from nmt.data.tokenizers.base import PAD
from nmt.models.attention import Score, SingleHead, Window
from nmt.models.attention.normalizers import Softmax
from nmt.models.attention.scopes import Monotonic
from nmt.models.attention.scores import AdditiveScore, ProductScore
from nmt.models.contract import DecoderOutput, Memory
from nmt.models.decoders import Decoder
from nmt.models.encoder_decoder import EncoderDecoder
from nmt.models.fused.attention import supports
from support.tiny_models import EMBEDDING, KINDS, SOURCES, TARGETS, Kind, ids

LENGTHS = [len(row) for row in SOURCES]


LOOPS = {"luong", "bahdanau", "conditional"}
SCORES = {"none", "dot", "scaled_dot", "general", "additive", "concat", "cosine", "qkv", "location"}
NORMALIZERS = {"softmax", "weighted_softmax", "relu", "sparsemax", "entmax15"}
"""Parts with a hand-written backward pass. New ones train by the plain loop until they get one, and
are added here then."""


def is_fused(kind: Kind) -> bool:
    """Whether a model needs no plain loop, by the names of its parts."""
    served = {"selection": "soft", "activation": "tanh"}
    options = {**served, **dict(kind.attention)}
    loops = kind.decoder in LOOPS and kind.feeding and kind.layers == 1
    return loops and kind.score in SCORES and all(options[key] == served[key] for key in served)


def is_new(kind: Kind) -> bool:
    normalizer = dict(kind.attention).get("normalizer", "softmax")
    return kind.score not in SCORES or normalizer not in NORMALIZERS


MORE = [
    Kind("conditional", "lstm", "additive", attention=(("coverage", True),)),
    Kind("conditional", "lstm", "additive", attention=(("heads", 3), ("size", 6))),
    Kind("conditional", "gru", attention=(("scope", "local-m"), ("normalizer", "entmax15"))),
    Kind("luong", "gru", "additive", attention=(("scope", "local-p"), ("heads", 2), ("size", 4))),
    Kind("luong", "gru", score="none"),
    Kind("bahdanau", "lstm", "additive", attention=(("heads", 2), ("size", 4), ("coverage", True))),
]
"""Combinations of what the others have one by one."""
NORMALIZED = [
    Kind(attention=(("normalizer", name), ("temperature", 2.0), ("position_weights", by_position)))
    for name in sorted(NORMALIZERS)
    for by_position in ((False, True) if name == "weighted_softmax" else (False,))
]
SHIPPED = [kind for kind in KINDS if not is_new(kind)]
FUSED = [kind for kind in SHIPPED if is_fused(kind)] + NORMALIZED + MORE
OTHERS = [kind for kind in SHIPPED if kind not in FUSED and kind.decoder != "transformer"]


@pytest.fixture(params=FUSED, ids=str)
def decoder(request: pytest.FixtureRequest) -> Decoder:
    torch.manual_seed(3)
    model = request.param.build()
    assert isinstance(model, EncoderDecoder)
    return model.decoder.double()


def inputs(decoder: Decoder, *, target: int = 4) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Embedded words, encoder states, keys and a summary, all of which require gradients."""
    batch, source, memory = len(LENGTHS), max(LENGTHS), decoder.bridge.in_features
    states = torch.randn(batch, source, memory, dtype=torch.float64)
    embedded = torch.randn(batch, target, EMBEDDING, dtype=torch.float64)
    summary = torch.randn(batch, memory, dtype=torch.float64)
    keys, values = decoder.attention.prepare(states, summary)
    return (
        embedded.requires_grad_(),
        values.detach().clone().requires_grad_(),
        keys.detach().clone().requires_grad_(),
        summary.requires_grad_(),
    )


def remembered(values: Tensor, keys: Tensor, summary: Tensor) -> Memory:
    mask = torch.arange(keys.size(1)) < torch.tensor(LENGTHS).unsqueeze(1)
    return Memory(values, keys, mask, summary)


def weighted(reading: DecoderOutput, *, attention: bool = True) -> Tensor:
    """A scalar to which every readout and every attention weight contributes differently."""
    dice = torch.Generator().manual_seed(11)
    shares = torch.randn(reading.readouts.shape, generator=dice, dtype=torch.float64)
    total = (reading.readouts * shares.to(reading.readouts.dtype)).sum()
    if attention:
        shares = torch.randn(reading.attention.shape, generator=dice, dtype=torch.float64)
        total = total + (reading.attention * shares.to(reading.attention.dtype)).sum()
    return total


def test_a_decoder_with_closed_form_gradients_has_a_fused_recurrence(
    decoder: Decoder,
) -> None:
    assert decoder.fused
    assert decoder.reads_by == decoder.reads_own_by == "a fused recurrence"


@pytest.mark.parametrize("kind", [*OTHERS, Kind("bahdanau", "gru", layers=3)], ids=str)
def test_other_decoders_do_without(kind: Kind) -> None:
    at_once = kind.decoder == "luong" and not (kind.feeding or dict(kind.attention).get("coverage"))
    wanted = "one call over the whole target" if at_once else "the plain loop"
    model = kind.build()
    assert model.reads_by == wanted
    assert model.reads_own_by == "the plain loop"


class Doubled(ProductScore):
    """Other keys, the same product."""

    def project(self, states: Tensor) -> Tensor:
        return 2 * states


class Squared(ProductScore):
    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        return super().forward(query, keys) ** 2


class Halved(AdditiveScore):
    def forward(self, query: Tensor, keys: Tensor, coverage: Tensor | None = None) -> Tensor:
        return super().forward(query, keys, coverage) / 2


class Cooled(Softmax):
    def normalize(self, scores: Tensor) -> Tensor:
        return super().normalize(2 * scores)


class Shifted(Monotonic):
    def forward(self, query: Tensor, positions: Tensor, lengths: Tensor, *, source: int) -> Window:
        return super().forward(query, positions + 1, lengths, source=source)


class Bounded(SingleHead):
    pass


@pytest.mark.parametrize(
    ("score", "fused"), [(Doubled, True), (AdditiveScore, True), (Squared, False), (Halved, False)]
)
def test_a_new_score_is_fused_if_only_its_keys_are_new(score: type[Score], fused: bool) -> None:
    attention = SingleHead(AttentionConfig(), query=4, memory=6)
    attention.score = score(AttentionConfig(), query=4, memory=6)
    assert supports(attention) == fused


def test_a_class_with_unknown_gradients_is_not_fused() -> None:
    attention = SingleHead(AttentionConfig(), query=4, memory=6)
    attention.normalizer = Cooled(AttentionConfig())
    assert not supports(attention)
    attention = SingleHead(AttentionConfig(), query=4, memory=6)
    attention.scope = Shifted(AttentionConfig(), query=4)
    assert not supports(attention)
    assert not supports(Bounded(AttentionConfig(), query=4, memory=6))


def test_an_attention_whose_query_is_more_than_the_state_is_not_fused() -> None:
    rotary = SingleHead(AttentionConfig(), query=4, memory=6, rotary=True)
    assert not supports(rotary)
    with_words = SingleHead(AttentionConfig(), query=4, memory=6)
    assert supports(with_words)
    with_words.score.reads_words = True
    assert not supports(with_words)


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
    parameters = list(decoder.parameters())

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


def test_a_second_backward_pass_gives_the_same(decoder: Decoder) -> None:
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
        gradients.append([gradient for gradient in found if gradient is not None])
    for coarse, exact in zip(*gradients, strict=True):
        assert coarse.dtype == torch.float32
        assert (coarse - exact).norm() <= 0.05 * exact.norm() + 1e-3


def test_nothing_is_kept_where_no_gradient_is_needed(decoder: Decoder) -> None:
    embedded, *rest = inputs(decoder)
    with torch.no_grad():
        reading = decoder.read_fused(embedded, remembered(*rest))
    assert reading.readouts.grad_fn is None
    assert reading.attention.grad_fn is None


@pytest.mark.parametrize("kind", FUSED, ids=str)
def test_a_whole_model_learns_the_same_with_and_without(kind: Kind) -> None:
    """Through keys and values, too: the temperature of cosine, the projections of qkv."""
    torch.manual_seed(5)
    model: Any = kind.build().double()
    source, target = ids(SOURCES), ids(TARGETS)
    parameters = dict(model.named_parameters())
    found = model(source, source != PAD, target)
    model.decoder.fused = False
    wanted = model(source, source != PAD, target)
    torch.testing.assert_close(found.readouts, wanted.readouts)
    both = (
        torch.autograd.grad(weighted(reading), list(parameters.values()), allow_unused=True)
        for reading in (found, wanted)
    )
    for name, one, other in zip(parameters, *both, strict=True):
        assert (one is None) == (other is None), name
        if one is not None:
            torch.testing.assert_close(one, other, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize("normalizer", sorted(NORMALIZERS))
def test_a_sentence_of_padding_alone_is_ignored_and_harmless(normalizer: str) -> None:
    decoder: Any = Kind(attention=(("normalizer", normalizer),)).build().double().decoder
    embedded, *rest = inputs(decoder)
    memory = remembered(*rest)
    memory.mask[1] = False
    reading = decoder.read_fused(embedded, memory)
    assert (reading.attention[1] == 0).all()
    found = torch.autograd.grad(weighted(reading), [embedded, *rest])
    assert all(gradient.isfinite().all() for gradient in found)


@pytest.mark.parametrize("kind", FUSED, ids=str)
def test_its_own_words_teach_a_model_the_same_with_and_without(kind: Kind) -> None:
    model: Any = kind.build(dropout=0.3).train()
    source, target = ids(SOURCES), ids(TARGETS)
    forced = torch.arange(target.numel()).view_as(target) % 3 == 1
    readings = []
    for fused in (True, False):
        model.decoder.fused = fused
        torch.manual_seed(7)
        reading = model(source, source != PAD, target, forced)
        gradients = torch.autograd.grad(
            weighted(reading), list(model.parameters()), allow_unused=True
        )
        readings.append((reading, gradients))
    (found, found_gradients), (wanted, wanted_gradients) = readings
    torch.testing.assert_close(found.readouts, wanted.readouts)
    torch.testing.assert_close(found.attention, wanted.attention)
    names = dict(model.named_parameters())
    for name, one, other in zip(names, found_gradients, wanted_gradients, strict=True):
        assert (one is None) == (other is None), name
        if one is not None:
            torch.testing.assert_close(one, other, msg=lambda text, name=name: f"{name}: {text}")
