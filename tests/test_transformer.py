from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nmt.config import AttentionConfig, DecoderConfig, EncoderConfig, ModelConfig
from nmt.data.tokenizers.base import BOS, EOS, PAD, Vocabularies
from nmt.decoding.beam import beam_search
from nmt.decoding.torch_engine import TorchEngine
from nmt.errors import ConfigError, DataError
from nmt.models import Seq2Seq, build_model
from nmt.models.contract import Memory
from nmt.models.decoders import Decoder, decoders
from nmt.models.devices import Compute
from support.tiny_models import SOURCES, TARGETS, VOCABULARIES, ids

Model = Seq2Seq

# sizes all different, so that no transposed axis can pass
BATCH, TARGET, SOURCE, SIZE, HIDDEN, LAYERS = 3, 6, 5, 8, 11, 2
MEMORY = 10  # width of an encoder state that is not as wide as a word
LENGTHS = [5, 2, 4]


def config_of(decoder: DecoderConfig, attention: AttentionConfig) -> ModelConfig:
    return ModelConfig(embedding_size=SIZE, decoder=decoder, attention=attention, dropout=0.0)


def decoder_of(
    *, memory: int = SIZE, layers: int = LAYERS, attention: Any = None, **own: Any
) -> Decoder:
    options = {"heads": 4, "feed_forward": HIDDEN, **own}
    config = DecoderConfig(kind="transformer", size=SIZE, layers=layers, self_attention=options)
    looks = AttentionConfig(**{"score": "scaled_dot", "heads": 2, **(attention or {})})
    decoder = decoders["transformer"](config_of(config, looks), memory=memory)
    with torch.no_grad():  # new parameters are so similar that errors could hide
        for parameter in decoder.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return decoder.double().eval()


def remember(decoder: Decoder, *, memory: int = SIZE) -> Memory:
    states = torch.randn(BATCH, SOURCE, memory).double()
    mask = torch.arange(SOURCE) < torch.tensor(LENGTHS).unsqueeze(1)
    summary = states[:, 0]
    keys, values = decoder.prepare(states, summary)
    return Memory(values, keys, mask, summary)


@pytest.fixture
def embedded() -> Tensor:
    return torch.randn(BATCH, TARGET, SIZE, dtype=torch.double)


def read_by_steps(decoder: Decoder, embedded: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
    state = decoder.start(memory)
    readouts, attention = [], []
    for word in embedded.unbind(dim=1):
        new = decoder.advance(word, state, memory)
        state = new.state
        readouts.append(new.readout)
        attention.append(new.attention)
    return torch.stack(readouts, dim=1), torch.stack(attention, dim=1)


# Independent truth: torch's own layers


def as_torch(decoder: Decoder, *, pre: bool) -> nn.TransformerDecoder:
    """torch's decoder with the same weights."""
    layer = nn.TransformerDecoderLayer(
        SIZE, 2, HIDDEN, 0.0, batch_first=True, norm_first=pre, dtype=torch.double
    )
    norm = nn.LayerNorm(SIZE, dtype=torch.double) if pre else None
    theirs = nn.TransformerDecoder(layer, LAYERS, norm)
    names = {
        "norm1": "self_attention.norm",
        "norm2": "cross_attention.norm",
        "norm3": "feed_forward.norm",
    }
    names |= {"linear1": "feed_forward.inner", "linear2": "feed_forward.outer"}
    looks = {"self_attn": "self_attention", "multihead_attn": "cross_attention"}
    names |= {f"{there}.out_proj": f"{here}.attention.output" for there, here in looks.items()}
    for (number, own), part in product(enumerate(theirs.layers), ("weight", "bias")):
        for there, here in names.items():
            mine = decoder.get_parameter(f"layers.{number}.{here}.{part}")
            own.get_parameter(f"{there}.{part}").data.copy_(mine)
        for there, here in looks.items():
            mine = [
                decoder.get_parameter(f"layers.{number}.{here}.attention.{name}.{part}")
                for name in ("query", "key", "value")
            ]
            own.get_parameter(f"{there}.in_proj_{part}").data.copy_(torch.cat(mine))
    if norm is not None:
        theirs.norm.load_state_dict(decoder.get_submodule("norm").state_dict())
    return theirs.eval()


@torch.no_grad()
@pytest.mark.parametrize("norm", ["pre", "post"])
def test_readouts_are_those_of_torchs_own_layers(norm: str, embedded: Tensor) -> None:
    decoder = decoder_of(norm=norm, positions="none", heads=2)
    states = torch.randn(BATCH, SOURCE, SIZE).double()
    mask = torch.arange(SOURCE) < torch.tensor(LENGTHS).unsqueeze(1)
    keys, values = decoder.prepare(states, states[:, 0])
    found = decoder(embedded, Memory(values, keys, mask, states[:, 0]))
    causal = torch.ones(TARGET, TARGET, dtype=torch.bool).triu(1)
    theirs = as_torch(decoder, pre=norm == "pre")
    wanted = theirs(embedded, states, tgt_mask=causal, memory_key_padding_mask=~mask)
    torch.testing.assert_close(found.readouts, wanted)


# What holds for every norm, position and attention

OPTIONS: list[dict[str, Any]] = [
    *({"norm": norm, "positions": positions}
      for norm, positions in product(
          ("pre", "post", "none"), ("sinusoidal", "learned", "rotary", "none"))),
    *({"attention": attention} for attention in [
        {"score": "dot", "heads": 1}, {"score": "general", "heads": 1},
        {"score": "additive", "heads": 4}, {"score": "concat", "heads": 1, "size": 3},
        {"score": "cosine"}, {"score": "qkv", "heads": 1, "size": 3}, {"score": "qkv"},
        {"score": "location", "heads": 1, "max_positions": 7}, {"score": "none", "heads": 1},
        {"scope": "local-m", "window": 1}, {"scope": "local-p", "window": 1},
        {"normalizer": "sparsemax"}, {"normalizer": "relu"}, {"selection": "gumbel"},
        {"selection": "reinforce"}, {"size": 12}]),
    {"score": "additive", "heads": 1}, {"score": "qkv"}, {"normalizer": "entmax15"},
    {"residual": False}, {"feed_forward": 0}, {"selection": "gumbel"},
]  # fmt: skip


def named(options: dict[str, Any]) -> str:
    values = options.get("attention", options).values()
    return "-".join(map(str, [*("across" for _ in options if "attention" in options), *values]))


@pytest.fixture(params=OPTIONS, ids=named)
def decoder(request: pytest.FixtureRequest) -> Decoder:
    return decoder_of(**request.param)


@torch.no_grad()
def test_reading_at_once_equals_reading_step_by_step(decoder: Decoder, embedded: Tensor) -> None:
    memory = remember(decoder)
    reading = decoder(embedded, memory)
    readouts, attention = read_by_steps(decoder, embedded, memory)
    assert reading.readouts.shape == (BATCH, TARGET, SIZE)
    assert reading.attention.shape == (BATCH, TARGET, SOURCE)
    assert reading.draw_log_probs is None
    torch.testing.assert_close(reading.readouts, readouts)
    torch.testing.assert_close(reading.attention, attention)


@torch.no_grad()
def test_a_later_word_changes_no_earlier_readout(decoder: Decoder, embedded: Tensor) -> None:
    memory = remember(decoder)
    other = embedded.clone()
    other[:, 3] = -embedded[:, 3]
    before, after = (decoder(words, memory) for words in (embedded, other))
    torch.testing.assert_close(before.readouts[:, :3], after.readouts[:, :3])
    torch.testing.assert_close(before.attention[:, :3], after.attention[:, :3])
    for position in range(3, TARGET):
        assert not torch.allclose(before.readouts[:, position], after.readouts[:, position])


@torch.no_grad()
def test_beams_share_what_was_encoded_once(decoder: Decoder, embedded: Tensor) -> None:
    """Two rows per sentence give the same results as with a memory for each row."""
    memory = remember(decoder)
    start = decoder.advance(embedded[:, 0], decoder.start(memory), memory)
    twice = torch.tensor([0, 0, 1, 1, 2, 2])
    crossed = torch.tensor([1, 0, 2, 3, 5, 4])
    shared, own = start.state.select(twice), start.state.select(twice)
    apart = memory.select(twice)
    for words in torch.randn(3, 2 * BATCH, SIZE).double():
        found = decoder.advance(words, shared, memory)
        wanted = decoder.advance(words, own, apart)
        torch.testing.assert_close(found.readout, wanted.readout)
        torch.testing.assert_close(found.attention, wanted.attention)
        shared, own = found.state.select(crossed), wanted.state.select(crossed)


@torch.no_grad()
def test_padding_and_the_order_of_a_batch_do_not_matter(decoder: Decoder, embedded: Tensor) -> None:
    memory = remember(decoder)
    reading = decoder(embedded, memory)
    order = torch.tensor([2, 0, 1])
    again = decoder(embedded[order], memory.select(order))
    torch.testing.assert_close(again.readouts, reading.readouts[order])
    torch.testing.assert_close(again.attention, reading.attention[order])
    for n, length in enumerate(LENGTHS):
        own = memory.select(torch.tensor([n]))
        width = min(length, own.values.size(1))  # without attention there is one value
        short = Memory(
            own.values[:, :width], own.keys[:, :length], own.mask[:, :length], own.summary
        )
        alone = decoder(embedded[n : n + 1, :4], short)
        torch.testing.assert_close(alone.readouts[0], reading.readouts[n, :4])
        torch.testing.assert_close(alone.attention[0], reading.attention[n, :4, :length])
        assert (reading.attention[n, :, length:] == 0).all()


def test_the_gradient_reaches_every_word_and_stays_finite(
    decoder: Decoder, embedded: Tensor
) -> None:
    embedded.requires_grad_()
    reading = decoder.train()(embedded, remember(decoder))
    (reading.readouts * torch.randn_like(reading.readouts)).sum().backward()
    assert embedded.grad is not None
    assert (embedded.grad != 0).any(-1).all()
    assert all(torch.isfinite(p.grad).all() for p in decoder.parameters() if p.grad is not None)


@torch.no_grad()
def test_a_memory_of_another_width_is_projected(embedded: Tensor) -> None:
    for attention in ({}, {"score": "general", "heads": 1}, {"score": "none", "heads": 1}):
        decoder = decoder_of(memory=MEMORY, attention=attention)
        memory = remember(decoder, memory=MEMORY)
        reading = decoder(embedded, memory)
        torch.testing.assert_close(reading.readouts, read_by_steps(decoder, embedded, memory)[0])


@torch.no_grad()
def test_maps_are_named_by_layer_and_head(embedded: Tensor) -> None:
    decoder = decoder_of()
    memory = remember(decoder)
    maps = decoder.maps(embedded, memory)
    across = [f"decoder layer {n} head {h}" for n in (1, 2) for h in (1, 2)]
    back = [f"decoder layer {n} head {h} self" for n in (1, 2) for h in (1, 2, 3, 4)]
    assert list(maps) == across + back
    for name in across:
        assert maps[name].shape == (BATCH, TARGET, SOURCE)
        assert (maps[name].transpose(1, 2)[~memory.mask] == 0).all()
    for name in back:
        assert maps[name].shape == (BATCH, TARGET, TARGET)
        assert (maps[name].triu(1) == 0).all()
        torch.testing.assert_close(maps[name].sum(dim=-1), torch.ones(BATCH, TARGET).double())
    last = torch.stack([maps[f"decoder layer 2 head {head}"] for head in (1, 2)])
    torch.testing.assert_close(decoder(embedded, memory).attention, last.mean(dim=0))
    assert not torch.allclose(last[0], last[1])


@torch.no_grad()
def test_without_attention_there_are_no_maps_of_it(embedded: Tensor) -> None:
    decoder = decoder_of(attention={"score": "none", "heads": 1}, layers=1)
    maps = decoder.maps(embedded, remember(decoder))
    assert list(maps) == [f"decoder layer 1 head {head} self" for head in (1, 2, 3, 4)]


@torch.no_grad()
def test_the_query_of_location_is_the_word_itself(embedded: Tensor) -> None:
    decoder = decoder_of(attention={"score": "location", "heads": 1, "max_positions": 7})
    words: list[Tensor] = []
    for layer in decoder.get_submodule("layers"):
        layer.cross_attention.attention.register_forward_pre_hook(
            lambda module, arguments: words.append(arguments[0].words)
        )
    decoder(embedded, remember(decoder))
    assert len(words) == LAYERS
    assert all(torch.equal(seen, embedded) for seen in words)


def test_the_log_probability_of_hard_attention_is_summed_over_layers_and_heads(
    embedded: Tensor,
) -> None:
    decoder = decoder_of(attention={"selection": "reinforce"}).train()
    memory = remember(decoder)
    across: list[Tensor] = []
    for layer in decoder.get_submodule("layers"):
        layer.cross_attention.attention.register_forward_hook(
            lambda module, asked, found: across.append(found.draw_log_probs)
        )
    reading = decoder(embedded, memory)
    assert reading.draw_log_probs is not None
    assert len(across) == LAYERS
    torch.testing.assert_close(reading.draw_log_probs, across[0] + across[1])
    step = decoder.advance(embedded[:, 0], decoder.start(memory), memory)
    assert step.draw_log_probs is not None
    assert step.draw_log_probs.shape == (BATCH,)
    assert (step.draw_log_probs <= 0).all()


# Whole models


def model_of(
    size: int = SIZE, words: int = 0, *, dropout: float = 0.0, attention: Any = None, **own: Any
) -> Model:
    options = {"heads": 2, "feed_forward": 2 * size, **own}
    config = ModelConfig(
        embedding_size=size,
        encoder=EncoderConfig(kind="self_attention", size=size, layers=2, self_attention=options),
        decoder=DecoderConfig(kind="transformer", size=size, layers=2, self_attention=options),
        attention=AttentionConfig(**{"score": "scaled_dot", "heads": 2, **(attention or {})}),
        dropout=dropout,
    )
    return build_model(config, Vocabularies(words, words) if words else VOCABULARIES)


@torch.no_grad()
def test_a_model_returns_all_its_maps() -> None:
    model = model_of().eval()
    source, target = ids(SOURCES), ids(TARGETS)
    maps = model.maps(source, source != PAD, target)
    assert [name for name in maps if name.startswith("encoder")] == [
        f"encoder layer {n} head {h}" for n in (1, 2) for h in (1, 2)
    ]
    assert {tuple(maps[name].shape) for name in maps if name.startswith("encoder")} == {(3, 5, 5)}
    attention = model(source, source != PAD, target).attention
    heads = [maps[f"decoder layer 2 head {head}"] for head in (1, 2)]
    torch.testing.assert_close(torch.stack(heads).mean(dim=0), attention)


@torch.no_grad()
def test_its_output_is_compared_with_embeddings() -> None:
    model = model_of()
    source, target = ids(SOURCES), ids(TARGETS)
    assert model.vocabulary.weight is model.get_parameter("target_embedding.weight")
    assert not list(model.get_submodule("narrow").parameters())
    assert model(source, source != PAD, target).readouts.shape == (3, 6, SIZE)
    assert model.reads_by == "one call over the whole target"


@torch.no_grad()
def test_the_query_has_read_the_previous_word() -> None:
    model = model_of().eval()
    assert model.attends_from == "s_t"
    source, target = ids(SOURCES), ids(TARGETS)
    other = target.clone()
    other[:, 2] = 12
    before, after = (model(source, source != PAD, words).attention for words in (target, other))
    torch.testing.assert_close(before[:, :2], after[:, :2])
    assert not torch.allclose(before[:, 2], after[:, 2])


@pytest.mark.parametrize("positions", ["sinusoidal", "learned", "rotary"])
def test_it_is_searched_in_bfloat16(positions: str) -> None:
    engine = TorchEngine(model_of(positions=positions), Compute(torch.device("cpu"), bfloat16=True))
    found = beam_search(engine, ids(SOURCES).numpy(), size=3, max_lengths=np.array([7, 4, 9]))
    assert all(np.isfinite(best.score) for (best,) in found)


@torch.no_grad()
def test_a_source_longer_than_the_learned_positions_is_refused() -> None:
    model = model_of(positions="learned", max_positions=4)
    source = ids(SOURCES)
    with pytest.raises(DataError, match="a sentence of 5 pieces, but self_attention.max_positions"):
        model.encode(source, source != PAD)


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["pre", "post"])
def test_it_learns_to_write_words_in_reverse(norm: str) -> None:
    torch.manual_seed(1)
    model = model_of(32, 16, norm=norm, heads=4, attention={"heads": 4})
    optimizer = torch.optim.Adam(model.parameters(), betas=(0.9, 0.98), fused=True)
    accuracy = 0.0
    for step in range(1, 401):
        source = torch.randint(4, 16, (64, 7))
        target_in = torch.cat([torch.full((64, 1), BOS), source.flip(1)], dim=1)
        gold = torch.cat([source.flip(1), torch.full((64, 1), EOS)], dim=1)
        optimizer.param_groups[0]["lr"] = 3e-3 * min(step / 60, (60 / step) ** 0.5)
        logits = model.vocabulary(model(source, source != PAD, target_in).readouts)
        nn.functional.cross_entropy(logits.flatten(0, 1), gold.flatten()).backward()
        optimizer.step()
        optimizer.zero_grad()
        accuracy = (logits.argmax(dim=-1) == gold).double().mean().item()
        if accuracy > 0.97:
            break
    assert accuracy > 0.97


# Impossible settings

WHERE = "model.decoder.self_attention"
BAD: list[tuple[dict[str, Any], str]] = [
    ({"scope": "local-m"}, f"{WHERE}.scope is 'local-m', but there is no local attention within "),
    ({"score": "none"}, f"{WHERE}.score is 'none', but nothing would attend"),
    ({"heads": 3}, f"{WHERE}: heads is 3, which does not divide the 8 that they share"),
    ({"heads": 8, "positions": "rotary"}, f"{WHERE}.positions is 'rotary', which turns pairs of "),
    ({"selection": "reinforce"}, f"{WHERE}.selection is 'reinforce', but what a position draws"),
    ({"attention": {"heads": 3}}, "model.attention: heads is 3, which does not divide the 8"),
    ({"attention": {"score": "additive", "coverage": True}}, "model.attention.coverage is true, "
     "but a transformer decoder reads all positions at once, none after another: set it to "
     "false, or take decoder luong, bahdanau or conditional"),
    ({"attention": {"score": "dot", "heads": 1}, "memory": 10}, "model.attention: score 'dot' "
     "compares a decoder state of 8 with encoder states of 10"),
    ({"attention": {"score": "location"}}, "model.attention: score 'location' has no heads"),
]  # fmt: skip


@pytest.mark.parametrize(("own", "said"), BAD, ids=[str(list(own.values())) for own, _ in BAD])
def test_impossible_settings_are_refused_in_one_line(own: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        decoder_of(**own)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_states_are_as_wide_as_words() -> None:
    config = DecoderConfig(kind="transformer", size=7)
    with pytest.raises(ConfigError) as caught:
        decoders["transformer"](config_of(config, AttentionConfig()), memory=SIZE)
    assert str(caught.value) == (
        "model.decoder.size is 7, but model.embedding_size is 8, and the states of a transformer "
        "decoder are as wide as its words: set model.decoder.size to 8"
    )
