"""The references that speed is measured against compute what nmt computes."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from nmt.data.vocabulary import PAD
from nmt.models import build_model
from tiny_models import SOURCES, TARGETS, VOCABULARIES, Kind, ids

NAMES = {  # of the reference's parameters, in nmt
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
