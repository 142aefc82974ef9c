"""A hub for tests: repositories in memory, real HTTP on loopback, faults on demand.

The real `datasets` and `huggingface_hub` talk to it, in a process of their own because they read
HF_ENDPOINT when they are imported: `Reader` starts this file as that process, which answers one
JSON line for each JSON line that it receives.
"""

import hashlib
import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

ROOT = Path(__file__).parents[2]


@dataclass
class Fault:
    """What happens to the next `times` requests whose "METHOD path" matches."""

    pattern: str
    times: int = 1  # -1: forever
    status: int = 0
    retry_after: int | None = None
    cut_after: int | None = None  # bytes of the body, then the connection is closed
    reset: bool = False  # closed by a TCP reset


@dataclass
class Repository:
    """The files of one revision."""

    files: dict[str, bytes]
    token: str | None = None  # None: public

    @property
    def commit(self) -> str:
        digest = hashlib.sha1()
        for name, data in sorted(self.files.items()):
            digest.update(name.encode() + b"\0" + hashlib.sha1(data).digest())
        return digest.hexdigest()


@dataclass
class Hub:
    """The server; a context manager."""

    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    ranges: bool = True

    def __enter__(self) -> Self:
        handler = type("BoundHandler", (Handler,), {"hub": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]  # hang-ups
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def add(
        self,
        name: str,
        files: dict[str, bytes],
        *,
        revision: str = "main",
        token: str | None = None,
    ) -> str:
        """Publish a data set; returns its id."""
        self.repositories[name, revision] = Repository(files, token)
        return name

    def sent(self, pattern: str) -> int:
        """Bytes of the bodies of matching requests."""
        return sum(r["sent"] for r in self.requests if re.search(pattern, r["what"]))

    def calm(self) -> None:
        """Forget faults and requests."""
        self.faults.clear()
        self.requests.clear()
        self.ranges = True


class Refusal(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for an acknowledgement

    def do_GET(self) -> None:
        self.record = {"what": f"{self.command} {self.path}", "sent": 0}
        self.hub.requests.append(self.record)
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.fault = self._fault()
        try:
            if self.fault and self.fault.status:
                raise Refusal(self.fault.status, "")
            self._route()
        except Refusal as refusal:
            after = self.fault.retry_after if self.fault else None
            headers = {"X-Error-Code": refusal.code, "X-Error-Message": refusal.code or "on demand"}
            headers |= {} if after is None else {"Retry-After": str(after)}
            self._send(refusal.status, b"{}", headers)

    do_HEAD = do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Log nothing: tests read Hub.requests."""

    def _fault(self) -> Fault | None:
        for fault in self.hub.faults:
            if fault.times and re.search(fault.pattern, self.record["what"]):
                fault.times -= fault.times > 0
                return fault
        return None

    def _send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = self.fault.cut_after if self.fault else None
        self.wfile.write(data[:cut])
        self.record["sent"] = len(data[:cut])
        if cut is not None and cut < len(data):
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        if self.fault and self.fault.reset:
            time.sleep(0.05)  # let the data already sent arrive
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
        else:
            self.connection.shutdown(socket.SHUT_RDWR)

    def _route(self) -> None:
        url = urlsplit(self.path)
        resolve = re.fullmatch(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", url.path)
        if resolve:
            return self._file(resolve[1], unquote(resolve[2]), unquote(resolve[3]))
        api = re.fullmatch(
            r"/api/datasets/([^/]+/[^/]+)(?:/(revision|tree|paths-info)/([^/]+)/?(.*))?", url.path
        )
        if not api:
            raise Refusal(404, "")
        name, what, revision = api[1], api[2] or "revision", unquote(api[3] or "main")
        repository = self._repository(name, revision)
        if what == "revision":
            return self._json(self._info(name, repository))
        self._admit(repository)
        if what == "tree":
            recursive = "recursive=true" in url.query.lower()
            return self._json(self._tree(repository, unquote(api[4]), recursive))
        paths = parse_qs(self.body.decode()).get("paths") or json.loads(self.body)["paths"]
        entries = self._tree(repository, "", recursive=True)
        return self._json([entry for entry in entries if entry["path"] in paths])

    def _json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _repository(self, name: str, revision: str) -> Repository:
        mine = {rev: repo for (id_, rev), repo in self.hub.repositories.items() if id_ == name}
        if not mine:
            raise Refusal(404, "RepoNotFound")
        found = mine.get(revision) or {r.commit: r for r in mine.values()}.get(revision)
        if not found:
            raise Refusal(404, "RevisionNotFound")
        return found

    def _admit(self, repository: Repository) -> None:
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if repository.token is not None and given != repository.token:
            raise Refusal(403 if given else 401, "GatedRepo")

    def _info(self, name: str, repository: Repository) -> dict[str, Any]:
        siblings = [{"rfilename": path, "size": len(d)} for path, d in repository.files.items()]
        return {"id": name, "sha": repository.commit, "siblings": siblings, "private": False,
                "tags": [], "downloads": 0, "likes": 0}  # fmt: skip

    def _tree(self, repository: Repository, folder: str, recursive: bool) -> list[dict[str, Any]]:
        prefix = f"{folder}/" if folder else ""
        folders = {str(up) for path in repository.files for up in PurePosixPath(path).parents}
        paths = [p for p in sorted({*repository.files, *folders} - {"."}) if p.startswith(prefix)]
        if folder and not paths:
            raise Refusal(404, "EntryNotFound")
        return [
            {"type": "file" if path in repository.files else "directory", "path": path,
             "oid": hashlib.sha1(path.encode()).hexdigest(),
             "size": len(repository.files.get(path, b""))}
            for path in paths if recursive or "/" not in path[len(prefix):]
        ]  # fmt: skip

    def _file(self, name: str, revision: str, path: str) -> None:
        repository = self._repository(name, revision)
        self._admit(repository)
        data = repository.files.get(path)
        if data is None:
            raise Refusal(404, "EntryNotFound")
        headers = {
            "ETag": f'"{hashlib.sha1(data).hexdigest()}"',
            "X-Repo-Commit": repository.commit,
        }
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not (wanted and self.hub.ranges):
            return self._send(200, data, headers)
        start, stop = int(wanted[1]), min(int(wanted[2]) + 1, len(data))
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
        return self._send(206, data[start:stop], headers)


class Reader:
    """A process that reads corpora from a hub; a context manager."""

    def __init__(self, url: str, home: Path, **environment: str) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.upper().startswith(("HF_", "HTTP"))}
        ours = {"HF_ENDPOINT": url, "HF_HOME": str(home), "PYTHONPATH": str(ROOT), "NO_PROXY": "*"}
        self.environment = {**kept, **ours, "HF_HUB_DISABLE_TELEMETRY": "1", **environment}

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, __file__], env=self.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate(timeout=30)

    def read(self, corpus: str, *, home: Path | None = None, **data: Any) -> "Outcome":
        """What `read_corpus` gives for this `data` section; `home` stands for HF_HOME."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        question = {"data": {"corpus": corpus, **data}, "home": str(home) if home else None}
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "the reading process died; its traceback is above"
        return Outcome(**json.loads(answer))


@dataclass
class Outcome:
    """A corpus, or the error instead (a traceback where nmt has a bug)."""

    pairs: dict[str, list[list[str]]]
    origin: dict[str, Any]
    warnings: list[str]
    error: str
    kind: str
    seconds: float


def answer(question: dict[str, Any]) -> Outcome:
    """Read one corpus, in the process started from this file."""
    import logging
    from dataclasses import asdict

    from huggingface_hub import constants

    from nmt.config import DataConfig
    from nmt.data.corpus.types import SPLITS
    from nmt.data.read import read_corpus
    from nmt.errors import NmtError

    if question["home"]:
        constants.HF_HOME = question["home"]  # read at every call by nmt's own store
    warnings: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: warnings.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("nmt").handlers = [handler]
    started = time.monotonic()
    outcome = Outcome({}, {}, warnings, "", "", 0.0)
    try:
        corpus = read_corpus(DataConfig(**question["data"]), seed=1)
        outcome.pairs = {name: [list(pair) for pair in corpus.split(name)] for name in SPLITS}
        outcome.origin = asdict(corpus.origin)
    except NmtError as error:
        outcome.error, outcome.kind = str(error), type(error).__name__
    except Exception as error:
        outcome.error, outcome.kind = traceback.format_exc(), type(error).__name__
    outcome.seconds = time.monotonic() - started
    return outcome


def main() -> None:
    """Answer requests until there are no more."""
    from dataclasses import asdict

    replies = os.dup(1)
    os.dup2(2, 1)  # nothing else may write among the replies
    with suppress(KeyboardInterrupt):
        for line in sys.stdin:
            reply = json.dumps(asdict(answer(json.loads(line)))) + "\n"
            os.write(replies, reply.encode())


if __name__ == "__main__":
    main()
