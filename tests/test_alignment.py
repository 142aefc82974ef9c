"""Attention and links measured against gold: by hand, by slow counts, by enumeration."""

import json
import re
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.errors import DataError
from nmt.evaluation import baselines
from nmt.evaluation.alignment import (
    AlignmentScores,
    Counts,
    alignment_error,
    links_found,
    row_entropies,
)
from nmt.evaluation.linking import above, column_maxima, flipped, row_maxima
from nmt.evaluation.pharaoh import Gold, Link, pharaoh, read_gold

JE_T_AIME = np.array([[0.94, 0.02, 0.04], [0.11, 0.01, 0.88], [0.03, 0.95, 0.02]])
LINKS = [(0, 0), (2, 1), (1, 2)]  # I je, you t', love aime


def test_the_matrix_of_je_t_aime_finds_all_links() -> None:
    found = links_found([(JE_T_AIME, LINKS)])
    assert (found.links, found.found, found.rows, found.right) == (3, 1.0, 3, 1.0)


def test_links_are_source_words_before_target_words() -> None:
    weights = np.array([[0.1, 0.9, 0], [0.1, 0.2, 0.7], [0.6, 0.1, 0.3]])
    assert links_found([(weights, [(1, 0), (2, 1), (0, 2)])]).found == 1
    assert links_found([(weights, [(0, 1), (1, 2), (2, 0)])]).found == 0


def test_a_word_with_two_gold_links_needs_only_one_for_precision() -> None:
    found = links_found([(np.array([[0.2, 0.5, 0.3]]), [(1, 0), (2, 0)])])
    assert (found.links, found.found, found.rows, found.right) == (2, 0.5, 1, 1.0)


def test_words_without_links_do_not_count() -> None:
    found = links_found([(JE_T_AIME, [(0, 0), (0, 2)])])
    assert (found.rows, found.right) == (2, 0.5)


def test_a_link_written_twice_is_one_link() -> None:
    assert links_found([(JE_T_AIME, [*LINKS, *LINKS])]) == links_found([(JE_T_AIME, LINKS)])


def test_sentences_count_in_proportion_to_their_links() -> None:
    one = (np.array([[0.3, 0.7]]), [(0, 0)])
    found = links_found([(JE_T_AIME, LINKS), one])
    assert (found.links, found.rows) == (4, 4)
    assert found.found == found.right == 0.75


def test_nothing_to_find_gives_zero() -> None:
    nothing: list[tuple[np.ndarray, list[tuple[int, int]]]] = [(JE_T_AIME, [])]
    for sentences in (nothing[:0], nothing):
        found = links_found(sentences)
        assert (found.links, found.found, found.rows, found.right) == (0, 0.0, 0, 0.0)
    json.dumps(found.as_dict())


@given(st.data())
@settings(max_examples=40)
def test_ratios_equal_those_of_a_slow_count(data: st.DataObject) -> None:
    sentences: list[tuple[np.ndarray, list[tuple[int, int]]]] = []
    for _ in range(data.draw(st.integers(1, 3))):
        rows, columns = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 5))
        seed = data.draw(st.integers(0, 999))
        weights = np.random.default_rng(seed).dirichlet(np.ones(columns), rows)
        pairs = st.tuples(st.integers(0, columns - 1), st.integers(0, rows - 1))
        sentences.append((weights, data.draw(st.lists(pairs, max_size=6))))
    links = hits = words = right = 0
    for weights, gold in sentences:
        for target, row in enumerate(weights):
            wanted = {s for s, t in gold if t == target}
            best = max(range(len(row)), key=lambda s: row[s])
            links += len(wanted)
            hits += best in wanted
            words += bool(wanted)
            right += best in wanted
    found = links_found(sentences)
    assert (found.links, found.rows) == (links, words)
    assert found.found == pytest.approx(hits / max(links, 1))
    assert found.right == pytest.approx(right / max(words, 1))
    json.dumps(found.as_dict())


def links_of(*texts: str) -> frozenset[Link]:
    return read_gold(" ".join(texts)).sure


def test_the_alignment_error_rate_of_a_sentence_counted_by_hand() -> None:
    gold = read_gold("0-0 1-1 2?1 2?2 3?2")
    made = links_of("0-0 1-2 2-1 3-2")  # right, wrong, possible, possible
    found = alignment_error([(made, gold)])
    assert found.precision == 3 / 4
    assert found.recall == 1 / 2
    assert found.aer == pytest.approx(1 - (1 + 3) / (4 + 2))


def test_all_sure_links_and_any_possible_ones_are_no_error() -> None:
    gold = read_gold("0-0 1-1 2?1 2?2")
    for made in ("0-0 1-1", "0-0 1-1 2-1", "0-0 1-1 2-1 2-2"):
        assert alignment_error([(links_of(made), gold)]) == AlignmentScores(1, 1, 0)
    assert alignment_error([(links_of("0-0"), gold)]).aer == pytest.approx(1 / 3)


def test_a_link_that_is_sure_and_possible_is_sure() -> None:
    gold = read_gold("1?2 1-2 0?0 1?2")
    assert (gold.sure, gold.possible) == ({(1, 2)}, {(1, 2), (0, 0)})


def test_sentences_add_up_before_they_are_divided() -> None:
    long = (links_of("0-0 1-1 2-2"), read_gold("0-0 1-1 2-2 3-3 4-4"))
    short = (links_of("0-1"), read_gold("0-0"))
    found = alignment_error([long, short])
    assert (found.precision, found.recall) == (3 / 4, 3 / 6)
    assert found.aer == pytest.approx(1 - (3 + 3) / (4 + 6))


@pytest.mark.parametrize(
    ("made", "gold", "wanted"),
    [
        ("", "", (0, 0, 0)),
        ("", "0-0", (0, 0, 1)),
        ("0-0", "", (0, 0, 1)),
        ("0-0", "0?0", (1, 0, 0)),
    ],
)
def test_ratios_of_nothing_are_numbers(made: str, gold: str, wanted: tuple[float, ...]) -> None:
    found = alignment_error([(links_of(made), read_gold(gold))])
    assert (found.precision, found.recall, found.aer) == wanted
    assert alignment_error([]) == AlignmentScores(0, 0, 0)


pairs = st.tuples(st.integers(0, 3), st.integers(0, 4))
some = st.frozensets(pairs, max_size=9)


@given(st.lists(st.tuples(some, some, some), max_size=4))
def test_the_error_rate_equals_that_of_a_slow_count(sentences: list[tuple[frozenset[Link], ...]]):
    counts = dict.fromkeys(("a", "s", "as", "ap"), 0)
    for made, sure, doubtful in sentences:
        for source, target in product(range(4), range(5)):
            link = (source, target)
            counts["a"] += link in made
            counts["s"] += link in sure
            counts["as"] += link in made and link in sure
            counts["ap"] += link in made and (link in sure or link in doubtful)
    found = alignment_error((made, Gold.of(sure, maybe)) for made, sure, maybe in sentences)
    assert found.precision == pytest.approx(counts["ap"] / max(counts["a"], 1))
    assert found.recall == pytest.approx(counts["as"] / max(counts["s"], 1))
    if counts["a"] + counts["s"]:
        hits = counts["as"] + counts["ap"]
        assert found.aer == pytest.approx(1 - hits / (counts["a"] + counts["s"]))
    json.dumps(found.as_dict(), allow_nan=False)


@given(some)
def test_links_survive_being_written_and_read(links: frozenset[Link]) -> None:
    assert read_gold(pharaoh(links)) == Gold.of(links)
    assert pharaoh(links).split() == [f"{s}-{t}" for s, t in sorted(links)]


@given(some, some)
def test_gold_links_survive_being_written_and_read(
    sure: frozenset[Link], doubtful: frozenset[Link]
) -> None:
    gold = Gold.of(sure, doubtful)
    assert gold.sure <= gold.possible
    assert read_gold(str(gold)) == gold
    assert len(str(gold).split()) == len(gold.possible)


@pytest.mark.parametrize(
    "text", ["0_0", "0-", "-1-0", "0--1", "a-b", "1-2-3", "0:1", "٣-1", "1–2", "0-1234567890"]
)
def test_an_invalid_link_is_named(text: str) -> None:
    with pytest.raises(DataError, match=f"'{re.escape(text)}' is not a link; write SOURCE-TARGET"):
        read_gold(f"0-0 {text} 1?1")


def test_a_word_that_attends_mostly_to_the_end_has_no_link() -> None:
    weights = np.array([[0.2, 0.5, 0.3], [0.3, 0.3, 0.4], [0, 0, 0], [0.4, 0.4, 0.2]])
    assert row_maxima(weights) == {(1, 0), (0, 3)}


def test_a_source_word_that_nothing_attends_to_has_no_link() -> None:
    weights = np.array([[0.2, 0, 0.8], [0.7, 0, 0.3], [0.7, 0, 0.3]])
    assert column_maxima(weights) == {(0, 1)}
    assert column_maxima(weights[:0]) == row_maxima(weights[:0]) == frozenset()


def test_weights_equal_to_the_threshold_reach_it() -> None:
    weights = np.array([[0.25, 0.5, 0.25], [0.125, 0.125, 0.75]])
    assert above(weights, 0.25) == {(0, 0), (1, 0)}
    assert above(weights, 0.6) == frozenset()


def test_reversed_links_are_those_of_the_other_direction() -> None:
    assert flipped(frozenset([(0, 3), (2, 1)])) == {(3, 0), (1, 2)}


@given(st.integers(0, 999), st.integers(1, 5), st.integers(1, 4))
def test_maxima_equal_those_of_a_slow_search(seed: int, rows: int, words: int) -> None:
    weights = np.random.default_rng(seed).dirichlet(np.ones(words + 1), rows)
    by_row, by_column = set(), set()
    for source, target in product(range(words), range(rows)):
        if all(weights[target, source] >= other for other in weights[target]):
            by_row.add((source, target))
        if all(weights[target, source] >= weights[other, source] for other in range(rows)):
            by_column.add((source, target))
    assert row_maxima(weights) == by_row
    assert column_maxima(weights) == by_column


@given(st.integers(1, 9), st.integers(1, 9))
def test_the_diagonal_links_each_word_to_the_nearest(source: int, target: int) -> None:
    def distance(one: int, other: int) -> Fraction:
        return abs(Fraction(2 * one + 1, 2 * source) - Fraction(2 * other + 1, 2 * target))

    links = baselines.diagonal(source, target)
    assert sorted(t for _, t in links) == list(range(target))
    for one, other in links:
        distances = [distance(word, other) for word in range(source)]
        nearest = [word for word in range(source) if distances[word] == min(distances)]
        assert one == nearest[-1]


def test_the_diagonal_of_equal_lengths_is_the_diagonal() -> None:
    assert baselines.diagonal(4, 4) == {(word, word) for word in range(4)}
    assert baselines.diagonal(0, 3) == baselines.diagonal(3, 0) == frozenset()


@given(st.integers(1, 3), st.integers(1, 4), some, some)
def test_the_uniform_baseline_is_the_mean_over_all_alignments(
    source: int, target: int, sure: frozenset[Link], doubtful: frozenset[Link]
) -> None:
    inside = {(s, t) for s, t in product(range(source), range(target))}
    gold = Gold.of(sure & inside, doubtful & inside)
    every = [
        alignment_error([([(s, t) for t, s in enumerate(chosen)], gold)])
        for chosen in product(range(source), repeat=target)
    ]
    found = baselines.uniform(source, target, gold).scores()
    assert found.precision == pytest.approx(np.mean([each.precision for each in every]))
    assert found.recall == pytest.approx(np.mean([each.recall for each in every]))
    assert found.aer == pytest.approx(np.mean([each.aer for each in every]))


def test_baselines_of_a_pair_without_source_words_link_nothing() -> None:
    assert baselines.uniform(0, 3, Gold.of([])) == Counts()


def test_entropy_is_zero_at_one_position_and_log_n_at_n_equal_ones() -> None:
    rows = np.array([[0, 1, 0, 0], [0.25] * 4, [0.5, 0, 0, 0.5]])
    assert row_entropies(rows).tolist() == pytest.approx([0, np.log(4), np.log(2)])


def test_rows_without_attention_have_no_entropy_and_others_are_normalised() -> None:
    rows = np.array([[0, 0, 0], [2.0, 2, 0]])
    assert row_entropies(rows).tolist() == pytest.approx([np.log(2)])
    for nothing in (rows[:1], rows[:0], np.zeros((0, 0))):
        assert row_entropies(nothing).tolist() == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0-0 \u0661-\u0662", "is not a link"),
        ("-1-2", "is not a link"),
        ("0--1", "is not a link"),
        ("0-0\u00a01-1", "is not a link"),
        ("0-0\x0b1-1", "is not a link"),
        ("0\u22120", "is not a link"),
        ("0-1\x1b[2J", "is not a link"),
        ("0-0 " * 2**19, "2,097,152 characters, more than the links of any pair"),
        ("9" * 2**19 + "-0", "is not a link"),
    ],
)
def test_a_malicious_line_of_links_is_one_line_of_error(line: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason) as caught:
        read_gold(line)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_links_are_separated_by_spaces_and_tabs() -> None:
    assert read_gold(" 0-0\t 1?1  2-2 ") == Gold.of([(0, 0), (2, 2)], [(1, 1)])
