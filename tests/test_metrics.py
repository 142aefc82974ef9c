import pytest
import sacrebleu

from nmt.evaluation.metrics import bleu_and_chrf, measure
from nmt.evaluation.segmentation import segmentation

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
    cased = sacrebleu.corpus_ter(HYPOTHESES, [REFERENCES], case_sensitive=True)
    assert found.ter.value == cased.score
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
    assert found.ter.signature == (
        f"nrefs:1|case:mixed|tok:tercom|norm:no|punct:yes|asian:no|{version}"
    )


def test_equal_texts_are_perfect() -> None:
    found = measure(REFERENCES, REFERENCES)
    assert found.bleu.value == pytest.approx(100)
    assert found.chrf.value == pytest.approx(100)
    assert found.ter.value == 0


def test_case_counts() -> None:
    lower = [line.lower() for line in REFERENCES]
    found = measure(lower, REFERENCES)
    assert found.bleu.value < 100
    assert found.chrf.value < 100
    assert found.ter.value > 0
    assert measure(["HELLO WORLD"], ["hello world"]).ter.value == 100


def test_hypotheses_and_references_are_not_swapped() -> None:
    one, other = measure(HYPOTHESES, REFERENCES), measure(REFERENCES, HYPOTHESES)
    assert one.chrf.value != other.chrf.value
    assert one.ter.value != other.ter.value


def test_sides_of_unequal_length_are_a_bug_of_the_caller() -> None:
    with pytest.raises(AssertionError, match="each hypothesis has its reference"):
        measure(HYPOTHESES, REFERENCES[:-1])


def test_scores_can_be_written_as_json() -> None:
    found = measure(HYPOTHESES, REFERENCES).as_dict()
    assert set(found) == {"bleu", "chrf", "ter", "sentences"}
    assert set(found["ter"]) == {"value", "signature"}


# Languages written without spaces between words

CHINESE = (
    ["我今天去北京大学。", "他喜欢吃苹果和香蕉。"],
    ["我今天去了北京大学。", "他喜欢吃苹果和香蕉。"],
)
JAPANESE = ["私は先生です。", "猫が好きです。"], ["私は学生です。", "猫が好きです。"]
THAI = ["ฉันรักแมวมาก", "วันนี้อากาศดี"], ["ฉันรักหมามาก", "วันนี้อากาศดี"]
LAO = ["ຂ້ອຍຮັກເຈົ້າຫຼາຍ"], ["ຂ້ອຍຮັກແມວຫຼາຍ"]
KHMER = ["ខ្ញុំស្រលាញ់អ្នក"], ["ខ្ញុំស្រលាញ់គាត់"]
BURMESE = ["ငါမင်းကိုချစ်တယ်"], ["ငါသူ့ကိုချစ်တယ်"]
TIBETAN = ["ང་ཁྱེད་ལ་དགའ"], ["ང་ཁོང་ལ་དགའ"]
TEXTS = {
    "zh": CHINESE, "ja": JAPANESE, "th": THAI, "lo": LAO, "km": KHMER, "my": BURMESE, "bo": TIBETAN,
}  # fmt: skip


@pytest.mark.parametrize(
    "language",
    ["zh", "zh-Hant", "zh_CN", "ZH-TW", "zho_Hans", "chi", "cmn", "yue_Hant", "Chinese",
     "Simplified Chinese", "target", "", "中文"],
)  # fmt: skip
def test_bleu_of_chinese_is_sacrebleus_for_chinese(language: str) -> None:
    hypotheses, references = CHINESE
    wanted = sacrebleu.BLEU(trg_lang="zh").corpus_score(hypotheses, [references]).score
    found = measure(hypotheses, references, language)
    assert found.bleu.value == wanted > 70
    assert "|tok:zh|" in found.bleu.signature
    assert bleu_and_chrf(hypotheses, references, language) == (wanted, found.chrf.value)


@pytest.mark.parametrize(
    ("language", "like"),
    [("jpn", "ja"), ("ja_JP", "ja"), ("tha_Thai", "th"), ("th_TH.UTF-8", "th"), ("Thai", "th"),
     ("lao", "lo"), ("khm-Khmr", "km"), ("bur", "my"), ("mya", "my"), ("bod", "bo"), ("dz", "bo"),
     ("text", "ja"), ("translation", "th"), ("", "lo"), ("tgt", "km"), ("out", "my"), ("b", "bo")],
)  # fmt: skip
def test_bleu_without_spaces_counts_characters_where_words_are_unknown(
    language: str, like: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nmt.evaluation.segmentation._installed", lambda tokenizer: False)
    hypotheses, references = TEXTS[like]
    found = measure(hypotheses, references, language)
    wanted = sacrebleu.BLEU(tokenize="char").corpus_score(hypotheses, [references]).score
    assert found.bleu.value == wanted > 30
    assert "|tok:char|" in found.bleu.signature


def test_japanese_and_korean_are_split_by_mecab_if_it_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nmt.evaluation.segmentation._installed", lambda tokenizer: True)
    assert segmentation("ja_JP").bleu == "ja-mecab"
    assert segmentation("kor").bleu == "ko-mecab"
    monkeypatch.setattr("nmt.evaluation.segmentation._installed", lambda tokenizer: False)
    assert segmentation("ja_JP").bleu == segmentation("kor").bleu == "char"


@pytest.mark.parametrize("language", ["fr", "fr-CA", "de", "ms-MY", "vi", "zh-Latn", "en-TH", "ar"])
def test_languages_with_spaces_are_scored_as_usual(language: str) -> None:
    assert segmentation(language, REFERENCES).bleu == "13a"
    assert measure(HYPOTHESES, REFERENCES, language) == measure(HYPOTHESES, REFERENCES)


def test_a_name_in_another_script_does_not_make_a_text_one_of_it() -> None:
    assert segmentation("fr", ["Le mot 北京 veut dire Pékin.", "Bonjour."]).bleu == "13a"
    assert segmentation("target", ["北京 means Beijing"]).bleu == "13a"
    assert segmentation("target", []).bleu == segmentation("target", ["123 ..."]).bleu == "13a"


def test_edits_of_chinese_are_counted_by_character() -> None:
    """One of the 20 is missing."""
    found = measure(*CHINESE, "zh").ter
    assert found.value == pytest.approx(100 / 20)
    assert "|case:mixed|" in found.signature
    assert "|asian:yes|" in found.signature


def test_edits_of_thai_are_counted_by_character() -> None:
    """Two of the 12 code points are others."""
    hypotheses, references = THAI
    found = measure(hypotheses[:1], references[:1], "th").ter
    assert found.value == pytest.approx(100 * 2 / 12)
    assert "|tok:char|" in found.signature
