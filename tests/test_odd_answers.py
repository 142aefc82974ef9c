"""Numbers and answers from outside that are not what they seem."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from nmt.cli.decoding import changed
from nmt.config import DataConfig, DecodingConfig
from nmt.data.hub import client as network
from nmt.data.hub import copies, read
from nmt.data.tokenizers.word_vectors import inspect
from nmt.errors import DataError, UsageError
from nmt.workflows.data import choose

NOT_SECONDS = ["²", "٣", "3.5", "-1", " 3", "9" * 400, "Wed, 21 Oct 2026 07:28:00 GMT", ""]  # noqa: RUF001


@pytest.mark.parametrize("text", NOT_SECONDS)
def test_values_that_are_not_seconds_are_ignored(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = network.first_seconds()
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", text)
    assert network.first_seconds() == usual
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "7")
    assert network.first_seconds() == 7


@pytest.mark.parametrize("text", ["\u00b2", "3.5", "9" * 400])
def test_a_busy_hub_with_an_invalid_retry_after_is_asked_again(text: str) -> None:
    headers = [(b"Retry-After", text.encode("latin-1"))]
    busy = network.httpx.MockTransport(lambda request: network.httpx.Response(503, headers=headers))
    client = network.PatientClient(transport=busy)
    with client:
        trouble = client._try(client.build_request("GET", "http://hub.invalid/"), {})
    assert "answers 503" in str(trouble)
    assert trouble.pause is None


def test_a_hub_that_names_no_commit_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NMT_CACHE", str(tmp_path))
    silent = SimpleNamespace(sha=None, siblings=None)
    monkeypatch.setattr(network, "first_answer", lambda ask, seconds: silent)
    with pytest.raises(DataError, match="the hub reports no commit for it"):
        read._ask(copies.CorpusCopies(DataConfig(corpus="own/set")))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam_size": 1001}, "--beam-size: input should be less than or equal to 1000"),
        ({"length_penalty": 1e300}, "--length-penalty: input should be less than or equal to 10"),
        (
            {"engine": "\x1b[2J"},
            r"--engine: '\x1b[2J' contains the control character U+001B: remove",
        ),
        ({"engine": "torch", "precision": "int8"}, "engine torch has no precision int8"),
    ],
)
def test_an_impossible_option_is_one_line(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        changed(DecodingConfig(), **options)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["own/\x1b[2J", "own\n/set", "own/\udcff", "x" * 5000])
def test_a_corpus_that_has_no_name_is_one_line(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        choose(name)
    assert str(caught.value).isprintable()
    with pytest.raises(UsageError):
        choose("own/set", revision=name)


def test_endless_digits_are_not_the_sizes_of_word_vectors(tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text(f"{'9' * 5000} {'9' * 5000}\ncat 1 2\n", encoding="utf-8")
    with pytest.raises(DataError, match="vectors.txt"):
        inspect(path)
