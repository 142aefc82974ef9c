"""Impossible configs are one line at `config validate`; every possible one builds and runs."""

import random
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, get_origin

import numpy as np
import pytest
import torch

from nmt.config import NO_ATTENTION, Config, DecodingConfig, load
from nmt.config.sections import Section, _kinds
from nmt.data.tokenizers.base import PAD, Vocabularies
from nmt.decoding.translator import most_pieces
from nmt.errors import ConfigError
from nmt.models import Seq2Seq, build_model
from nmt.models.attention import normalizers, scores
from nmt.models.attention.scopes import scopes
from nmt.models.attention.selection import selections
from nmt.models.cells import cells
from nmt.models.decoders import decoders
from nmt.models.encoders import encoders
from nmt.workflows.train.validate import check_model
from support.commands import Commands
from support.tiny_models import SOURCES, TARGETS, ids
from test_models import read_by_steps

BAD = """\
name: bad
data:
  corpus: phrasebook
model:
  embedding_size: 12
  encoder: {size: 6}
  decoder:
    size: 12
    self_attention:
      heads: 2
  attention:
    score: general
    heads: 1
training:
  epochs: 3
"""
SELF = "model.encoder={kind: self_attention, size: 12}"


def refused(folder: Path, *overrides: str) -> str:
    path = folder / "bad.yaml"
    path.write_text(BAD, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        check_model(load(path, overrides))
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("overrides", "key", "parts"),
    [
        (["model.attention.score=dot", "model.decoder.size=11"],
         "model.attention.score", ["11", "12", "general"]),
        (["model.attention.heads=5"], "model.attention.heads", ["5", "12", "divisor"]),
        (["model.attention.scope=local-m", "model.attention.score=location"],
         "model.attention.score", ["location", "local-m", "global"]),
        ([SELF, "model.encoder.self_attention={scope: local-m}"],
         "model.encoder.self_attention.scope", ["local-m", "global"]),
        ([SELF, "model.encoder.self_attention={heads: 5}"],
         "model.encoder.self_attention.heads", ["5", "12"]),
        ([SELF, "model.encoder.size=8"], "model.encoder.size", ["8", "12"]),
        ([SELF, "model.encoder.self_attention={score: location, heads: 1}"],
         "model.encoder.self_attention.score", ["location"]),
        (["model.decoder.kind=transformer", "model.decoder.size=10"],
         "model.decoder.size", ["10", "12"]),
        (["model.decoder.kind=transformer", "model.decoder.self_attention.heads=5"],
         "model.decoder.self_attention.heads", ["5", "12"]),
        (["model.attention.selection=gumbel", "model.attention.normalizer=relu"],
         "model.attention.selection", ["gumbel", "relu", "softmax"]),
        (["model.attention.selection=reinforce", "model.attention.scope=local-p"],
         "model.attention.selection", ["reinforce", "local-p", "global"]),
        ([SELF, "model.encoder.self_attention={selection: reinforce}"],
         "model.encoder.self_attention.selection", ["reinforce", "gumbel"]),
        (["model.attention.coverage=true"],
         "model.attention.coverage", ["general", "coverage", "additive"]),
        (["model.attention.position_weights=true"],
         "model.attention.position_weights", ["softmax", "weighted_softmax"]),
        (["model.attention.activation=relu"], "model.attention", ["general", "relu", "additive"]),
        (["model.attention.score=none", "model.attention.heads=2"],
         "model.attention.heads", ["2", "none", "1"]),
        (["model.attention.score=none", "model.attention.selection=gumbel"],
         "model.attention.selection", ["gumbel", "none", "soft"]),
        (["model.decoder.readout=maxout"], "model.decoder.readout", ["maxout", "luong"]),
        (["model.attention.score=none", "training.coverage_loss=0.5"],
         "training.coverage_loss", ["0.5", "none"]),
        (["training.teacher_forcing_end=0.5"],
         "training.teacher_forcing", ["0.5", "constant", "linear"]),
        (["training.epochs=null", "training.max_minutes=1", "training.schedule=cosine"],
         "training.schedule", ["cosine", "max_steps"]),
    ],
)  # fmt: skip
def test_an_impossible_config_is_one_line_with_key_values_and_fix(
    overrides: list[str], key: str, parts: list[str], tmp_path: Path
) -> None:
    message = refused(tmp_path, *overrides)
    found = re.match(r"(?:command line|bad\.yaml:\d+): ([\w.]+)", message)
    assert found, message
    assert found[1].startswith(key), message
    for part in parts:
        assert part in message, message


def test_the_line_is_that_of_the_key(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(BAD.replace("heads: 1", "heads: 5"), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        check_model(load(path))
    assert str(caught.value).startswith(f"{path}:13: model.attention.heads: heads is 5")


UNKNOWN = {
    "model.attention.score": ("addtive", "additive"),
    "model.attention.normalizer": ("sparsmax", "sparsemax"),
    "model.attention.scope": ("local_m", "local-m"),
    "model.attention.selection": ("gumble", "gumbel"),
    "model.encoder.kind": ("recurent", "recurrent"),
    "model.encoder.cell": ("lsmt", "lstm"),
    "model.encoder.self_attention.score": ("scaled-dot", "scaled_dot"),
    "model.decoder.kind": ("transfomer", "transformer"),
    "model.decoder.cell": ("gur", "gru"),
    "model.decoder.self_attention.normalizer": ("entmax", "entmax15"),
    "training.schedule": ("cosin", "cosine"),
    "training.teacher_forcing_schedule": ("inverse-sigmoid", "inverse_sigmoid"),
}


@pytest.mark.parametrize("key", UNKNOWN)
def test_an_unknown_name_of_any_registry_is_answered_with_the_nearest(
    key: str, tmp_path: Path
) -> None:
    wrong, near = UNKNOWN[key]
    message = refused(tmp_path, f"{key}={wrong}")
    assert message.startswith(f"command line: {key}: unknown ")
    assert f"'{wrong}'; did you mean '{near}'?" in message


LARGEST = 1_000_000_000


@pytest.mark.parametrize(
    "overrides",
    [
        [f"model.encoder.size={LARGEST}"],
        [f"model.decoder.size={LARGEST}"],
        [f"{key}={LARGEST}" for key in ("model.embedding_size", "model.encoder.size",
                                       "model.decoder.size", "model.attention.size")],
        [f"model.attention.heads={LARGEST}", f"model.decoder.size={LARGEST}"],
        ["model.encoder.kind=self_attention", f"model.encoder.size={LARGEST}",
         f"model.embedding_size={LARGEST}",
         f"model.encoder.self_attention={{heads: 1, feed_forward: {LARGEST}}}"],
    ],
)  # fmt: skip
def test_sizes_beyond_any_memory_are_one_line(overrides: list[str], tmp_path: Path) -> None:
    assert "does not fit into this machine's memory" in refused(tmp_path, *overrides)


# Each number at its limits


def numbers(section: type[Section], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every key that takes a number, with its field."""
    for name, field in section.model_fields.items():
        kinds = _kinds(field.annotation)
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, Section):
                yield from numbers(kind, f"{prefix}{name}.")
        numeric = kinds & {int, float} and str not in kinds
        if numeric and not any(get_origin(kind) is tuple for kind in kinds):
            yield f"{prefix}{name}", field


ENDS = ["1e300", "5e-324", str(2**63 - 1)]


@pytest.mark.parametrize("value", ENDS)
@pytest.mark.parametrize("key", [key for key, _ in numbers(Config)])
def test_a_number_at_its_limit_is_built_or_refused_in_one_line(
    key: str, value: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(BAD, encoding="utf-8")
    more = ["tokenizer.kind=word"] if "vectors" in key else []
    said = f"{key} memory"
    try:
        check_model(load(path, [f"{key}={value}", *more]))
    except ConfigError as error:
        said = str(error)
    assert said.isprintable()
    assert key.rpartition(".")[2] in said or "memory" in said


@pytest.mark.parametrize(
    ("key", "most"),
    [("decoding.beam_size", 1_000), ("decoding.max_length_factor", 100),
     ("decoding.length_penalty", 10), ("training.samples", 10_000)],
)  # fmt: skip
def test_settings_of_search_and_log_are_bounded(key: str, most: int, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(BAD, encoding="utf-8")
    load(path, [f"{key}={most}"])
    with pytest.raises(ConfigError, match=f"{key}: input should be less than or equal to {most}"):
        load(path, [f"{key}={most + 1}"])


def test_at_the_bounds_a_search_stays_finite() -> None:
    pieces = np.array([1, DecodingConfig().max_source_length])
    longest = most_pieces(pieces, DecodingConfig(max_length_factor=100))
    assert longest.tolist() == [110, 100_010]
    assert np.isfinite(float(longest[1]) ** 10.0)


def test_the_command_reports_it_in_one_line_with_status_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    found = Commands(tmp_path, monkeypatch, capsys)(
        "config", "validate", "02-dot", "model.decoder.size=100"
    )
    assert (found.status, found.out) == (2, "")
    assert found.err.count("\n") == 1
    assert re.match(r"nmt: \S+02-dot.yaml:\d+: model.attention.score: score 'dot'", found.err)


# Every combination is built and run, or refused

OPTIONS: dict[str, list[Any]] = {
    "decoder": list(decoders),
    "score": [*scores, NO_ATTENTION],
    "normalizer": list(normalizers),
    "scope": list(scopes),
    "selection": list(selections),
    "heads": [1, 2, 5],
    "coverage": [False, True],
    "encoder": list(encoders),
    "cell": list(cells),
    "feeding": [True, False],
    "layers": [1, 2],
    "position_weights": [False, True],
    "size": [None, 8],
    "own": [
        {},
        {"score": "qkv", "heads": 1, "norm": "none", "residual": False},
        {"score": "additive", "positions": "learned", "normalizer": "relu"},
        {"score": "dot", "positions": "rotary", "norm": "post", "heads": 2},
        {"score": "cosine", "selection": "gumbel", "feed_forward": 0},
        {"score": "concat", "normalizer": "sparsemax", "heads": 3},
    ],
}
VOCABULARIES = Vocabularies(17, 13)


def values_of(case: dict[str, Any]) -> dict[str, Any]:
    names = ("score", "normalizer", "scope", "selection", "heads", "coverage", "position_weights",
             "size")  # fmt: skip
    recurrent = case["encoder"] == "recurrent"
    own = {"heads": 2, "feed_forward": 10, **case["own"]}
    return {
        "embedding_size": 12,
        "dropout": 0.0,
        "encoder": {
            "kind": case["encoder"], "cell": case["cell"], "size": 6 if recurrent else 12,
            "layers": case["layers"], "self_attention": own,
        },
        "decoder": {
            "kind": case["decoder"], "cell": case["cell"], "size": 12, "layers": case["layers"],
            "input_feeding": case["feeding"], "self_attention": own,
        },
        "attention": {"window": 2, "max_positions": 9, **{name: case[name] for name in names}},
    }  # fmt: skip


def outcome(case: dict[str, Any], folder: Path) -> str:
    """`read`, or the message of `config validate`; any other error escapes, since it is a bug."""
    path = folder / "case.yaml"
    if not path.exists():
        path.write_text("name: case\ndata: {corpus: phrasebook}\n", encoding="utf-8")
    loaded = load(path, [f"model={values_of(case)}".replace("True", "true").replace(
        "False", "false").replace("None", "null")])  # fmt: skip
    try:
        check_model(loaded)
    except ConfigError as error:
        message = str(error)
        assert "\n" not in message
        assert re.match(r"command line: (model|training)[\w.]*:? ", message), message
        return message
    model = build_model(loaded.config.model, VOCABULARIES).eval().double()
    at_once_equals_step_by_step(model)
    return "read"


@torch.no_grad()
def at_once_equals_step_by_step(model: Seq2Seq) -> None:
    for parameter in model.parameters():
        parameter.mul_(1.5)
    source, target = ids(SOURCES), ids(TARGETS)
    reading = model(source, source != PAD, target)
    logits, attention = read_by_steps(model, source, source != PAD, target)
    torch.testing.assert_close(model.vocabulary(reading.readouts), logits, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(reading.attention, attention, atol=1e-6, rtol=1e-6)


PLAIN = {key: values[0] for key, values in OPTIONS.items()} | {
    "decoder": "luong", "score": "general", "scope": "global", "selection": "soft",
    "normalizer": "softmax", "encoder": "recurrent",
}  # fmt: skip


def sampled(count: int, seed: int) -> list[dict[str, Any]]:
    """Each option default or random, so that not nearly all are refused."""
    draw = random.Random(seed)
    return [
        {
            key: draw.choice(values) if draw.random() < 0.6 else PLAIN[key]
            for key, values in OPTIONS.items()
        }
        for _ in range(count)
    ]


def pairs() -> list[dict[str, Any]]:
    """Default cases with every two options of the attention set to every two values."""
    found = []
    for first, second in (("decoder", "score"), ("decoder", "scope"), ("decoder", "selection"),
                          ("feeding", "scope"),
        ("encoder", "score"), ("score", "scope"), ("normalizer", "selection"),
                          ("decoder", "heads"), ("score", "coverage"),
                          ("encoder", "own")):  # fmt: skip
        for a, b in product(OPTIONS[first], OPTIONS[second]):
            found.append({**PLAIN, first: a, second: b})
    return found


def test_any_two_parts_work_together_or_are_refused_in_one_line(tmp_path: Path) -> None:
    outcomes = [outcome(case, tmp_path) for case in pairs()]
    assert outcomes.count("read") > len(outcomes) / 2


def test_any_combination_of_parts_works_or_is_refused_in_one_line(tmp_path: Path) -> None:
    outcomes = [outcome(case, tmp_path) for case in sampled(150, seed=1)]
    assert 10 < outcomes.count("read") < 140
