"""A model in one line."""

import pytest

from nmt.config import load
from nmt.models.summary import summary
from support.commands import lay_out
from support.sweeps import add


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "general · softmax · global · luong lstm, input feeding"),
        ("model: {attention: {score: none}}", "no attention · luong lstm, input feeding"),
        (
            "model: {attention: {score: additive, normalizer: sparsemax, scope: local-p, heads: 2, "
            "temperature: 0.5, selection: gumbel}, decoder: {kind: bahdanau, cell: gru}}",
            "additive · sparsemax · local-p · 2 heads · hard, by gumbel · temperature 0.5 · "
            "bahdanau gru",
        ),
        (
            "model: {encoder: {kind: self_attention, layers: 3, self_attention: {heads: 4}}, "
            "decoder: {kind: transformer, layers: 2, self_attention: {heads: 1, norm: post}}}",
            "general · softmax · global · transformer 2 x 1 head, post-norm, sinusoidal · "
            "self-attention encoder, scaled_dot 3 x 4 heads, pre-norm, sinusoidal",
        ),
        (
            "model: {encoder: {kind: self_attention, self_attention: {score: additive, normalizer: "
            "sparsemax, feed_forward: 0}}, decoder: {kind: transformer, self_attention: "
            "{selection: gumbel}}, attention: {scope: local-m, window: 3, heads: 2}}\n"
            "training: {teacher_forcing_schedule: linear, teacher_forcing: 0.9, "
            "teacher_forcing_end: 0.2, teacher_forcing_per: sentence}",
            "general · softmax · local-m, window 3 · 2 heads · transformer 1 x 4 heads, pre-norm, "
            "sinusoidal, hard, by gumbel · self-attention encoder, additive 1 x 4 heads, pre-norm, "
            "sinusoidal, sparsemax, no feed-forward · teacher forcing linear, 0.9 to 0.2 a "
            "sentence",
        ),
        (
            "tokenizer: {kind: word}\ntraining: {teacher_forcing: 0.7}\nmodel: {attention: "
            "{score: additive, activation: relu}, source_vectors: {file: glove.txt}}",
            "additive · softmax · global · f = relu · luong lstm, input feeding · "
            "teacher forcing 0.7 a token · whole words · word vectors",
        ),
        (
            "model: {encoder: {kind: self_attention}, decoder: {kind: transformer}}",
            "general · softmax · global · transformer 1 x 4 heads, pre-norm, sinusoidal · "
            "encoder alike",
        ),
    ],
)  # fmt: skip
def test_a_mechanism_in_a_line(text, expected, tmp_path):
    lay_out(tmp_path)
    path = tmp_path / add(tmp_path, "one", text)
    assert summary(load(path).config) == expected
