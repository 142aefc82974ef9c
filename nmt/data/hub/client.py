"""Timeouts and retries for requests to the Hugging Face hub.

By default, the hub's library takes 23 seconds to notice a refused connection and more than six
minutes to give up on a silent one, and it does not retry after a reset. Every request that
`huggingface_hub` or `datasets` makes goes through the client below instead: short timeouts, three
tries, and then `HubUnreachable`, which those libraries do not know and so let through.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from huggingface_hub import constants, get_session, set_client_factory
from huggingface_hub.errors import OfflineModeIsEnabled

from nmt.data.hub.addresses import hostname, server, without_credentials
from nmt.errors import HubUnreachable

if TYPE_CHECKING:
    import httpx2 as httpx
else:
    from huggingface_hub.utils import httpx  # httpx or httpx2, whichever the hub's library uses

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")

PAUSES = (0.3, 1.0)  # seconds before the second try and the third, which is the last
CONNECT_SECONDS = 4.0
SILENCE_SECONDS = 10.0  # between two pieces of an answer
FIRST_SILENCE_SECONDS = 5.0  # if the hub has not answered yet
NAME_SECONDS = 3.0  # in addition, for the DNS look-up and a second try
FIRST_SECONDS_WITH_COPY = 2.0
SIDE_SECONDS = 1.0  # for requests that are not about a data set: nothing depends on them
LONGEST_PAUSE = 30.0  # we give up if a busy hub asks for more
BUSY = {408, 429}  # and everything from 500


def endpoint() -> str:
    """The hub's address for messages, such as https://huggingface.co, without credentials."""
    return server(constants.ENDPOINT)


def offline() -> bool:
    """Whether the environment forbids the network (HF_HUB_OFFLINE or HF_DATASETS_OFFLINE)."""
    forbidden = os.environ.get("HF_DATASETS_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}
    return forbidden or constants.is_offline_mode()


def first_seconds() -> float:
    """How long to wait for the hub's first answer; HF_HUB_ETAG_TIMEOUT overrides it."""
    setting = os.environ.get("HF_HUB_ETAG_TIMEOUT", "")
    return float(setting) if _is_seconds(setting) else FIRST_SILENCE_SECONDS


def _is_seconds(text: str) -> bool:
    """Whether a text is a sensible whole number of seconds: ASCII digits, at most nine."""
    return text.isascii() and text.isdecimal() and len(text) <= 9


def first_answer_seconds(*, copied: bool) -> float:
    """How long the first answer may take, including all tries and the DNS look-up.

    copied: whether there is a local copy to fall back on, so that a long wait is not worth it.
    """
    if os.environ.get("HF_HUB_ETAG_TIMEOUT"):
        return first_seconds() + NAME_SECONDS
    return FIRST_SECONDS_WITH_COPY if copied else FIRST_SILENCE_SECONDS + NAME_SECONDS


def use_patient_client() -> None:
    """Make `huggingface_hub` and `datasets` use `PatientClient` from now on."""
    set_client_factory(lambda: PatientClient(follow_redirects=True))


def quiet_libraries() -> None:
    """Turn off the progress bars and warnings of the hub's libraries: nmt logs what matters."""
    import datasets
    from huggingface_hub.utils import logging as hub_logging
    from huggingface_hub.utils.tqdm import disable_progress_bars

    datasets.disable_progress_bars()
    datasets.logging.set_verbosity_error()
    datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False  # one more request, to another host
    disable_progress_bars()
    hub_logging.set_verbosity_error()


def first_answer(ask: Callable[[], Answer], *, seconds: float) -> Answer:
    """The result of `ask`, if it arrives in time.

    We use a thread because a DNS look-up can block for longer than any socket timeout.

    Raises:
        HubUnreachable: it took too long.
    """
    outcome: list[Answer] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(ask())
        except BaseException as error:  # raised again in the waiting thread
            failure.append(error)

    thread = threading.Thread(target=run, name="first request to the hub", daemon=True)
    thread.start()
    thread.join(seconds)
    if getattr(get_session(), "answered", False):  # it is up but busy: the client will give up
        thread.join()
    if failure:
        raise failure[0]
    if not outcome:
        raise HubUnreachable(f"{endpoint()} gave no answer in {seconds:.0f} s")
    return outcome[0]


def persistently(read: Callable[[], Answer]) -> Answer:
    """The result of `read`, which is retried if a download breaks off.

    The client below retries only requests whose answer it reads itself; when a library streams a
    file to the disk, the error is raised outside the client.

    Raises:
        HubUnreachable: it broke off three times.
    """
    for pause in PAUSES:
        try:
            return read()
        except httpx.TransportError as error:
            log.info("%s: %s; reading again in %.1f s", endpoint(), _why(error), pause)
            time.sleep(pause)
    try:
        return read()
    except httpx.TransportError as error:
        raise HubUnreachable(f"{endpoint()} keeps breaking off ({_why(error)})") from error


@dataclass(frozen=True)
class _Trouble:
    """Why a try failed, and how long the hub asks us to wait."""

    reason: str
    pause: float | None = None
    final: bool = False


class PatientClient(httpx.Client):
    """An HTTP client with short timeouts that tries three times and then reports the reason."""

    answered = False  # whether the hub has answered before; if so, a timeout is worth a retry

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request, and retry after a short pause if that may help.

        Raises:
            HubUnreachable: three tries failed, or the hub did not answer in time.
        """
        if offline():
            raise OfflineModeIsEnabled(
                f"no request to {server(str(request.url))}: HF_HUB_OFFLINE is set"
            )
        requested = request.extensions.get("timeout", {})
        hub = request.url.host == hostname(constants.ENDPOINT)
        about_data = hub and "/datasets/" in request.url.path
        silence = max(SILENCE_SECONDS, first_seconds()) if about_data else SIDE_SECONDS
        request.extensions["timeout"] = _limits(requested, silence)
        if not about_data:
            return super().send(request, **options)
        for usual_pause in (*PAUSES, None):
            outcome = self._try(request, options)
            if isinstance(outcome, httpx.Response):
                return outcome
            trouble = outcome
            if trouble.final or usual_pause is None:
                break
            pause = usual_pause if trouble.pause is None else trouble.pause
            log.info("%s %s; asking again in %.1f s", endpoint(), trouble.reason, pause)
            time.sleep(pause)
        raise HubUnreachable(f"{endpoint()} {without_credentials(trouble.reason)}")

    def _try(self, request: httpx.Request, options: dict[str, Any]) -> "httpx.Response | _Trouble":
        try:
            response = super().send(request, **options)
        except httpx.TimeoutException as error:
            kind = "connect" if isinstance(error, httpx.ConnectTimeout) else "read"
            limit = request.extensions["timeout"][kind]
            return _Trouble(f"gave no answer in {limit:.0f} s", final=not self.answered)
        except (httpx.ReadError, httpx.RemoteProtocolError) as error:
            return _Trouble(f"broke off ({_why(error)})")
        except httpx.TransportError as error:
            return _Trouble(f"cannot be reached ({_why(error)})")
        self.answered = True
        if response.status_code not in BUSY and response.status_code < 500:
            return response
        retry_after = response.headers.get("Retry-After", "")
        pause = float(retry_after) if _is_seconds(retry_after) else None
        response.close()
        too_long = pause is not None and pause > LONGEST_PAUSE
        wait = f", and asks to wait {retry_after} s" if too_long else ""
        return _Trouble(f"answers {_status(response.status_code)}{wait}", pause, final=too_long)


def _limits(requested: dict[str, float | None], silence: float) -> dict[str, float]:
    """The requested timeouts, but none longer than ours."""
    limits = dict.fromkeys(("read", "write", "pool"), silence)
    limits["connect"] = min(silence, CONNECT_SECONDS)
    return {name: min(requested.get(name) or limit, limit) for name, limit in limits.items()}


def _status(code: int) -> str:
    return {429: "429 (too many requests)", 503: "503 (service unavailable)"}.get(code, str(code))


def _why(error: Exception) -> str:
    """The message of an error in one line, without credentials."""
    return without_credentials(" ".join(str(error).split())) or type(error).__name__
