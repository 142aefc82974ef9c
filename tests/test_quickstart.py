"""The promise of the quick start, kept by a short training: French crosses the order of English.

`.ci/run` runs the quick start itself, and checks it with scripts/check_quickstart.py.
"""

from pathlib import Path

import numpy as np
import pytest

from nmt.checkpoint.run import Run
from nmt.config import load
from nmt.workflows.evaluate import evaluate_split
from nmt.workflows.inference.load import load_trained
from nmt.workflows.inference.teacher_forcing import plain, teacher_force
from nmt.workflows.train.train import Request, train

pytestmark = pytest.mark.slow

QUICKSTART = Path(__file__).parents[1] / "configs" / "quickstart.yaml"
SHORTER = [
    "training.epochs=3",
    "model.dropout=0",
    "training.validate_every=100000",  # only at the end
    "training.tensorboard=false",
    "evaluation.splits=[]",
]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """In one thread, because other tests run on the other cores."""
    folder = tmp_path_factory.mktemp("quickstart") / "run"
    return train(load(QUICKSTART, SHORTER), Request(folder))


def test_the_attention_of_i_love_you_crosses_over(run):
    [pair] = teacher_force(load_trained(run), [(plain("I love you"), plain("je t'aime"))])
    source, target = pair.pair
    assert [word.text for word in target.words] == ["je", "t'", "aime"]
    attended = np.argmax(pair.between_words(shift=0), axis=1)
    assert [source.words[i].text for i in attended] == ["I", "you", "love"]


def test_new_combinations_of_known_words_are_translated_and_aligned(run):
    evaluation = evaluate_split(run, "test")
    assert evaluation.scores.bleu.value > 50
    assert evaluation.extras["gold_links"]["found"] > 0.6
