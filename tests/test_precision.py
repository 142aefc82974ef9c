"""`precision: auto` takes what is faster here, decides alike each time, and is kept on resume."""

import math
from dataclasses import asdict
from pathlib import Path
from time import process_time

import pytest
import torch

from nmt.config import DecodingConfig, ModelConfig, TrainingConfig
from nmt.data.tokenizers.base import Vocabularies
from nmt.decoding import trial as decoding_trial
from nmt.files import read_json, write_json
from nmt.models import build_model, precision
from nmt.models.devices import Compute, chosen_before
from nmt.models.precision import Timings, timed, timings
from nmt.training import trial as training_trial

SIZES = Vocabularies(23, 29)
CPU = Compute(torch.device("cpu"), bfloat16=True)


def busy(seconds: float) -> None:
    end = process_time() + seconds
    while process_time() < end:
        pass


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NMT_CACHE", str(tmp_path))
    return tmp_path / "precision"


@pytest.mark.parametrize(("narrow", "wide"), [(0.002, 0.004), (0.004, 0.002)])
def test_the_faster_precision_wins(narrow: float, wide: float) -> None:
    found = timed(lambda bfloat16: busy(narrow if bfloat16 else wide))
    assert found.bfloat16_wins is (narrow < wide)
    assert found.bfloat16 == pytest.approx(narrow, rel=0.3)
    assert found.float32 == pytest.approx(wide, rel=0.3)
    chosen, other = ("bfloat16", "float32")[:: 1 if narrow < wide else -1]
    assert str(found).startswith(f"products in {chosen}, not {other}: a trial took ")


def test_what_is_only_as_fast_loses_to_what_is_more_exact() -> None:
    assert not Timings(bfloat16=1.0, float32=1.0).bfloat16_wins
    assert not Timings(bfloat16=0.97, float32=1.0).bfloat16_wins
    assert Timings(bfloat16=0.9, float32=1.0).bfloat16_wins


def test_a_trial_is_short_and_gives_the_threads_back() -> None:
    before, threads = process_time(), torch.get_num_threads()
    seen = []
    timed(lambda bfloat16: (busy(0.1), seen.append(torch.get_num_threads())))
    assert process_time() - before < 1
    assert set(seen) == {1}
    assert torch.get_num_threads() == threads


def test_the_same_work_is_timed_once_on_a_machine(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = timings(lambda bfloat16: busy(0.001 if bfloat16 else 0.002), kind="a")
    again = timings(lambda bfloat16: pytest.fail("it is known"), kind="a")
    assert again == first
    other = timings(lambda bfloat16: busy(0.002 if bfloat16 else 0.001), kind="b")
    assert other.bfloat16_wins is not first.bfloat16_wins
    monkeypatch.setattr(precision, "processor_name", lambda: "another")
    moved = timings(lambda bfloat16: busy(0.002 if bfloat16 else 0.001), kind="a")
    assert not moved.bfloat16_wins
    assert len(list(own_cache.iterdir())) == 3


@pytest.mark.parametrize(
    "damage",
    [[], {"bfloat16": 1}, {"bfloat16": 0, "float32": 1}, {"bfloat16": "x", "float32": 1}, None],
)
def test_a_damaged_result_is_replaced(own_cache: Path, damage: object) -> None:
    timings(lambda bfloat16: busy(0.001), kind="a")
    (path,) = own_cache.iterdir()
    if damage is None:
        path.write_bytes(b"\xff")
    else:
        write_json(path, damage)
    found = timings(lambda bfloat16: busy(0.001 if bfloat16 else 0.002), kind="a")
    assert found.bfloat16_wins
    assert read_json(path) == asdict(found)


def test_without_a_cache_it_is_timed_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NMT_CACHE", str(tmp_path / "file"))
    for narrow in (0.001, 0.003):
        found = timings(lambda bfloat16, n=narrow: busy(n if bfloat16 else 0.002), kind="a")
        assert found.bfloat16_wins is (narrow < 0.002)


def test_a_trial_of_training_changes_neither_the_model_nor_the_random_numbers(
    own_cache: Path,
) -> None:
    model = build_model(ModelConfig(dropout=0.3), SIZES)
    weights = {name: each.clone() for name, each in model.state_dict().items()}
    state = torch.get_rng_state()
    found = training_trial.time_precisions(
        model, TrainingConfig(batch_tokens=64), CPU, SIZES, longest=5, kind="tiny"
    )
    assert all(math.isfinite(each) for each in asdict(found).values())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(each.grad is None for each in model.parameters())
    for name, each in model.state_dict().items():
        assert torch.equal(each, weights[name]), name


def test_a_trial_of_decoding_searches_in_both_precisions(own_cache: Path) -> None:
    model = build_model(ModelConfig(), SIZES)
    decoding = DecodingConfig(beam_size=3)
    found = decoding_trial.time_precisions(model, CPU, decoding, SIZES, kind="tiny")
    assert all(math.isfinite(each) for each in asdict(found).values())
    assert next(model.parameters()).dtype == torch.float32


@pytest.mark.parametrize("before", ["cpu (2 threads), bfloat16 products", "cuda, float32 products"])
def test_a_resumed_training_keeps_its_precision(before: str) -> None:
    assert chosen_before("cpu", before).bfloat16 is ("bfloat16" in before)


def test_a_resumed_training_goes_on_in_float32_where_bfloat16_is_impossible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nmt.models.devices.networks_take_bfloat16", lambda kind: False)
    assert not chosen_before("cpu", "cpu (2 threads), bfloat16 products").bfloat16
