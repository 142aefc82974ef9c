"""The quick start, really trained: "I love you" gets attention off the diagonal in French."""

from pathlib import Path

import numpy as np
import pytest

from nmt.checkpoint.run import Run
from nmt.config import load
from nmt.workflows.evaluate import evaluate_split
from nmt.workflows.inference.load import load_trained
from nmt.workflows.train.train import Request, train

pytestmark = pytest.mark.slow

QUICKSTART = Path(__file__).parents[1] / "configs" / "quickstart.yaml"
SHORTER = [
    "training.epochs=10",
    "training.validate_every=100000",  # only at the end
    "training.tensorboard=false",
]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """The quick start, shortened; in one thread, since other tests run on the other cores."""
    folder = tmp_path_factory.mktemp("quickstart") / "run"
    return train(load(QUICKSTART, SHORTER), Request(folder))


def test_i_love_you_is_je_t_aime_and_its_attention_crosses_over(run):
    trained = load_trained(run)
    translated = trained.translator(trained.config.decoding).translate(["I love you"])[0]
    assert translated.text == "je t'aime"
    record = trained.records(translated, "1")[0]
    assert record.target_words == ["je", "t'", "aime", "</s>"]
    assert record.source_words == ["I", "love", "you", "</s>"]
    looked_at = [record.source_words[i] for i in np.argmax(record.word_weights, axis=1)[:3]]
    assert looked_at == ["I", "you", "love"]


def test_new_combinations_of_known_words_are_translated_and_aligned(run):
    evaluation = evaluate_split(run, "test")
    assert evaluation.scores.bleu.value > 60
    assert evaluation.extras["gold_links"]["found"] > 0.6
