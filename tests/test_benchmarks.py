"""The references of the benchmarks compute the same functions as nmt."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from nmt.config import AttentionConfig, DecoderConfig, EncoderConfig, ModelConfig
from nmt.data.tokenizers.base import PAD, Vocabularies
from nmt.models import build_model
from support.tiny_models import SOURCES, TARGETS, VOCABULARIES, Kind, ids

NAMES = {  # the reference's parameter names, and nmt's
    "embedding.": "target_embedding.",
    "bridge.": "decoder.bridge.",
    "combine.": "decoder.combine.",
    "narrow.": "narrow.",
    "vocabulary.": "vocabulary.",
    "W.": "decoder.attention.score.W.",
    "U.": "decoder.attention.score.U.",
    "v.": "decoder.attention.score.v.",
    "score.": "decoder.attention.score.W.",
}


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    import plain

    yield plain
    sys.modules.pop("plain")


@pytest.fixture
def plain_transformer(plain: ModuleType) -> Iterator[ModuleType]:
    import plain_transformer

    yield plain_transformer
    sys.modules.pop("plain_transformer")


@pytest.mark.parametrize(
    ("kind", "reference"),
    [
        (Kind(), "PlainLuong"),
        (Kind(feeding=False), "PlainLuong"),
        (Kind("bahdanau", score="additive"), "PlainBahdanau"),
    ],
    ids=str,
)
@torch.no_grad()
def test_the_plain_reference_computes_the_same_function(
    plain: ModuleType, kind: Kind, reference: str
) -> None:
    config = kind.config(tie_embeddings="target")
    ours: Any = build_model(config, VOCABULARIES).eval()
    theirs = getattr(plain, reference)(config, VOCABULARIES.target).eval()
    for name, parameter in theirs.named_parameters():
        start = next((start for start in NAMES if name.startswith(start)), None)
        if start is not None:
            parameter.copy_(ours.get_parameter(name.replace(start, NAMES[start], 1)))
    stack, directions = ours.decoder.stack, ours.encoder.layers[0]
    fed = [] if stack.feed is None else [stack.feed.weight]
    theirs.cell.weight_ih.copy_(torch.cat([stack.layers.weight_ih_l0, *fed], dim=1))
    for part in ("weight_hh", "bias_ih", "bias_hh"):
        getattr(theirs.cell, part).copy_(getattr(stack.layers, f"{part}_l0"))
    for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        for end, direction in (("", directions.forwards), ("_reverse", directions.backwards)):
            own = getattr(direction.layers, f"{part}_l0")
            getattr(theirs.encoder, f"{part}_l0{end}").copy_(own)
    ours.source_embedding.weight[: VOCABULARIES.target] = ours.target_embedding.weight
    source, target = ids(SOURCES).clamp(max=VOCABULARIES.target - 1), ids(TARGETS)
    wanted = ours.vocabulary(ours(source, source != PAD, target).readouts)
    torch.testing.assert_close(theirs(source, target), wanted)


@torch.no_grad()
def test_the_plain_transformer_computes_the_same_function(plain_transformer: ModuleType) -> None:
    own = {"heads": 2, "feed_forward": 11}
    sizes = {"size": 8, "layers": 2, "self_attention": own}
    config = ModelConfig(
        embedding_size=8,
        encoder=EncoderConfig(kind="self_attention", **sizes),
        decoder=DecoderConfig(kind="transformer", **sizes),
        attention=AttentionConfig(score="scaled_dot", heads=2),
        tie_embeddings="all",
    )
    words = VOCABULARIES.target
    ours: Any = build_model(config, Vocabularies(words, words)).eval()
    theirs = plain_transformer.PlainTransformer(config, words).eval()
    for parameter in ours.parameters():  # new biases are zeros
        parameter.add_(0.1 * torch.randn_like(parameter))
    theirs.embedding.weight.copy_(ours.target_embedding.weight)
    theirs.vocabulary.bias.copy_(ours.vocabulary.bias)
    for side in ("encoder", "decoder"):
        mine, their = getattr(ours, side), getattr(theirs.transformer, side)
        their.norm.load_state_dict(mine.norm.state_dict())
        for own_layer, layer in zip(mine.layers, their.layers, strict=True):
            looks = (
                ["self_attention"] if side == "encoder" else ["self_attention", "cross_attention"]
            )
            for number, part in enumerate([*looks, "feed_forward"], start=1):
                norm = own_layer.get_submodule(part).norm
                layer.get_submodule(f"norm{number}").load_state_dict(norm.state_dict())
            for name, part in zip(("self_attn", "multihead_attn"), looks, strict=False):
                attention = own_layer.get_submodule(part).attention
                copy_heads(attention, layer.get_submodule(name))
            layer.linear1.load_state_dict(own_layer.feed_forward.inner.state_dict())
            layer.linear2.load_state_dict(own_layer.feed_forward.outer.state_dict())
    source, target = ids(SOURCES).clamp(max=words - 1), ids(TARGETS)
    wanted = ours.vocabulary(ours(source, source != PAD, target).readouts)
    torch.testing.assert_close(theirs(source, target), wanted, rtol=1e-4, atol=1e-5)


def copy_heads(attention: Any, theirs: Any) -> None:
    """Copy the projections of all heads into torch's module, which has them in one matrix."""
    own = (attention.query, attention.key, attention.value)
    theirs.in_proj_weight.copy_(torch.cat([part.weight for part in own]))
    theirs.in_proj_bias.copy_(torch.cat([part.bias for part in own]))
    theirs.out_proj.load_state_dict(attention.output.state_dict())


@pytest.fixture
def gpu_counts(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    import gpu_counts

    yield gpu_counts
    for name in ("gpu_counts", "made_up"):
        sys.modules.pop(name)


@pytest.mark.parametrize("model", ["Luong, input feeding", "Bahdanau, additive"])
def test_a_gpu_gets_one_copy_a_batch_and_one_a_position_and_is_waited_for_once_a_position(
    gpu_counts: ModuleType, model: str
) -> None:
    network = gpu_counts.model_on_meta(gpu_counts.MODELS[model])
    update = gpu_counts.update(network, 3)
    assert [event for event in update if event != "operation"] == ["sent", "read", "updated"]
    position = gpu_counts.search_position(network)
    assert [event for event in position if event != "operation"] == ["sent", "read"]
    assert len(update) > 100
    assert len(position) > 30


def test_the_fake_gpu_sees_every_way_to_read_from_it(gpu_counts: ModuleType) -> None:
    with gpu_counts.fake_gpu() as gpu:
        tensor = torch.ones(2, device="meta")
        gpu.events.clear()
        tensor.tolist()
        tensor.sum().item()
        bool(tensor[0] > 1)
        tensor.cpu()
        with torch.inference_mode():
            (tensor + 1).cpu()
    assert gpu.events == ["read", *["operation", "read"] * 2, "read", "operation", "read"]
