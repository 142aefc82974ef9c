"""How long nmt waits for the Hugging Face hub, and how often it asks again.

Left alone, the hub's library takes 23 seconds to notice a refused connection and more than six
minutes to give up on a silent one, and it does not ask again after a reset. Every request that
`huggingface_hub` or `datasets` makes goes through the client below instead: short time limits,
three tries, and then `HubUnreachable`, which those libraries know nothing of and so let through.
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
    from huggingface_hub.utils import httpx  # httpx or httpx2: the one that the hub's library uses

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")

PAUSES = (0.3, 1.0)  # seconds before the second and the third try, the last
CONNECT_SECONDS = 4.0
SILENCE_SECONDS = 10.0  # between two pieces of an answer
FIRST_SILENCE_SECONDS = 5.0  # of a hub that has not answered yet
NAME_SECONDS = 3.0  # more, for looking up the host's name and a second try
FIRST_SECONDS_WITH_COPY = 2.0
SIDE_SECONDS = 1.0  # for requests that are not about a data set: nobody depends on them
LONGEST_PAUSE = 30.0  # that a busy hub may ask for
BUSY = {408, 429}  # and all from 500 on


def endpoint() -> str:
    """The hub's address for messages, such as https://huggingface.co, without credentials."""
    return server(constants.ENDPOINT)


def offline() -> bool:
    """Whether the environment forbids the network (HF_HUB_OFFLINE or HF_DATASETS_OFFLINE)."""
    asked = os.environ.get("HF_DATASETS_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}
    return asked or constants.is_offline_mode()


def first_seconds() -> float:
    """How long the hub may be silent at first; HF_HUB_ETAG_TIMEOUT, where set, says it."""
    asked = os.environ.get("HF_HUB_ETAG_TIMEOUT", "")
    return float(asked) if _is_seconds(asked) else FIRST_SILENCE_SECONDS


def _is_seconds(text: str) -> bool:
    """Whether it is a whole number of seconds that a clock can count: ASCII digits, and few."""
    return text.isascii() and text.isdecimal() and len(text) <= 9


def first_answer_seconds(*, copied: bool) -> float:
    """How long the first answer may take, all tries and the look-up of the host's name included.

    copied: whether there is a copy to fall back on; then it is not worth a long wait.
    """
    if os.environ.get("HF_HUB_ETAG_TIMEOUT"):
        return first_seconds() + NAME_SECONDS
    return FIRST_SECONDS_WITH_COPY if copied else FIRST_SILENCE_SECONDS + NAME_SECONDS


def use_patient_client() -> None:
    """Make `huggingface_hub` and `datasets` talk through `PatientClient` from now on."""
    set_client_factory(lambda: PatientClient(follow_redirects=True))


def quiet_libraries() -> None:
    """No progress bars and no advice from the hub's libraries: nmt says what matters itself."""
    import datasets
    from huggingface_hub.utils import logging as hub_logging
    from huggingface_hub.utils.tqdm import disable_progress_bars

    datasets.disable_progress_bars()
    datasets.logging.set_verbosity_error()
    datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False  # one more request, to another host
    disable_progress_bars()
    hub_logging.set_verbosity_error()


def first_answer(ask: Callable[[], Answer], *, seconds: float) -> Answer:
    """What `ask` returns, if it does so in time.

    A thread, because looking up a host's name can block for longer than any socket's limit.

    Raises:
        HubUnreachable: it did not.
    """
    outcome: list[Answer] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(ask())
        except BaseException as error:  # handed over to the thread that waits
            failure.append(error)

    thread = threading.Thread(target=run, name="first request to the hub", daemon=True)
    thread.start()
    thread.join(seconds)
    if getattr(get_session(), "answered", False):  # it is there, but busy: the client gives up
        thread.join()
    if failure:
        raise failure[0]
    if not outcome:
        raise HubUnreachable(f"{endpoint()} gave no answer in {seconds:.0f} s")
    return outcome[0]


def persistently(read: Callable[[], Answer]) -> Answer:
    """What `read` returns, read again where a download broke off.

    The client below repeats a request whose answer it reads itself; files that the libraries
    stream to the disk fail outside it.

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
    """Why a try failed, and how long the hub asks to be left alone."""

    reason: str
    pause: float | None = None
    final: bool = False


class PatientClient(httpx.Client):
    """An HTTP client that asks the hub three times, never for long, and then says why."""

    answered = False  # a hub that has answered once is worth waiting for again

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request to the hub, again after a short pause where that may help.

        Raises:
            HubUnreachable: three tries failed, or one brought no answer in time.
        """
        if offline():
            raise OfflineModeIsEnabled(
                f"no request to {server(str(request.url))}: HF_HUB_OFFLINE is set"
            )
        asked = request.extensions.get("timeout", {})
        hub = request.url.host == hostname(constants.ENDPOINT)
        about_data = hub and "/datasets/" in request.url.path
        silence = max(SILENCE_SECONDS, first_seconds()) if about_data else SIDE_SECONDS
        request.extensions["timeout"] = _limits(asked, silence)
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
        asked = response.headers.get("Retry-After", "")
        pause = float(asked) if _is_seconds(asked) else None
        response.close()
        too_long = pause is not None and pause > LONGEST_PAUSE
        wait = f", and asks to wait {asked} s" if too_long else ""
        return _Trouble(f"answers {_status(response.status_code)}{wait}", pause, final=too_long)


def _limits(asked: dict[str, float | None], silence: float) -> dict[str, float]:
    """The time limits that were asked for, or ours where those are longer."""
    limits = dict.fromkeys(("read", "write", "pool"), silence)
    limits["connect"] = min(silence, CONNECT_SECONDS)
    return {name: min(asked.get(name) or limit, limit) for name, limit in limits.items()}


def _status(code: int) -> str:
    return {429: "429 (too many requests)", 503: "503 (service unavailable)"}.get(code, str(code))


def _why(error: Exception) -> str:
    """What the operating system said, in one line."""
    return without_credentials(" ".join(str(error).split())) or type(error).__name__
