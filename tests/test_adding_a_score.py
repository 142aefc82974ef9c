"""The example of docs/adding-a-score.md, applied, passes every test that scores have to pass."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import test_scores
from nmt.config import AttentionConfig, ModelConfig
from nmt.models import Vocabularies, build_model
from nmt.models.attention import scores
from nmt.models.attention import scores as registry
from nmt.workflows.explain import explain
from support import attention_pieces

DOCS = (Path(__file__).parents[1] / "docs/adding-a-score.md").read_text(encoding="utf-8")
CODE = [
    "\n".join(line[1:] for line in diff.splitlines() if re.match(r"\+(?!\+\+)", line))
    for diff in re.findall(r"```diff\n(.*?)```", DOCS, flags=re.DOTALL)
]
CHECKS = [
    check
    for name, check in inspect.getmembers(test_scores, inspect.isfunction)
    if name.startswith("test_") and list(inspect.signature(check).parameters) == ["name"]
]
OF_ALL = [check for check in CHECKS if not getattr(check, "pytestmark", [])]


@pytest.fixture(autouse=True)
def _distance(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Apply both diffs, and revert them afterwards."""
    klass, formula = CODE
    monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    module = inspect.getmodule(registry["dot"])
    exec(compile(klass, module.__file__, "exec"), vars(module))
    written, _, entry = formula.partition('    "distance"')
    exec(compile(written, "attention_pieces.py", "exec"), vars(attention_pieces))
    assert entry == ": distance,"
    monkeypatch.setitem(attention_pieces.SCORES, "distance", attention_pieces.distance)
    yield
    del module.DistanceScore, attention_pieces.distance


@pytest.mark.parametrize("check", OF_ALL, ids=lambda check: check.__name__)
def test_the_tests_of_all_scores_hold(check) -> None:
    check("distance")


def test_the_tests_exist() -> None:
    assert test_scores.test_a_score_is_the_formula_of_its_paper in OF_ALL
    assert len(OF_ALL) >= 2


def test_a_wrong_formula_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(attention_pieces.SCORES, "distance", attention_pieces.dot)
    with pytest.raises((AssertionError, ValueError)):
        test_scores.test_a_score_is_the_formula_of_its_paper("distance")


def test_it_is_explained() -> None:
    (found,) = explain("distance")
    assert found.config == "model.attention.score: distance"
    assert [parameter.name for parameter in found.parameters] == ["W.weight"]


@pytest.mark.parametrize("heads", [1, 4])
@pytest.mark.parametrize("decoder", ["luong", "bahdanau"])
def test_a_model_trains_with_it(decoder: str, heads: int) -> None:
    attention = AttentionConfig(score="distance", heads=heads, size=8)
    config = ModelConfig(embedding_size=6, attention=attention)
    config = config.model_copy(
        update={"decoder": config.decoder.model_copy(update={"kind": decoder, "size": 8})}
    )
    model = build_model(config, Vocabularies(17, 17))
    source = torch.randint(4, 17, (2, 5))
    reading = model(source, source != 0, torch.randint(4, 17, (2, 3)))
    reading.readouts.sum().backward()
    assert reading.attention.shape == (2, 3, 5)
    weights = [p for name, p in model.named_parameters() if name.endswith("score.W.weight")]
    assert weights[0].grad is not None
    assert "distance" in scores
