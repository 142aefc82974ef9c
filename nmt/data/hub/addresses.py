"""Remove credentials from addresses, for use in messages, logs, manifests and model cards.

HF_ENDPOINT and the proxy variables may hold a name and a password, and an address on the hub a
signature, while messages end up in files that people publish.
"""

import os
import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from nmt.errors import DataError

VARIABLES = ("HF_ENDPOINT", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_HUB_TOKEN")
SHORTEST = 4  # letters: shorter passwords are removed only inside addresses
HIDDEN = "***"
_CREDENTIALS = re.compile(r"([a-zA-Z][\w+.-]*://)[^\s/'\"<>]*@")
_QUERY = re.compile(r"([a-zA-Z][\w+.-]*://[^\s?'\"<>]*)\?[^\s'\"<>)]*")
_TOKEN = re.compile(r"\b(hf_|Bearer |Basic )[A-Za-z0-9._~+/=-]{6,}")


def server(url: str) -> str:
    """Only the scheme, host and port of an address.

    >>> server("http://alice:s3cret@127.0.0.1:9/hub?token=1")
    'http://127.0.0.1:9'
    """
    scheme, separator, rest = url.strip().rpartition("://")
    place = re.split(r"[/?#\s]", rest, maxsplit=1)[0]
    if "@" not in place and re.search(r":(?!\d*$)", place):  # a password with a slash in it
        place = re.split(r"[/?#\s]", rest.rpartition("@")[2], maxsplit=1)[0]
    return f"{scheme}{separator}{place.rpartition('@')[2]}"


def check_endpoint() -> None:
    """Check HF_ENDPOINT: with a malformed one, the hub's library cannot even be imported.

    Raises:
        DataError: HF_ENDPOINT is not an address.
    """
    try:
        _ = urlsplit(os.environ.get("HF_ENDPOINT", "")).port
    except ValueError:  # whose message may quote a part of a password
        raise DataError(
            "HF_ENDPOINT is not an address such as https://huggingface.co: correct it; in a "
            "password, write '/' as %2F and '@' as %40"
        ) from None


def without_credentials(text: str) -> str:
    """The message of another library, without names, passwords, tokens and signatures.

    >>> without_credentials("no answer from https://a:b@x.org/f?sig=1 says Bearer abcdef123")
    'no answer from https://x.org/f says Bearer ***'
    """
    for secret, shown in _known():
        text = text.replace(secret, shown)
    text = _QUERY.sub(r"\1", text)
    text = _CREDENTIALS.sub(r"\1", text)
    return _TOKEN.sub(rf"\g<1>{HIDDEN}", text)


def _known() -> Iterator[tuple[str, str]]:
    """The secrets in this process's environment, longest first, each with its replacement."""
    replacements: dict[str, str] = {}
    for name in (*VARIABLES, *map(str.lower, VARIABLES)):
        credentials, at, _ = os.environ.get(name, "").partition("://")[2].rpartition("@")
        if at:
            replacements[f"{credentials}@"] = ""
            password = credentials.partition(":")[2]
            for secret in (password, unquote(password)):
                if len(secret) >= SHORTEST:
                    replacements[secret] = HIDDEN
    for name in TOKENS:
        if len(token := os.environ.get(name, "")) >= SHORTEST:
            replacements[token] = HIDDEN
    yield from sorted(replacements.items(), key=lambda item: -len(item[0]))


def hostname(url: str) -> str:
    """The host of an address; empty if it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
