import os
from pathlib import Path

import numpy as np
import pytest

from nmt.config import TokenizerConfig
from nmt.data.batching import encoded, shards
from nmt.data.batching.encoded import encode
from nmt.data.batching.loader import BatchLoader, Position
from nmt.data.corpus.types import Bitext
from nmt.data.tokenizers.base import EOS, PAD
from nmt.data.tokenizers.learn import Tokenizer, Tokenizers, learn

TEXT = Bitext(
    ["the old garden", "", "i love you", "we see it", "the house", "you and me", "a"],
    ["le vieux jardin", "rien", "je t'aime", "on le voit", "", "toi et moi", "une maison"],
)


@pytest.fixture(scope="module")
def tokenizers() -> Tokenizers:
    return learn(TEXT, TokenizerConfig(vocabulary_size=290, joint=False), seed=1)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NMT_CACHE", str(tmp_path))
    return tmp_path / "encoded"


@pytest.mark.parametrize("chunk", [1, 3, 7, 100])
def test_each_sentence_has_the_ids_of_its_own_tokenizer(
    tokenizers: Tokenizers, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoded, "CHUNK", chunk)
    found = encode(TEXT, tokenizers)
    assert len(found) == 7
    for n, (source, target) in enumerate(TEXT):
        assert found.source[n].tolist() == tokenizers.source.encode([source])[0]
        assert found.target[n].tolist() == tokenizers.target.encode([target])[0]
    lengths = [len(tokenizers.source.encode([source])[0]) for source in TEXT.sources]
    assert found.source.lengths.tolist() == lengths
    assert found.source[0].dtype == np.int32


def test_an_empty_bitext_is_encoded_too(tokenizers: Tokenizers) -> None:
    found = encode(Bitext([], []), tokenizers)
    assert len(found) == 0
    assert found.source.lengths.tolist() == []


def test_what_was_encoded_before_is_read_from_its_file(
    tokenizers: Tokenizers, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = encode(TEXT, tokenizers)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("it encodes again")

    monkeypatch.setattr(Tokenizer, "encode_flat", never)
    after = encode(TEXT, tokenizers)
    assert len(list(own_cache.iterdir())) == 1
    for n in range(7):
        assert np.array_equal(before.source[n], after.source[n])
        assert np.array_equal(before.target[n], after.target[n])


OTHER = Bitext(["another"], ["autre"])


@pytest.mark.parametrize("harm", ["cut", "empty", "foreign", "another", "half"])
def test_a_damaged_or_foreign_file_is_recreated_with_one_line(
    tokenizers: Tokenizers, own_cache: Path, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = [encode(TEXT, tokenizers).source[n].tolist() for n in range(7)]
    (path,) = own_cache.iterdir()
    whole = path.read_bytes()
    if harm == "another":
        encode(OTHER, tokenizers)
        (other,) = set(own_cache.iterdir()) - {path}
        other.replace(path)
    else:
        harmed = {"cut": whole[:-9], "empty": b"", "foreign": b"ARROW1 of others"}
        path.write_bytes(harmed.get(harm, whole[: len(whole) // 2]))
    after = encode(TEXT, tokenizers)
    assert [message for message in caplog.messages if "damaged" in message]
    assert len(caplog.messages) == 1
    assert path.read_bytes() == whole
    assert [after.source[n].tolist() for n in range(7)] == before


def test_files_unused_for_a_month_are_deleted(tokenizers: Tokenizers, own_cache: Path) -> None:
    encode(TEXT, tokenizers)
    (old,) = own_cache.iterdir()
    encode(OTHER, tokenizers)
    for path in own_cache.iterdir():
        os.utime(path, (1, 1))
    encode(OTHER, tokenizers)  # is used again
    assert not old.exists()
    (path,) = own_cache.iterdir()
    assert path.stat().st_mtime > 1


def test_another_text_or_tokenizer_gets_another_file(
    tokenizers: Tokenizers, own_cache: Path
) -> None:
    turned = Tokenizers(tokenizers.target, tokenizers.source)
    encode(TEXT, tokenizers)
    encode(TEXT, turned)
    encode(Bitext(TEXT.sources[::-1], TEXT.targets[::-1]), tokenizers)
    assert len(list(own_cache.iterdir())) == 3


def test_batches_of_a_mapped_file_hold_its_sentences_window_by_window(
    tokenizers: Tokenizers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoded, "CHUNK", 2)
    monkeypatch.setattr(shards, "WINDOW", 3)
    with BatchLoader(encode(TEXT, tokenizers), budget=30, seed=1) as loader:
        batches = loader.take(Position(epoch=4), 99)
    assert sorted(n for batch in batches for n in batch.sentences.tolist()) == list(range(7))
    for batch in batches:
        for row, n in zip(batch.source.tolist(), batch.sentences.tolist(), strict=True):
            ids = tokenizers.source.encode([TEXT.sources[n]])[0]
            assert row == [*ids, EOS] + [PAD] * (len(row) - len(ids) - 1)


def test_a_mapping_can_be_renewed_and_outlives_its_file(
    tokenizers: Tokenizers, own_cache: Path
) -> None:
    found = encode(TEXT, tokenizers)
    again = found.remapped()
    assert again.source[2].tolist() == found.source[2].tolist()
    assert not np.shares_memory(again.source[2], found.source[2])
    for path in own_cache.iterdir():
        path.unlink()
    assert again.remapped() is again
    assert again.target[5].tolist() == found.target[5].tolist()


def test_ids_are_mapped_and_not_read_into_memory(tokenizers: Tokenizers) -> None:
    found = encode(TEXT, tokenizers)
    assert not found.source[2].flags.owndata
    assert not found.source[2].flags.writeable
