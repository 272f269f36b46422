"""How an answer leaves: whole, cut, broken off, slowly, endlessly or inflated."""

import asyncio
import gzip
from dataclasses import dataclass
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simulator.faults import Fault
from simulator.wire import TRANSPORT

_BLANKS = b" " * 65_536
_SHORTEST_TICK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer before it leaves."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    async def send(self, send: Send) -> None:
        """Send the answer as it is."""
        await send(self.start())
        await send({"type": "http.response.body", "body": self.body})

    def start(self, *, without: bytes = b"", **replaced: str) -> Message:
        """Return the first message, with headers replaced (`content_length`) or left out."""
        new = [(name.replace("_", "-").encode(), value.encode()) for name, value in replaced.items()]
        gone = {without, *(name for name, _ in new)}
        kept = [(name, value) for name, value in self.headers if name.lower() not in gone]
        return {"type": "http.response.start", "status": self.status, "headers": [*kept, *new]}


@dataclass(frozen=True, slots=True)
class Client:
    """The one that waits for the answer."""

    scope: Scope
    receive: Receive
    send: Send

    async def hang_up(self, *, reset: bool = False) -> None:
        """End the connection, and come back only when the server has noticed, so that it adds no answer of its own."""
        transport = self.scope[TRANSPORT]
        if reset:
            transport.abort()
        else:
            transport.close()
        await self.gone()

    async def gone(self) -> None:
        """Wait until the client has left."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def send_body(self, body: bytes, *, more: bool = False) -> None:
        """Send a piece of the body; the last one unless `more` come."""
        await self.send({"type": "http.response.body", "body": body, "more_body": more})


async def collected(app: ASGIApp, client: Client) -> Answer:
    """Return the whole answer of an application."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(client.scope, client.receive, keep)
    body = b"".join(message.get("body", b"") for message in messages[1:])
    return Answer(messages[0]["status"], list(messages[0]["headers"]), body)


async def deliver(answer: Answer, fault: Fault, client: Client) -> None:
    """Send an answer in the way that a fault asks for."""
    if fault.truncate_to is not None:
        await client.send(answer.start(content_length=str(fault.truncate_to)))
        await client.send_body(answer.body[: fault.truncate_to])
    elif fault.break_after is not None:
        await client.send(answer.start())
        await client.send_body(answer.body[: fault.break_after], more=True)
        await client.hang_up()
    elif fault.bytes_per_second is not None and fault.slow_from == "start":
        await _write_slowly(_on_the_wire(answer), fault.bytes_per_second, client)
    elif fault.bytes_per_second is not None:
        await _send_slowly(answer, fault.bytes_per_second, client)
    elif fault.endless:
        await _send_endlessly(answer, client)
    elif fault.inflate_to is not None:
        packed = gzip.compress(answer.body + b" " * max(0, fault.inflate_to - len(answer.body)))
        await client.send(answer.start(content_length=str(len(packed)), content_encoding="gzip"))
        await client.send_body(packed)
    else:
        await answer.send(client.send)


async def _send_slowly(answer: Answer, bytes_per_second: float, client: Client) -> None:
    gone = asyncio.ensure_future(client.gone())
    step = _step(bytes_per_second)
    await client.send(answer.start())
    for place in range(0, len(answer.body), step):
        if await _passed(step / bytes_per_second, gone):
            return
        await client.send_body(answer.body[place : place + step], more=True)
    gone.cancel()
    await client.send_body(b"")


async def _write_slowly(raw: bytes, bytes_per_second: float, client: Client) -> None:
    """Write past the server's protocol, which sends the status line and the headers only as a whole."""
    gone = asyncio.ensure_future(client.gone())
    step = _step(bytes_per_second)
    transport = client.scope[TRANSPORT]
    for place in range(0, len(raw), step):
        if await _passed(step / bytes_per_second, gone):
            return
        transport.write(raw[place : place + step])
    transport.close()
    await gone


async def _send_endlessly(answer: Answer, client: Client) -> None:
    gone = asyncio.ensure_future(client.gone())
    await client.send(answer.start(without=b"content-length"))
    await client.send_body(answer.body, more=True)
    while not await _passed(0, gone):
        await client.send_body(_BLANKS, more=True)


def _step(bytes_per_second: float) -> int:
    return max(1, int(bytes_per_second * _SHORTEST_TICK_SECONDS))


async def _passed(seconds: float, gone: asyncio.Future[None]) -> bool:
    """Wait, and return whether the client has left meanwhile."""
    await asyncio.wait([gone], timeout=seconds)
    return gone.done()


def _on_the_wire(answer: Answer) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}".encode()]
    lines += [name + b": " + value for name, value in answer.headers]
    return b"\r\n".join([*lines, b"connection: close", b"", answer.body])
