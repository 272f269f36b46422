"""The layer between the wire and a simulated system: it counts calls and plays faults."""

import asyncio
import json
import math
import time
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simulator.calls import Call, CallLog, route_of
from simulator.faults import ArmedFault, Fault, Faults, RateLimit
from simulator.wire import TRANSPORT

ErrorBody = Callable[[int, str], Any]


class Watched:
    """One simulated system, watched and disturbed."""

    def __init__(self, app: ASGIApp, *, system: str, faults: Faults, calls: CallLog, error_body: ErrorBody) -> None:
        self._app = app
        self._system = system
        self._faults = faults
        self._calls = calls
        self._error_body = error_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        at, began = time.time(), time.perf_counter()
        status = 0
        fault: str | None = None

        async def watching(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            if self._faults.active:
                fault = await self._disturbed(scope, receive, watching)
            else:
                await self._app(scope, receive, watching)
        except (asyncio.CancelledError, ClientDisconnect):
            # Only the end of the simulator cancels a request; either way the connection is gone by then.
            fault = "disconnected"
        finally:
            self._calls.record(
                Call(
                    at=at,
                    system=self._system,
                    method=scope["method"],
                    path=scope["path"],
                    query=scope["query_string"].decode("latin-1"),
                    route=route_of(scope["path"], scope.get("path_params", {})),
                    status=status,
                    ms=(time.perf_counter() - began) * 1000,
                    fault=fault,
                )
            )

    async def _disturbed(self, scope: Scope, receive: Receive, send: Send) -> str | None:
        method, path = scope["method"], scope["path"]
        receive = await _with_whole_body(receive)
        if delay := self._faults.delay_of(self._system):
            await asyncio.sleep(delay)
        if limited := self._faults.limited(self._system, method, path):
            limit, seconds = limited
            await self._answer(send, limit.status, None, None, {**limit.headers, **_retry_after(limit, seconds)})
            return "rate-limit"
        armed = self._faults.pick(self._system, method, path)
        if armed is None:
            await self._app(scope, receive, send)
            return None
        if armed.fault.latency_ms:
            await asyncio.sleep(armed.fault.latency_ms / 1000)
        await self._play(armed, scope, receive, send)
        return armed.id

    async def _play(self, armed: ArmedFault, scope: Scope, receive: Receive, send: Send) -> None:
        fault = armed.fault
        if fault.hold == "before" and await self._held(armed):
            await _hang_up(scope, receive)
        elif fault.drop == "before":
            await _hang_up(scope, receive, reset=fault.reset)
        elif fault.status is not None and not fault.applied and fault.hold != "after":
            await self._answer_with(fault, send)
        elif _only_before(fault):
            await self._app(scope, receive, send)
        else:
            await self._play_after(armed, scope, receive, send)

    async def _play_after(self, armed: ArmedFault, scope: Scope, receive: Receive, send: Send) -> None:
        fault = armed.fault
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        await self._app(scope, receive, keep)
        if fault.hold == "after" and await self._held(armed):
            await _hang_up(scope, receive)
        elif fault.drop == "after":
            await _hang_up(scope, receive, reset=fault.reset)
        elif fault.status is not None:
            await self._answer_with(fault, send)
        elif fault.truncate_to is not None:
            await send(_with_length(kept[0], fault.truncate_to))
            await send({"type": "http.response.body", "body": _body(kept)[: fault.truncate_to]})
        elif fault.break_after is not None:
            await send(kept[0])
            await send({"type": "http.response.body", "body": _body(kept)[: fault.break_after], "more_body": True})
            await _hang_up(scope, receive)
        else:
            for message in kept:
                await send(message)

    async def _held(self, armed: ArmedFault) -> bool:
        """Wait at the gate; True when the connection is to be ended then."""
        armed.holding += 1
        self._faults.tell()
        try:
            await armed.gate.wait()
        finally:
            armed.holding -= 1
        return armed.drop_when_released

    async def _answer_with(self, fault: Fault, send: Send) -> None:
        assert fault.status is not None
        await self._answer(send, fault.status, fault.body, fault.content_type, fault.headers)

    async def _answer(
        self, send: Send, status: int, body: Any, content_type: str | None, headers: dict[str, str]
    ) -> None:
        if body is None:
            body = self._error_body(status, _phrase(status))
        raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        if content_type is None:
            content_type = (
                "text/html" if isinstance(body, str) and body.lstrip().startswith("<") else "application/json"
            )
        lines = {"content-type": content_type, "content-length": str(len(raw))}
        lines.update({name.lower(): value for name, value in headers.items()})
        raw_headers = [(name.encode(), value.encode()) for name, value in lines.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw_headers})
        await send({"type": "http.response.body", "body": raw})


def _only_before(fault: Fault) -> bool:
    return not (
        fault.drop
        or fault.hold == "after"
        or fault.applied
        or fault.truncate_to is not None
        or fault.break_after is not None
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _retry_after(limit: RateLimit, seconds: float) -> dict[str, str]:
    if limit.retry_after == "none":
        return {}
    whole = math.ceil(seconds)
    if limit.retry_after == "seconds":
        return {"retry-after": str(whole)}
    return {"retry-after": formatdate(time.time() + whole, usegmt=True)}


def _body(messages: list[Message]) -> bytes:
    return b"".join(message.get("body", b"") for message in messages[1:])


def _with_length(start: Message, length: int) -> Message:
    headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
    return {**start, "headers": [*headers, (b"content-length", str(length).encode())]}


async def _with_whole_body(receive: Receive) -> Receive:
    """Take the body in, so that a request can still be carried out after its client has gone."""
    parts: list[Message] = [await receive()]
    while parts[-1].get("more_body", False):
        parts.append(await receive())
    parts.reverse()

    async def again() -> Message:
        return parts.pop() if parts else await receive()

    return again


async def _hang_up(scope: Scope, receive: Receive, *, reset: bool = False) -> None:
    """End the connection, and come back only when the server has noticed, so that it adds no answer of its own."""
    transport = scope[TRANSPORT]
    if reset:
        transport.abort()
    else:
        transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
