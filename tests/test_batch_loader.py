"""The batches of a training: from any position, prepared ahead, for any size of corpus."""

import threading
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.data.batching import encoded, loader, shards
from nmt.data.batching.batches import Batch, make_batches
from nmt.data.batching.encoded import EncodedBitext, IdColumn
from nmt.data.batching.loader import AHEAD, BatchLoader, Position
from nmt.data.batching.shards import Windows
from support.id_columns import id_column

BUDGET = 40


def lengths(size: int, seed: int = 3) -> list[np.ndarray]:
    """Lengths of sources and targets, without EOS; a few are longer than the budget."""
    random = np.random.default_rng(seed)
    return [np.where(random.random(size) < 0.03, 45, random.integers(1, 4, size)) for _ in "st"]


def chunked(rows: list[list[int]], chunk: int) -> IdColumn:
    parts = [id_column(rows[start : start + chunk]) for start in range(0, len(rows), chunk)]
    return IdColumn([p.ids[0] for p in parts], [p.starts[0] for p in parts])


def bitext(size: int, chunk: int) -> EncodedBitext:
    sides = [[[4 + n % 7] * int(n) for n in side] for side in lengths(size)]
    return EncodedBitext(*(chunked(side, chunk) for side in sides))


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded, "CHUNK", 20)
    monkeypatch.setattr(shards, "WINDOW", 60)


def numbers(batches: list[np.ndarray]) -> list[list[int]]:
    return [batch.tolist() for batch in batches]


def of_epoch(found: Windows, epoch: int, start: int = 0) -> list[list[int]]:
    return [row for window in found.epoch(epoch, start=start) for row in numbers(window)]


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("batches")]


@pytest.mark.parametrize("chunk", [7, 20, 500])
def test_a_corpus_smaller_than_a_window_is_planned_as_a_whole(chunk: int) -> None:
    found = Windows(bitext(130, chunk), budget=BUDGET, seed=5)
    sources, targets = (side + 1 for side in lengths(130))
    for epoch in (0, 1):
        whole = make_batches(sources, targets, budget=BUDGET, seed=5, epoch=epoch)
        assert of_epoch(found, epoch) == numbers(whole)
    fits = [i for i in range(130) if max(sources[i], targets[i]) <= BUDGET]
    assert found.stats.sentences == len(fits) < 130
    assert found.stats.batches == len(whole)
    assert found.stats.tokens == sum(sources[i] + targets[i] for i in fits)
    cells = sum(len(b) * int(sources[b].max() + targets[b].max()) for b in whole)
    assert found.stats.padding_share == pytest.approx(1 - found.stats.tokens / cells)


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("size", [61, 130, 337])
def test_windows_hold_each_sentence_that_fits_once_and_keep_the_budget(size: int) -> None:
    found = Windows(bitext(size, 20), budget=BUDGET, seed=5)
    sources, targets = (side + 1 for side in lengths(size))
    fits = [i for i in range(size) if max(sources[i], targets[i]) <= BUDGET]
    made = [of_epoch(found, epoch) for epoch in range(3)]
    for batches in made:
        assert sorted(i for batch in batches for i in batch) == fits
        assert len(batches) == found.stats.batches
        for batch in batches:
            assert len(batch) * max(sources[batch].max(), targets[batch].max()) <= BUDGET
    assert made[0] != made[1]
    assert {frozenset(b) for b in made[0]} != {frozenset(b) for b in made[1]}
    assert made == [of_epoch(Windows(bitext(size, 20), budget=BUDGET, seed=5), e) for e in range(3)]
    assert made[0] != of_epoch(Windows(bitext(size, 20), budget=BUDGET, seed=6), 0)


@pytest.mark.usefixtures("small_windows")
def test_windows_sample_the_whole_corpus_and_change_their_order() -> None:
    found = Windows(bitext(3000, 20), budget=BUDGET, seed=5)
    orders = []
    for epoch in range(3):
        kept = [frozenset(i for b in window for i in b.tolist()) for window in found.epoch(epoch)]
        assert sum(max(window) - min(window) for window in kept) > 1000 * len(kept)
        assert max(map(len, kept)) <= 60
        orders.append(kept)
    assert set(orders[0]) == set(orders[1])
    assert orders[0] != orders[1] != orders[2]


@pytest.mark.usefixtures("small_windows")
@given(st.integers(0, 3), st.integers(0, 90), st.integers(1, 9))
@settings(max_examples=40)
def test_batches_come_from_any_position_on(epoch: int, start: int, count: int) -> None:
    text = bitext(337, 20)
    whole = of_epoch(Windows(text, budget=BUDGET, seed=5), epoch)
    assert of_epoch(Windows(text, budget=BUDGET, seed=5), epoch, start) == whole[start:]
    with BatchLoader(text, budget=BUDGET, seed=5) as found:
        assert len(found) == len(whole)
        taken = [b.sentences.tolist() for b in found.take(Position(epoch, start), count)]
    assert taken == whole[start : start + count]


def test_the_next_batches_are_made_ahead_of_time() -> None:
    with BatchLoader(bitext(130, 500), budget=BUDGET, seed=5) as found:
        found.take(Position(), 1)
        deadline = time.monotonic() + 10
        while not all(future.done() for future in found._coming) and time.monotonic() < deadline:
            time.sleep(0.001)
        assert [future.done() for future in found._coming] == [True] * AHEAD


def test_the_epoch_after_this_one_follows_without_a_new_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with BatchLoader(bitext(130, 500), budget=BUDGET, seed=5) as found:
        begun: list[tuple[int, int]] = []
        start = found._start
        monkeypatch.setattr(found, "_start", lambda *at: (begun.append(at), start(*at)))
        for epoch in range(3):
            taken = [b.sentences.tolist() for b in found.take(Position(epoch), 1000)]
            assert len(taken) == len(found)
        assert begun == [(0, 0)]
        found.take(Position(1, 2), 1)
        assert begun == [(0, 0), (1, 2)]


def test_an_error_in_the_thread_reaches_the_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = []

    def broken(text: EncodedBitext, sentences: np.ndarray, **sizes: Any) -> Batch:
        made.append(len(sentences))
        if len(made) == 3:
            raise OSError("the disk is gone")
        return collate(text, sentences, **sizes)

    collate = loader.collate
    monkeypatch.setattr(loader, "collate", broken)
    found = BatchLoader(bitext(130, 500), budget=BUDGET, seed=5)
    taken: list[Batch] = []
    with pytest.raises(OSError, match="the disk is gone"):
        taken.extend(batch for at in (0, 2) for batch in found.take(Position(batch=at), 2))
    assert threads() == []


def test_no_thread_is_left_behind() -> None:
    found = BatchLoader(bitext(130, 500), budget=BUDGET, seed=5)
    assert threads() == []
    with found:
        found.take(Position(), 3)
        assert len(threads()) == 1
    assert threads() == []

    def stopped() -> None:
        with found:
            found.take(Position(), 3)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert threads() == []


def test_the_time_spent_waiting_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    collate = loader.collate

    def slow(text: EncodedBitext, sentences: np.ndarray, **sizes: Any) -> Batch:
        time.sleep(0.02)
        return collate(text, sentences, **sizes)

    monkeypatch.setattr(loader, "collate", slow)
    with BatchLoader(bitext(130, 500), budget=BUDGET, seed=5) as found:
        started = time.monotonic()
        list(found.take(Position(), 5))
        assert 0.05 < found.waited <= time.monotonic() - started
