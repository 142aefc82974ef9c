"""The reference search of the decoding benchmark gives the results of nmt's search."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from nmt.decoding.beam import beam_search
from nmt.decoding.torch_engine import TorchEngine
from nmt.models.devices import Compute
from support.tiny_models import SOURCES, Kind, ids

LONGEST = [9, 4, 7]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("tied", ["none", "target"])
def test_the_plain_search_finds_the_same(
    together: bool, tied: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    from plain_decoding import PlainTranslator

    sys.modules.pop("plain_decoding")
    kind = Kind()
    model = kind.build(tie_embeddings=tied)
    plain = PlainTranslator(model, kind.config(tie_embeddings=tied))
    engine = TorchEngine(model, Compute(torch.device("cpu"), bfloat16=False))
    for size in (1, 3):
        wanted = beam_search(engine, ids(SOURCES).numpy(), size=size, max_lengths=np.array(LONGEST))
        for row, longest, [best] in zip(SOURCES, LONGEST, wanted, strict=True):
            found = plain.beam(row, longest, size=size, penalty=1.0, together=together)
            assert found == best.ids
            if size == 1:
                assert plain.greedy(row, longest) == best.ids


def test_another_model_is_refused_as_a_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    from plain_decoding import PlainTranslator

    sys.modules.pop("plain_decoding")
    kind = Kind("bahdanau")
    with pytest.raises(SystemExit, match="the plain reference is Luong's"):
        PlainTranslator(kind.build(), kind.config())
