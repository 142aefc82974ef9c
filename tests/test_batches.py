import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.data.batching.batches import (
    batch_stats,
    collate,
    lengths_with_end,
    make_batches,
    pad,
)
from nmt.data.batching.encoded import EncodedBitext
from nmt.data.batching.sizes import all_rounded_up, rounded_down, rounded_up
from nmt.data.tokenizers.base import BOS, EOS, PAD
from support.id_columns import id_column

PAIRS = st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), min_size=1, max_size=120)
BUDGETS = st.integers(20, 400)
SEEDS = st.integers(0, 2**31)


def sides(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    sources, targets = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return sources, targets


def as_lists(batches: list[np.ndarray]) -> list[list[int]]:
    return [batch.tolist() for batch in batches]


@given(PAIRS, BUDGETS, SEEDS, st.integers(0, 5))
@settings(max_examples=60)
def test_a_plan_holds_each_sentence_that_fits_once_and_keeps_the_budget(
    pairs: list[tuple[int, int]], budget: int, seed: int, epoch: int
) -> None:
    sources, targets = sides(pairs)
    batches = make_batches(sources, targets, budget=budget, seed=seed, epoch=epoch)
    fitting = [i for i, pair in enumerate(pairs) if max(pair) <= budget]
    assert sorted(i for batch in as_lists(batches) for i in batch) == fitting
    for batch in batches:
        assert len(batch) * max(sources[batch].max(), targets[batch].max()) <= budget


@given(st.integers(1, 5000))
def test_sizes_are_rounded_by_less_than_an_eighth_to_few(size: int) -> None:
    grid = [
        *range(1, 17),
        *(2**octave * step for octave in range(1, 10) for step in range(9, 17)),
    ]
    assert rounded_up(size) == min(each for each in grid if each >= size)
    assert rounded_down(size) == max(each for each in grid if each <= size)
    assert rounded_up(size) < size * 9 / 8
    assert all_rounded_up(np.array([size, 1])).tolist() == [rounded_up(size), 1]


def collated_shapes(
    pairs: list[tuple[int, int]], *, budget: int, epoch: int
) -> list[tuple[int, int, int]]:
    """Rows, source and target length of the batches of an epoch, as a model reads them."""
    bitext = EncodedBitext(*(id_column([[9] * (n - 1) for n in side]) for side in sides(pairs)))
    plan = make_batches(*lengths_with_end(bitext), budget=budget, seed=1, epoch=epoch)
    longest = batch_stats(*lengths_with_end(bitext), budget).longest
    batches = [collate(bitext, sentences, longest=longest) for sentences in plan]
    return [(*batch.source.shape, batch.target_in.shape[1]) for batch in batches]


@given(PAIRS, BUDGETS)
@settings(max_examples=30)
def test_each_epoch_has_the_same_shapes_within_the_budget(
    pairs: list[tuple[int, int]], budget: int
) -> None:
    first, second = (collated_shapes(pairs, budget=budget, epoch=epoch) for epoch in (0, 1))
    assert sorted(first) == sorted(second)
    stats = batch_stats(*sides(pairs), budget)
    assert stats.padded_tokens == sum(rows * (s + t) for rows, s, t in first)
    assert all(rows * max(s, t) <= budget for rows, s, t in first)
    assert all(s <= stats.longest[0] and t <= stats.longest[1] for _, s, t in first)
    assert sum(rows != rounded_down(rows) for rows, _, _ in first) <= 1  # the last of the order


def test_a_corpus_comes_in_some_dozens_of_shapes_with_little_padding() -> None:
    random = np.random.default_rng(1)
    sources = random.lognormal(2.5, 0.4, 20_000).astype(np.int64) + 2
    targets = (sources * random.normal(1.1, 0.15, 20_000).clip(0.6, 2)).astype(np.int64) + 1
    pairs = list(zip(sources.tolist(), targets.tolist(), strict=True))
    shapes = collated_shapes(pairs, budget=1024, epoch=0)
    assert len(shapes) > 300
    assert len({(rows, source) for rows, source, _ in shapes}) < 96
    assert len({(rows, target) for rows, _, target in shapes}) < 96
    cells = sum(rows * (source + target) for rows, source, target in shapes)
    assert 1 - (sources.sum() + targets.sum()) / cells < 0.05


@given(PAIRS, BUDGETS, SEEDS)
@settings(max_examples=30)
def test_a_plan_depends_on_its_arguments_alone(
    pairs: list[tuple[int, int]], budget: int, seed: int
) -> None:
    one, other = (
        as_lists(make_batches(*sides(pairs), budget=budget, seed=seed, epoch=3)) for _ in range(2)
    )
    assert one == other


def test_epochs_and_seeds_differ_in_order_and_grouping() -> None:
    pairs = [(5 + n % 3, 6 + n % 4) for n in range(400)]
    plans = [
        as_lists(make_batches(*sides(pairs), budget=64, seed=seed, epoch=epoch))
        for seed, epoch in ((1, 0), (1, 1), (2, 0))
    ]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert plans[a] != plans[b]
        assert {frozenset(batch) for batch in plans[a]} != {frozenset(batch) for batch in plans[b]}


def test_batches_come_in_no_order_of_length() -> None:
    sources, targets = sides([(n, n) for n in range(1, 41)] * 5)
    batches = make_batches(sources, targets, budget=80, seed=1, epoch=0)
    longest = [targets[batch].max() for batch in batches]
    assert longest != sorted(longest)
    assert longest != sorted(longest, reverse=True)


def test_sentences_longer_than_the_budget_are_in_no_batch() -> None:
    batches = make_batches(*sides([(3, 9), (4, 4), (9, 3), (8, 8)]), budget=8, seed=1, epoch=0)
    assert sorted(as_lists(batches)) == [[1], [3]]


def test_no_sentences_are_no_batches() -> None:
    empty = np.zeros(0, np.int64)
    assert make_batches(empty, empty, budget=8, seed=1, epoch=0) == []


@pytest.mark.parametrize("budget", [2048, 4096])
def test_little_padding_is_needed_for_sentences_as_they_are(budget: int) -> None:
    random = np.random.default_rng(1)
    sources = random.lognormal(2.2, 0.5, 60_000).astype(np.int64) + 2
    ratio = random.normal(1.1, 0.15, 60_000).clip(0.6, 2)
    targets = (sources * ratio).astype(np.int64) + 1
    cells = 0
    for batch in make_batches(sources, targets, budget=budget, seed=1, epoch=0):
        cells += len(batch) * int(sources[batch].max() + targets[batch].max())
    assert 1 - (sources.sum() + targets.sum()) / cells < 0.05


ROWS = st.lists(
    st.tuples(st.lists(st.integers(4, 99), max_size=7), st.lists(st.integers(4, 99), max_size=9)),
    min_size=1,
    max_size=8,
)


@given(ROWS, st.data())
@settings(max_examples=60)
def test_sentences_are_collated_between_bos_and_eos(
    rows: list[tuple[list[int], list[int]]], data: st.DataObject
) -> None:
    bitext = EncodedBitext(id_column([s for s, _ in rows]), id_column([t for _, t in rows]))
    numbers = np.array(data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=5)))
    batch = collate(bitext, numbers)
    sources = [[*rows[n][0], EOS] for n in numbers]
    reads = [[BOS, *rows[n][1]] for n in numbers]
    writes = [[*rows[n][1], EOS] for n in numbers]
    for found, wanted in (
        (batch.source, sources),
        (batch.target_in, reads),
        (batch.target_out, writes),
    ):
        width = max(map(len, wanted))
        assert found.tolist() == [row + [PAD] * (width - len(row)) for row in wanted]
        assert found.dtype == np.int64
    assert batch.sentences.tolist() == numbers.tolist()
    assert batch.source_tokens == sum(map(len, sources))
    assert batch.target_tokens == sum(map(len, writes))
    assert batch.padded_tokens == len(numbers) * (max(map(len, sources)) + max(map(len, writes)))
    lengths = lengths_with_end(bitext)
    assert lengths[0][numbers].tolist() == [len(row) for row in sources]
    assert lengths[1][numbers].tolist() == [len(row) for row in writes]


def test_rows_are_padded_with_or_without_bos_and_eos() -> None:
    rows = [np.array([5, 6]), np.array([], dtype=np.int64), np.array([7])]
    assert pad(rows).tolist() == [[5, 6], [0, 0], [7, 0]]
    assert pad(rows, before=BOS, after=EOS).tolist() == [[2, 5, 6, 3], [2, 3, 0, 0], [2, 7, 3, 0]]
