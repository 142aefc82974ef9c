import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.evaluation.alignment import links_found

JE_T_AIME = np.array([[0.94, 0.02, 0.04], [0.11, 0.01, 0.88], [0.03, 0.95, 0.02]])
LINKS = [(0, 0), (2, 1), (1, 2)]  # I je, you t', love aime


def test_the_matrix_of_je_t_aime_finds_all_links() -> None:
    found = links_found([(JE_T_AIME, LINKS)])
    assert (found.links, found.found, found.rows, found.right) == (3, 1.0, 3, 1.0)


def test_links_are_source_words_before_target_words() -> None:
    weights = np.array([[0.1, 0.9, 0], [0.1, 0.2, 0.7], [0.6, 0.1, 0.3]])
    assert links_found([(weights, [(1, 0), (2, 1), (0, 2)])]).found == 1
    assert links_found([(weights, [(0, 1), (1, 2), (2, 0)])]).found == 0


def test_a_word_with_two_links_is_right_with_either_and_finds_one() -> None:
    found = links_found([(np.array([[0.2, 0.5, 0.3]]), [(1, 0), (2, 0)])])
    assert (found.links, found.found, found.rows, found.right) == (2, 0.5, 1, 1.0)


def test_words_without_links_do_not_count() -> None:
    found = links_found([(JE_T_AIME, [(0, 0), (0, 2)])])
    assert (found.rows, found.right) == (2, 0.5)


def test_a_link_written_twice_is_one_link() -> None:
    assert links_found([(JE_T_AIME, [*LINKS, *LINKS])]) == links_found([(JE_T_AIME, LINKS)])


def test_sentences_count_by_their_links_and_not_alike() -> None:
    one = (np.array([[0.3, 0.7]]), [(0, 0)])
    found = links_found([(JE_T_AIME, LINKS), one])
    assert (found.links, found.rows) == (4, 4)
    assert found.found == found.right == 0.75


def test_nothing_to_find_is_nothing_found() -> None:
    nothing: list[tuple[np.ndarray, list[tuple[int, int]]]] = [(JE_T_AIME, [])]
    for sentences in (nothing[:0], nothing):
        found = links_found(sentences)
        assert (found.links, found.found, found.rows, found.right) == (0, 0.0, 0, 0.0)
    json.dumps(found.as_dict())


@given(st.data())
@settings(max_examples=40)
def test_shares_are_those_of_a_slow_count(data: st.DataObject) -> None:
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
