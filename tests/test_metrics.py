import pytest
import sacrebleu

from nmt.evaluation.metrics import bleu_and_chrf, measure

HYPOTHESES = [
    "Je t'aime beaucoup.",
    "Le chat est sur le tapis !",
    "Il a vu la vieille maison hier soir",
    "",
]
REFERENCES = [
    "Je t'aime.",
    "Le chat était assis sur le tapis !",
    "Hier soir, il a vu la vieille maison.",
    "Rien.",
]


def test_the_values_are_those_of_sacrebleu() -> None:
    found = measure(HYPOTHESES, REFERENCES)
    assert found.bleu.value == sacrebleu.corpus_bleu(HYPOTHESES, [REFERENCES]).score
    assert found.chrf.value == sacrebleu.corpus_chrf(HYPOTHESES, [REFERENCES]).score
    assert found.ter.value == sacrebleu.corpus_ter(HYPOTHESES, [REFERENCES]).score
    assert found.sentences == 4
    assert 5 < found.bleu.value < 95


def test_a_validation_reports_the_same_values() -> None:
    found = measure(HYPOTHESES, REFERENCES)
    assert bleu_and_chrf(HYPOTHESES, REFERENCES) == (found.bleu.value, found.chrf.value)


def test_each_value_says_how_it_was_computed() -> None:
    found = measure(HYPOTHESES, REFERENCES)
    version = f"version:{sacrebleu.__version__}"
    assert found.bleu.signature == f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|{version}"
    assert found.chrf.signature == f"nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|{version}"
    assert found.ter.signature == f"nrefs:1|case:lc|tok:tercom|norm:no|punct:yes|asian:no|{version}"


def test_equal_texts_are_perfect() -> None:
    found = measure(REFERENCES, REFERENCES)
    assert found.bleu.value == pytest.approx(100)
    assert found.chrf.value == pytest.approx(100)
    assert found.ter.value == 0


def test_case_counts() -> None:
    lower = [line.lower() for line in REFERENCES]
    assert measure(lower, REFERENCES).bleu.value < 100


def test_hypotheses_and_references_are_not_taken_for_each_other() -> None:
    one, other = measure(HYPOTHESES, REFERENCES), measure(REFERENCES, HYPOTHESES)
    assert one.chrf.value != other.chrf.value
    assert one.ter.value != other.ter.value


def test_sides_of_unequal_length_are_a_bug_of_the_caller() -> None:
    with pytest.raises(AssertionError, match="each hypothesis has its reference"):
        measure(HYPOTHESES, REFERENCES[:-1])


def test_all_is_ready_for_json() -> None:
    found = measure(HYPOTHESES, REFERENCES).as_dict()
    assert set(found) == {"bleu", "chrf", "ter", "sentences"}
    assert set(found["ter"]) == {"value", "signature"}
