"""Credentials in addresses reach no message, manifest, model card or log."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from huggingface_hub import constants, set_client_factory
from huggingface_hub.utils._http import default_client_factory

from nmt.config import DataConfig
from nmt.data import read
from nmt.data.hub import client
from nmt.data.hub.addresses import server, without_credentials
from nmt.errors import DataError, HubUnreachable
from support.hub_standin import Fault, Hub

SECRETS = ("alice", "s3cret", "p%40ss", "p@ss", "hunter2")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://huggingface.co", "https://huggingface.co"),
        ("http://alice:s3cret@127.0.0.1:9", "http://127.0.0.1:9"),
        ("http://alice:s3cret@[::1]:9/hub/", "http://[::1]:9"),
        ("https://alice@hub.example/a@b", "https://hub.example"),
        ("https://alice:p@ss@hub.example", "https://hub.example"),
        ("https://alice:s3/cret@hub.example:8", "https://hub.example:8"),
        ("https://hub.example/?token=s3cret@x", "https://hub.example"),
        ("https://hub.example#s3cret", "https://hub.example"),
        ("alice:s3cret@hub.example:80", "hub.example:80"),
        ("hub.example:80/x", "hub.example:80"),
        ("", ""),
    ],
)
def test_a_server_is_scheme_host_and_port(url: str, expected: str) -> None:
    assert server(url) == expected


@pytest.mark.parametrize(
    "text",
    [
        "404 for url: http://alice:s3cret@127.0.0.1:9/api/datasets/a/b?x=s3cret (Request ID: 1)",
        "proxy socks5://alice:p%40ss@localhost:1080, then 'https://alice:s3cret@hub.example'",
        "Authorization: Bearer s3cret.s3cret, token hf_s3crets3cret, Basic YWxpY2U6czNjcmV0",
        "https://cdn.example/f?Signature=s3cret&Key-Pair-Id=alice",
        "hf://alice:s3cret@datasets/x",
    ],
)
def test_messages_of_libraries_lose_credentials_queries_and_tokens(text: str) -> None:
    found = without_credentials(text)
    assert not any(secret in found for secret in (*SECRETS, "YWxpY2U"))


def test_similar_text_stays() -> None:
    text = "hf://datasets/owner/name@0123abc/data/train.parquet of 3 files, ask me@hub.example?"
    assert without_credentials(text).startswith("hf://datasets/owner/name@0123abc/data/train.parq")
    assert without_credentials("no column 'x'; is it a?b") == "no column 'x'; is it a?b"


@pytest.mark.parametrize("variable", ["HF_ENDPOINT", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"])
def test_passwords_of_the_environment_are_recognised_in_every_spelling(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "http://alice:p%40ss/w@rd@127.0.0.1:9")
    told = "cannot reach http://alice:p%40ss/w@rd@127.0.0.1:9/x, password p@ss/w@rd"
    found = without_credentials(told)
    assert "http://127.0.0.1:9/x" in found
    assert not any(part in found for part in ("alice", "p%40ss", "p@ss", "w@rd"))


def test_the_fallback_records_no_credentials(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(config: DataConfig) -> None:
        raise HubUnreachable("own/set: http://alice:s3cret@127.0.0.1:9 cannot be reached")

    monkeypatch.setattr("nmt.data.hub.read.read_hub", unreachable)
    config = DataConfig(corpus="own/set", fallback="phrasebook")
    origin = json.dumps(asdict(read.read_raw(config).origin))
    assert "own/set: http://127.0.0.1:9 cannot be reached" in origin
    with pytest.raises(DataError) as caught:
        read.read_raw(config.model_copy(update={"fallback": None}))
    assert not any(secret in text for secret in SECRETS
                   for text in (origin, caplog.text, str(caught.value)))  # fmt: skip


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """The message for a user when the hub at an address is asked, in this process."""
    for variable in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path))
    monkeypatch.setattr(client, "PAUSES", (0.0, 0.0))

    def ask(address: str, corpus: str = "own/set", **environment: str) -> str:
        monkeypatch.setenv("HF_ENDPOINT", address)
        monkeypatch.setattr(constants, "ENDPOINT", address)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(DataError) as caught:
            read.read_raw(DataConfig(corpus=corpus))
        return str(caught.value)

    yield ask
    set_client_factory(default_client_factory)


ENDPOINTS = {
    "refused": ("http://alice:s3cret@127.0.0.1:9", "http://127.0.0.1:9 cannot be reached"),
    "no address": ("http://alice:s3cret@127.0.0.1:port", "HF_ENDPOINT is not an address"),
    "a slash": ("http://alice:s3cret/hunter2@127.0.0.1:9", "HF_ENDPOINT is not an address"),
    "no scheme": ("alice:s3cret@127.0.0.1:9", "127.0.0.1:9 cannot be reached"),
    "another scheme": ("ftp://alice:s3cret@127.0.0.1:9", "ftp://127.0.0.1:9 cannot be reached"),
}


@pytest.mark.parametrize("case", ENDPOINTS)
def test_a_failing_hub_with_a_password_is_reported_without_it(
    case: str, ask: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    address, expected = ENDPOINTS[case]
    told = ask(address)
    assert expected in told
    assert not any(secret in told + caplog.text for secret in SECRETS)
    assert "\n" not in told


def test_a_refusing_hub_with_a_password_is_reported_without_it(ask: Callable[..., str]) -> None:
    with Hub() as hub:
        hub.add("busy/set", {})
        hub.faults = [Fault("GET .*busy", times=-1, status=503), Fault("GET .*odd", status=418)]
        address = hub.url.replace("http://", "http://alice:s3cret@")
        for corpus in ("no/such", "busy/set", "odd/set"):
            told = ask(address, corpus)
            assert told.startswith(corpus)
            assert not any(secret in told for secret in SECRETS)


def test_a_proxy_with_a_password_is_reported_without_it(ask: Callable[..., str]) -> None:
    for proxy in ("http://alice:s3cret@127.0.0.1:9", "odd://alice:s3cret@127.0.0.1:9"):
        told = ask("http://hub.example", HTTP_PROXY=proxy)
        assert not any(secret in told for secret in SECRETS)
        assert "\n" not in told
