"""A small HTTP server that answers what a test tells it to: for the rules of the HTTP layer, below any system."""

from __future__ import annotations

import json
import threading
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self

from httpclient import Call, ClientOptions, Credential, Dialect, HeaderKey, HttpClient, RetryPolicy, Timeouts
from httpclient.responses import Response

CANARY = "canary-3f9d7c1e5a"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    #: "drop" ends the connection without an answer, "hang" gives none until the stub stops, "cut" ends it within the body
    end: Literal["whole", "drop", "hang", "cut"] = "whole"

    def payload(self) -> bytes:
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True)
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Stub:
    def __init__(self) -> None:
        self.replies: deque[Reply] = deque()
        #: What each path is answered, for calls that may come in any order.
        self.by_path: Callable[[str], Reply] | None = None
        self.seen: list[Seen] = []
        self.connections = 0
        self._stopping = threading.Event()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # head and body are two writes: the second would wait for an acknowledgement

            def setup(self) -> None:
                stub.connections += 1
                super().setup()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

            def answer(self) -> None:
                content = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                stub.seen.append(Seen(self.command, self.path, headers, content))
                reply = stub._reply(self.path)
                if reply.end in {"drop", "hang"}:
                    if reply.end == "hang":
                        stub._stopping.wait()
                    self.close_connection = True
                    return
                payload = reply.payload()
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                extra = 100 if reply.end == "cut" else 0
                self.send_header("Content-Length", str(len(payload) + extra))
                self.end_headers()
                self.wfile.write(payload)
                self.close_connection = self.close_connection or reply.end == "cut"

            do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the base class's names

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def _reply(self, path: str) -> Reply:
        if self.by_path is not None:
            return self.by_path(path)
        return self.replies.popleft() if self.replies else Reply(599, {"message": "the test told no answer"})

    def will(self, *replies: Reply) -> None:
        self.replies.extend(replies)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


READ = Call(method="GET", route="/things/{thing}", path={"thing": "1"})
CREATE = Call(method="POST", route="/things", body={"name": "x"}, idempotent=False)
ADD = Call(method="POST", route="/things/{thing}/members", path={"thing": "1"}, body={"op": "add"})
#: long enough for a loaded machine
TIMEOUTS = Timeouts.of(connect=120, read=120)
#: for answers that never come
HASTY = Timeouts.of(connect=10, read=0.3)


def texts_of(failure: BaseException) -> str:
    """Everything a report of this failure could hold: of each cause its words, its members, and our frames' variables."""
    texts: list[str] = []
    link: BaseException | None = failure
    while link is not None:
        frames = traceback.TracebackException.from_exception(link, capture_locals=True).stack
        texts += [str(link), repr(link), repr(vars(link))]
        texts += [f"{frame.line} {frame.locals}" for frame in frames if "/tests/" not in frame.filename]
        link = link.__cause__ or link.__context__
    return "\n".join(texts)


def client_of(
    base_url: str,
    *,
    credential: Credential | None = None,
    options: ClientOptions | None = None,
    tries: int = 1,
    refused: bool = False,
) -> HttpClient:
    def remedy(answer: Response) -> str | None:
        return "Correct it." if refused and answer.headers.get("x-refused") == "yes" else None

    client = HttpClient(
        system="jira",
        base_url=base_url,
        credential=credential or HeaderKey("x-api-key", CANARY),
        options=options or ClientOptions(timeouts=TIMEOUTS, retry_policy=RetryPolicy.without_waits(tries)),
        headers={"X-Force-Accept-Language": "true"},
        dialect=Dialect(credential_remedy=remedy),
    )
    _opened.append(client)
    return client


_opened: list[HttpClient] = []


def close_clients() -> None:
    """Close every client that was made since the last time."""
    while _opened:
        _opened.pop().close()
