from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nmt.config import AttentionConfig, DecoderConfig, EncoderConfig, ModelConfig
from nmt.data.tokenizers.base import PAD
from nmt.errors import ConfigError
from nmt.models import build_model
from nmt.models.attention import MultiHead, normalizers, scores
from nmt.models.encoders import Encoder, SelfAttentionEncoder, encoders
from support.tiny_models import SOURCES, TARGETS, VOCABULARIES, ids

# sizes all different, so that no transposed axis can pass
BATCH, SOURCE, SIZE, HIDDEN, HEADS, LAYERS = 3, 5, 8, 11, 2, 2
LENGTHS = [5, 2, 4]
PLAIN = {
    "heads": 1, "feed_forward": 0, "norm": "none", "residual": False, "positions": "none",
}  # fmt: skip


def model_of(encoder: EncoderConfig, *, width: int = SIZE, dropout: float = 0.0) -> ModelConfig:
    return ModelConfig(embedding_size=width, encoder=encoder, dropout=dropout)


def encoder_of(*, width: int = SIZE, layers: int = LAYERS, **own: Any) -> Encoder:
    options = {"heads": HEADS, "feed_forward": HIDDEN, **own}
    config = EncoderConfig(kind="self_attention", size=width, layers=layers, self_attention=options)
    encoder = encoders["self_attention"](model_of(config, width=width))
    return encoder.double().eval()


@pytest.fixture
def embedded() -> Tensor:
    return torch.randn(BATCH, SOURCE, SIZE, dtype=torch.double)


@pytest.fixture
def mask() -> Tensor:
    return torch.arange(SOURCE) < torch.tensor(LENGTHS).unsqueeze(1)


# The numbers and formulas of the documents


def test_one_layer_of_dot_products_gives_the_numbers_computed_by_hand() -> None:
    X = torch.tensor([[[1.0, 2, 1, 2, 1], [1, 1, 1, 2, 1], [3, 2, 1, 1, 1]]]).double()
    encoder = encoder_of(width=5, layers=1, score="dot", **PLAIN)
    everywhere = torch.ones(1, 3, dtype=torch.bool)
    states, summary = encoder(X, everywhere)
    weights = encoder.maps(X, everywhere)["encoder layer 1 head 1"]
    scores = torch.tensor([[11.0, 9, 11], [9, 8, 9], [11, 9, 16]]).double()
    rows = torch.tensor([[0.468, 0.064, 0.468], [0.422, 0.156, 0.422], [0.0067, 0.0009, 0.992]])
    found = torch.tensor(
        [[1.94, 1.94, 1, 1.53, 1], [1.84, 1.84, 1, 1.58, 1], [2.98, 2, 1, 1.01, 1]]
    )
    torch.testing.assert_close(weights[0], scores.softmax(dim=-1))
    torch.testing.assert_close(weights[0], rows.double(), atol=5e-3, rtol=0)
    torch.testing.assert_close(states[0], found.double(), atol=1e-2, rtol=0)
    torch.testing.assert_close(summary[0], states[0].mean(dim=0))


def test_variant_3_is_softmax_of_x_times_x_transposed_times_x(
    embedded: Tensor, mask: Tensor
) -> None:
    states, _ = encoder_of(layers=1, score="dot", **PLAIN)(embedded, mask)
    for row, length, found in zip(embedded, LENGTHS, states, strict=True):
        X = row[:length]
        torch.testing.assert_close(found[:length], (X @ X.T).softmax(dim=-1) @ X)


def test_variant_4_compares_and_averages_projections(embedded: Tensor, mask: Tensor) -> None:
    encoder = encoder_of(layers=1, score="qkv", **PLAIN)
    W_q, W_k, W_v = (
        encoder.get_parameter(f"layers.0.self_attention.attention.score.W_{name}.weight")
        for name in "qkv"
    )
    states, _ = encoder(embedded, mask)
    for row, length, found in zip(embedded, LENGTHS, states, strict=True):
        X = row[:length]
        weights = ((X @ W_q.T) @ (X @ W_k.T).T / SIZE**0.5).softmax(dim=-1)
        torch.testing.assert_close(found[:length], weights @ (X @ W_v.T))


@torch.no_grad()
@pytest.mark.parametrize("score", ["dot", "qkv"])
def test_a_decoder_without_attention_sees_only_the_mean_of_its_states(score: str) -> None:
    config = ModelConfig(
        embedding_size=SIZE,
        encoder=EncoderConfig(
            kind="self_attention", size=SIZE, layers=1, self_attention={"score": score, **PLAIN}
        ),
        decoder=DecoderConfig(kind="luong", size=7),
        attention=AttentionConfig(score="none"),
        dropout=0.0,
    )
    model = build_model(config, VOCABULARIES).eval()
    source, target = ids(SOURCES), ids(TARGETS)
    reading = model(source, source != PAD, target)
    assert (reading.attention == 0).all()
    shuffled = source[:1, [3, 0, 4, 2, 1]]  # a sentence without positions is a set of words
    again = model(shuffled, shuffled != PAD, target[:1])
    torch.testing.assert_close(again.readouts[0], reading.readouts[0])
    assert not torch.allclose(reading.readouts[0], reading.readouts[1])


# Independent truth: torch's own layers


def as_torch(encoder: Encoder, *, pre: bool) -> nn.TransformerEncoder:
    """torch's encoder with the same weights."""
    layer = nn.TransformerEncoderLayer(
        SIZE, HEADS, HIDDEN, 0.0, batch_first=True, norm_first=pre, dtype=torch.double
    )
    norm = nn.LayerNorm(SIZE, dtype=torch.double) if pre else None
    theirs = nn.TransformerEncoder(layer, LAYERS, norm, enable_nested_tensor=False)
    names = {"norm1": "self_attention.norm", "norm2": "feed_forward.norm"}
    names |= {"linear1": "feed_forward.inner", "linear2": "feed_forward.outer"}
    names |= {"self_attn.out_proj": "self_attention.attention.output"}
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.copy_(torch.randn_like(parameter))
        for number, own in enumerate(theirs.layers):
            for (there, here), part in product(names.items(), ("weight", "bias")):
                mine = encoder.get_parameter(f"layers.{number}.{here}.{part}")
                own.get_parameter(f"{there}.{part}").copy_(mine)
            for part in ("weight", "bias"):
                mine = [
                    encoder.get_parameter(f"layers.{number}.self_attention.attention.{name}.{part}")
                    for name in ("query", "key", "value")
                ]
                own.get_parameter(f"self_attn.in_proj_{part}").copy_(torch.cat(mine))
        if norm is not None:
            theirs.norm.load_state_dict(encoder.get_submodule("norm").state_dict())
    return theirs.eval()


@torch.no_grad()
@pytest.mark.parametrize("norm", ["pre", "post"])
def test_states_are_those_of_torchs_own_layers(norm: str, embedded: Tensor, mask: Tensor) -> None:
    encoder = encoder_of(norm=norm, positions="none")
    theirs = as_torch(encoder, pre=norm == "pre")
    wanted = theirs(embedded, src_key_padding_mask=~mask)
    found, _ = encoder(embedded, mask)
    torch.testing.assert_close(found[mask], wanted[mask])


@torch.no_grad()
def test_weights_are_those_of_torchs_multihead_attention(embedded: Tensor, mask: Tensor) -> None:
    encoder = encoder_of(norm="post", positions="none")
    own = as_torch(encoder, pre=False).layers[0].self_attn
    options = {"key_padding_mask": ~mask, "average_attn_weights": False}
    _, wanted = own(embedded, embedded, embedded, **options)
    maps = encoder.maps(embedded, mask)
    for head in range(HEADS):
        found = maps[f"encoder layer 1 head {head + 1}"]
        torch.testing.assert_close(found, wanted[:, head])


# What holds for every score, normaliser and kind of positions

OPTIONS: list[dict[str, Any]] = [
    *({"score": name, "heads": heads, "norm": norm, "positions": positions}
      for name, (heads, norm, positions) in product(
          (name for name in scores if not scores[name].reads_words),
          [(1, "post", "sinusoidal"), (2, "pre", "learned"), (4, "none", "none")])),
    *({"score": name, "positions": "rotary"} for name in ("dot", "scaled_dot", "cosine")),
    *({"normalizer": name} for name in normalizers),
    {"selection": "gumbel"}, {"residual": False}, {"feed_forward": 0}, {"temperature": 0.3},
    {"normalizer": "weighted_softmax", "position_weights": True},
]  # fmt: skip


@pytest.fixture(params=OPTIONS, ids=lambda options: "-".join(map(str, options.values())))
def encoder(request: pytest.FixtureRequest) -> Encoder:
    return encoder_of(**request.param)


@torch.no_grad()
def test_padding_does_not_change_a_sentence(
    encoder: Encoder, embedded: Tensor, mask: Tensor
) -> None:
    states, summary = encoder(embedded, mask)
    assert states.shape == (BATCH, SOURCE, SIZE)
    assert encoder.memory == SIZE
    for n, length in enumerate(LENGTHS):
        alone, own = encoder(embedded[n : n + 1, :length], mask[n : n + 1, :length])
        torch.testing.assert_close(alone[0], states[n, :length])
        torch.testing.assert_close(own[0], summary[n])
        torch.testing.assert_close(own[0], alone[0].mean(dim=0))


@torch.no_grad()
def test_the_order_of_a_batch_does_not_matter(
    encoder: Encoder, embedded: Tensor, mask: Tensor
) -> None:
    order = torch.tensor([2, 0, 1])
    states, summary = encoder(embedded, mask)
    again, own = encoder(embedded[order], mask[order])
    torch.testing.assert_close(again, states[order])
    torch.testing.assert_close(own, summary[order])


def test_the_gradient_reaches_every_word_and_parameter(
    encoder: Encoder, embedded: Tensor, mask: Tensor
) -> None:
    embedded.requires_grad_()
    states, summary = encoder.train()(embedded, mask)
    weights = torch.randn_like(states)
    ((states * weights)[mask].sum() + summary.sum()).backward()
    assert embedded.grad is not None
    assert (embedded.grad[mask] != 0).any(-1).all()
    assert (embedded.grad[~mask] == 0).all()
    assert all(torch.isfinite(p.grad).all() for p in encoder.parameters() if p.grad is not None)


@torch.no_grad()
def test_maps_are_named_by_layer_and_head(mask: Tensor, embedded: Tensor) -> None:
    maps = encoder_of(layers=3).maps(embedded, mask)
    assert list(maps) == [f"encoder layer {n} head {h}" for n in (1, 2, 3) for h in (1, 2)]
    for weights in maps.values():
        assert weights.shape == (BATCH, SOURCE, SOURCE)
        torch.testing.assert_close(weights.sum(dim=-1), torch.ones(BATCH, SOURCE).double())
        assert (weights.transpose(1, 2)[~mask] == 0).all()
    assert len({weights[0, 0, 0].item() for weights in maps.values()}) == 6


@torch.no_grad()
@pytest.mark.parametrize("positions", ["sinusoidal", "learned", "rotary", "none"])
def test_only_positions_tell_the_order_of_words(positions: str, embedded: Tensor) -> None:
    encoder = encoder_of(positions=positions)
    everywhere = torch.ones(BATCH, SOURCE, dtype=torch.bool)
    order = torch.tensor([3, 0, 4, 1, 2])
    states, _ = encoder(embedded, everywhere)
    again, _ = encoder(embedded[:, order], everywhere)
    assert torch.allclose(again, states[:, order]) == (positions == "none")


@torch.no_grad()
@pytest.mark.parametrize("score", ["dot", "scaled_dot", "cosine"])
def test_rotary_positions_encode_distances_only(score: str) -> None:
    """Words after masked padding are at other positions, at the same distances from each other."""
    encoder = encoder_of(positions="rotary", score=score)
    words = torch.randn(1, 4, SIZE).double()
    shifted = torch.cat([torch.randn(1, 3, SIZE).double(), words], dim=1)
    seen = torch.arange(7).unsqueeze(0) >= 3
    states, _ = encoder(words, torch.ones(1, 4, dtype=torch.bool))
    again, _ = encoder(shifted, seen)
    torch.testing.assert_close(again[:, 3:], states, atol=1e-5, rtol=1e-5)
    other = encoder_of(positions="sinusoidal", score=score)
    other.load_state_dict(encoder.state_dict())
    after = other(shifted, seen)[0][:, 3:]
    assert not torch.allclose(after, other(words, seen[:, 3:])[0], atol=1e-3)


@torch.no_grad()
def test_reading_in_parts_equals_reading_at_once(embedded: Tensor) -> None:
    for positions in ("rotary", "none"):
        encoder = encoder_of(positions=positions)
        assert isinstance(encoder, SelfAttentionEncoder)
        read = encoder.layers[0].self_attention
        causal = torch.ones(SOURCE, SOURCE, dtype=torch.bool).tril().expand(BATCH, -1, -1)
        places = torch.arange(SOURCE).expand(BATCH, -1)
        whole, _ = read(embedded, places, causal)
        first, cached = read(embedded[:, :2], places[:, :2], causal[:, :2, :2])
        rest, (keys, values) = read(embedded[:, 2:], places[:, 2:], causal[:, 2:], cached)
        torch.testing.assert_close(torch.cat([first, rest], dim=1), whole)
        assert keys.shape[:2] == values.shape[:2] == (BATCH, SOURCE)


def test_dropout_follows_each_sublayer(embedded: Tensor, mask: Tensor) -> None:
    own = {"heads": HEADS, "norm": "none", "positions": "none", "feed_forward": 0}
    config = EncoderConfig(kind="self_attention", size=SIZE, layers=1, self_attention=own)
    encoder = encoders["self_attention"](model_of(config, dropout=0.5)).double()
    calm = encoder.eval()(embedded, mask)[0] - embedded
    found = encoder.train()(embedded, mask)[0] - embedded
    dropped = found.abs() < 1e-9
    torch.testing.assert_close(found, torch.where(dropped, 0.0, 2 * calm))
    assert 0.3 < dropped.double().mean().item() < 0.7


def test_new_matrices_are_initialised_by_their_widths() -> None:
    """Uniformly, up to sqrt(6 / (inputs + outputs)): Glorot and Bengio (2010), equation 16."""
    encoder = encoder_of(layers=1)
    for name in ("feed_forward.inner", "feed_forward.outer", "self_attention.attention.query"):
        weight = encoder.get_parameter(f"layers.0.{name}.weight")
        most = weight.abs().max().item() / (6 / sum(weight.shape)) ** 0.5
        assert 0.8 < most <= 1
        assert (encoder.get_parameter(f"layers.0.{name}.bias") == 0).all()


def test_new_layers_keep_the_scale_of_their_states(embedded: Tensor, mask: Tensor) -> None:
    for norm in ("pre", "post"):
        states, _ = encoder_of(layers=6, norm=norm, positions="none")(embedded, mask)
        assert 0.7 < states[mask].std().item() < 1.4


# Impossible settings

WHERE = "model.encoder.self_attention"
BAD: list[tuple[dict[str, Any], str]] = [
    ({"scope": "local-m"}, "{where}.scope is 'local-m', but there is no local attention within "
     "one sequence: set scope to global"),
    ({"scope": "local-p"}, "{where}.scope is 'local-p', but there is no local"),
    ({"score": "none"}, "{where}.score is 'none', but nothing would attend: take another score"),
    ({"score": "location"}, "{where}.score is 'location', which asks by the last written word, "),
    ({"score": "additive", "coverage": True}, "{where}.coverage is true, but positions are read "),
    ({"selection": "reinforce"}, "{where}.selection is 'reinforce', but what a position draws"),
    ({"heads": 3}, "{where}: heads is 3, which does not divide the 8 that they share"),
    ({"heads": 8, "positions": "rotary"}, "{where}.positions is 'rotary', which turns pairs of "
     "numbers, but 8 of heads share 8, 1 each: make that even"),
    ({"score": "additive", "positions": "rotary"}, "{where}.positions is 'rotary', but score "
     "'additive' does not compare vectors as they are: take score dot, scaled_dot or cosine, or "),
    ({"score": "qkv", "heads": 1, "size": 6}, "{where}.size is 6, but the contexts of score "
     "'qkv' must be as wide as a state, 8: leave {where}.size out"),
    ({"score": "scaled_dott"}, "unknown attention score 'scaled_dott'; did you mean 'scaled_dot'"),
    ({"selection": "gumbel", "normalizer": "relu"}, "{where}: selection 'gumbel' draws from a "),
]  # fmt: skip


@pytest.mark.parametrize(("own", "said"), BAD, ids=[str(list(own.values())) for own, _ in BAD])
def test_impossible_settings_are_refused_in_one_line(own: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        encoder_of(**own)
    assert said.replace("{where}", WHERE) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_states_are_as_wide_as_words() -> None:
    config = EncoderConfig(kind="self_attention", size=7)
    with pytest.raises(ConfigError) as caught:
        encoders["self_attention"](model_of(config))
    assert str(caught.value) == (
        "model.encoder.size is 7, but model.embedding_size is 8, and the states of a "
        "self_attention encoder are as wide as its words: set model.encoder.size to 8"
    )


def test_a_size_for_all_heads_need_not_be_that_of_a_state(embedded: Tensor, mask: Tensor) -> None:
    encoder = encoder_of(heads=2, size=6)
    look = encoder.get_submodule("layers.0.self_attention.attention")
    assert isinstance(look, MultiHead)
    assert look.query.out_features == 6
    assert encoder(embedded, mask)[0].shape == (BATCH, SOURCE, SIZE)
