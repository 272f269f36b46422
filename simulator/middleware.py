"""The layer between the wire and a simulated system: it counts calls and plays faults."""

import asyncio
import math
import time
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simulator.calls import Call, CallLog, route_of
from simulator.faults import ArmedFault, Asked, Falsifier, Fault, Faults, RateLimit
from simulator.faulty_bodies import Answer, Client, collected, deliver
from simulator.jsontext import json_bytes

_FAULT = "simulator.fault"
"""Where a request's scope has the id of the fault that it met."""

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
        recorded = False

        def record(status: int) -> None:
            nonlocal recorded
            if not recorded:
                recorded = True
                self._calls.record(
                    Call(
                        at=at,
                        system=self._system,
                        method=scope["method"],
                        path=scope["path"],
                        query=scope["query_string"].decode("latin-1"),
                        route=route_of(scope),
                        status=status,
                        ms=(time.perf_counter() - began) * 1000,
                        fault=scope.get(_FAULT),
                    )
                )

        status = 0

        async def watching(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif not message.get("more_body", False):
                record(status)  # before the client has the whole answer, so that it finds its call in the log
            await send(message)

        try:
            if self._faults.active:
                await self._disturbed(scope, receive, watching)
            else:
                await self._app(scope, receive, watching)
        except (asyncio.CancelledError, ClientDisconnect):
            # Only the end of the simulator cancels a request; either way the connection is gone by then.
            scope[_FAULT] = "disconnected"
        finally:
            record(status)

    async def _disturbed(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        body, receive = await _with_whole_body(receive)
        if delay := self._faults.delay_of(self._system):
            await asyncio.sleep(delay)
        if limited := self._faults.limited(self._system, method, path):
            limit, seconds = limited
            answer = self._answer(limit.status, None, None, {**limit.headers, **_retry_after(limit, seconds)})
            scope[_FAULT] = "rate-limit"
            await answer.send(send)
            return
        armed = self._faults.pick(self._system, method, path, scope["query_string"].decode("latin-1"))
        if armed is None and self._faults.falsifier is not None:
            asked = Asked(self._system, method, path, scope["query_string"].decode("latin-1"), body)
            await self._falsified(self._faults.falsifier, asked, Client(scope, receive, send))
            return
        if armed is None:
            await self._app(scope, receive, send)
            return
        scope[_FAULT] = armed.id
        if armed.fault.latency_ms:
            await asyncio.sleep(armed.fault.latency_ms / 1000)
        await self._play(armed, Client(scope, receive, send))

    async def _falsified(self, falsifier: Falsifier, asked: Asked, client: Client) -> None:
        scope, sent = client.scope, client.scope["query_string"]
        scope["query_string"] = falsifier.query(asked).encode("latin-1")
        whole = await collected(self._app, client)
        scope["query_string"] = sent
        told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in whole.headers}
        headers, body = falsifier.answer(asked, route_of(scope), whole.status, told, whole.body)
        lines = {**headers, "content-length": str(len(body))}
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines.items()]
        await Answer(whole.status, raw, body).send(client.send)

    async def _play(self, armed: ArmedFault, client: Client) -> None:
        fault = armed.fault
        if fault.hold == "before" and await self._held(armed):
            await client.hang_up()
        elif fault.drop == "before":
            await client.hang_up(reset=fault.reset)
        elif fault.status is not None and not fault.applied and fault.hold != "after":
            await deliver(self._made(fault), fault, client)
        else:
            await self._play_after(armed, client)

    async def _play_after(self, armed: ArmedFault, client: Client) -> None:
        fault = armed.fault
        whole = await collected(armed.replicas.get(self._system, self._app), client)
        if fault.hold == "after" and await self._held(armed):
            await client.hang_up()
        elif fault.drop == "after":
            await client.hang_up(reset=fault.reset)
        else:
            whole = whole if fault.status is None else self._made(fault)
            await deliver(whole, fault, client)

    async def _held(self, armed: ArmedFault) -> bool:
        """Wait at the gate; True when the connection is to be ended then."""
        armed.holding += 1
        self._faults.tell()
        try:
            await armed.gate.wait()
        finally:
            armed.holding -= 1
        return armed.drop_when_released

    def _made(self, fault: Fault) -> Answer:
        assert fault.status is not None
        return self._answer(fault.status, fault.body, fault.content_type, fault.headers)

    def _answer(self, status: int, body: Any, content_type: str | None, headers: dict[str, str]) -> Answer:
        if body is None:
            body = self._error_body(status, _phrase(status))
        raw = body.encode() if isinstance(body, str) else json_bytes(body)
        if content_type is None:
            content_type = (
                "text/html" if isinstance(body, str) and body.lstrip().startswith("<") else "application/json"
            )
        lines = {"content-type": content_type, "content-length": str(len(raw))}
        lines.update({name.lower(): value for name, value in headers.items()})
        return Answer(status, [(name.encode(), value.encode()) for name, value in lines.items()], raw)


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


async def _with_whole_body(receive: Receive) -> tuple[bytes, Receive]:
    """Take the body in, so that a request can still be carried out after its client has gone."""
    parts: list[Message] = [await receive()]
    while parts[-1].get("more_body", False):
        parts.append(await receive())
    body = b"".join(part.get("body", b"") for part in parts)
    parts.reverse()

    async def again() -> Message:
        return parts.pop() if parts else await receive()

    return body, again
