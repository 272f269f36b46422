"""The control door: look into the simulated systems and disturb them, over HTTP on the loopback alone."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator.actions import describe_actions
from simulator.calls import CallLog
from simulator.faults import Fault, Faults, RateLimit
from simulator.jsontext import JsonResponse, json_document
from simulator.provisioning import Connection, Provisioning
from simulator.switches import change_switches, describe_switches
from simulator.systems import act, dump, load, system_of
from simulator.world import World

Handler = Callable[[Request], Awaitable[Response]]
M = TypeVar("M", bound=BaseModel)


class _RefusedError(ValueError):
    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Control:
    """What the control door can do with the running systems."""

    def __init__(
        self,
        worlds: Mapping[str, World],
        *,
        faults: Faults,
        calls: CallLog,
        provisioning: Provisioning,
        state_file: Path | None,
    ) -> None:
        self._provisioning = provisioning
        self._worlds = worlds
        self._faults = faults
        self._calls = calls
        self._state_file = state_file

    def app(self) -> Starlette:
        """Return the door as an application."""
        routes: list[tuple[str, str, Handler]] = [
            ("GET", "/health", self._health),
            ("GET", "/state", self._state),
            ("GET", "/state/{system}", self._state),
            ("PUT", "/state/{system}", self._load),
            ("POST", "/dump", self._dump),
            ("GET", "/faults", self._list_faults),
            ("POST", "/faults", self._add_fault),
            ("DELETE", "/faults", self._clear_faults),
            ("GET", "/faults/{id}", self._wait_for_fault),
            ("DELETE", "/faults/{id}", self._remove_fault),
            ("POST", "/faults/{id}/release", self._release),
            ("POST", "/limits", self._add_limit),
            ("POST", "/latency", self._latency),
            ("GET", "/switches/{system}", self._switches),
            ("PATCH", "/switches/{system}", self._switch),
            ("GET", "/requests", self._requests),
            ("DELETE", "/requests", self._reset_requests),
            ("GET", "/provisioning", self._provisioned),
            ("PUT", "/provisioning", self._connect),
            ("POST", "/provisioning/retry", self._retry),
            ("GET", "/actions/{system}", self._actions),
            ("POST", "/actions/{system}", self._act),
        ]
        return Starlette(
            routes=[Route(path, _door(do), methods=[verb]) for verb, path, do in routes],
            # A page in somebody's browser must not reach the door by a name that it lets resolve to this machine.
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
        )

    def truth(self) -> dict[str, Any]:
        """Return the state of every system as plain JSON."""
        return {name: dump(world) for name, world in self._worlds.items()}

    def write_state(self) -> Path | None:
        """Write the truth to the state file, if there is one, and say where."""
        if self._state_file is not None:
            part = self._state_file.with_name(self._state_file.name + ".part")
            part.write_text(json.dumps(self.truth(), indent=1) + "\n", encoding="utf-8")
            part.replace(self._state_file)
        return self._state_file

    def _world(self, request: Request) -> World:
        name = request.path_params["system"]
        if name not in self._worlds:
            raise _RefusedError(f"No system {name!r} runs here. Running: {', '.join(self._worlds)}.", 404)
        return self._worlds[name]

    async def _health(self, _: Request) -> Response:
        return JsonResponse({"status": "ok", "systems": list(self._worlds)})

    async def _state(self, request: Request) -> Response:
        if "system" in request.path_params:
            return JsonResponse(dump(self._world(request)))
        return JsonResponse(self.truth())

    async def _load(self, request: Request) -> Response:
        load(self._world(request), await _body(request))
        return Response(status_code=204)

    async def _dump(self, _: Request) -> Response:
        if (file := self.write_state()) is None:
            raise _RefusedError("There is no state file. Start the simulator with --state FILE.", 409)
        return JsonResponse({"file": str(file)})

    async def _list_faults(self, _: Request) -> Response:
        return JsonResponse(self._faults.view())

    async def _add_fault(self, request: Request) -> Response:
        return JsonResponse({"id": self._faults.add(_parsed(Fault, await _body(request)))}, status_code=201)

    async def _add_limit(self, request: Request) -> Response:
        return JsonResponse({"id": self._faults.limit(_parsed(RateLimit, await _body(request)))}, status_code=201)

    async def _clear_faults(self, _: Request) -> Response:
        self._faults.clear()
        return Response(status_code=204)

    async def _wait_for_fault(self, request: Request) -> Response:
        """Return one fault; ?holding=n or ?played=n waits (up to ?timeout=seconds) until that many are."""
        query = request.query_params
        ident = request.path_params["id"]
        await asyncio.to_thread(
            self._faults.wait_until,
            ident,
            holding=int(query.get("holding", 0)),
            played=int(query.get("played", 0)),
            timeout=float(query.get("timeout", 5)),
        )
        return JsonResponse(self._faults.get(ident).view())

    async def _remove_fault(self, request: Request) -> Response:
        self._faults.remove(request.path_params["id"])
        return Response(status_code=204)

    async def _release(self, request: Request) -> Response:
        details = await _body(request)
        self._faults.release(request.path_params["id"], drop=bool(details.get("drop", False)))
        return Response(status_code=204)

    async def _latency(self, request: Request) -> Response:
        details = await _body(request)
        self._faults.latency(float(details["latency_ms"]), str(details.get("system", "*")))
        return Response(status_code=204)

    async def _switches(self, request: Request) -> Response:
        switches = self._world(request).switches
        if "describe" in request.query_params:
            return JsonResponse(describe_switches(switches))
        return JsonResponse(switches.model_dump(mode="json"))

    async def _switch(self, request: Request) -> Response:
        switches = self._world(request).switches
        change_switches(switches, **await _body(request))
        return JsonResponse(switches.model_dump(mode="json"))

    async def _requests(self, request: Request) -> Response:
        query = request.query_params
        return JsonResponse(self._calls.view(int(query.get("last", 100)), query.get("system")))

    async def _reset_requests(self, _: Request) -> Response:
        self._calls.reset()
        return Response(status_code=204)

    async def _provisioned(self, _: Request) -> Response:
        self._provisioning.run()
        return JsonResponse(self._provisioning.view())

    async def _connect(self, request: Request) -> Response:
        self._provisioning.connect(_parsed(Connection, await _body(request)))
        return JsonResponse(self._provisioning.view())

    async def _retry(self, _: Request) -> Response:
        return JsonResponse({"changed": self._provisioning.retry()})

    async def _actions(self, request: Request) -> Response:
        return JsonResponse(describe_actions(system_of(self._world(request)).ACTIONS))

    async def _act(self, request: Request) -> Response:
        world = self._world(request)
        details = await _body(request)
        action = str(details.pop("do", ""))
        self._provisioning.run()
        done = act(world, action, **details)
        self._provisioning.run()
        return JsonResponse(done)


def _door(handler: Handler) -> Handler:
    """Turn what goes wrong inside into a sentence for the caller."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except _RefusedError as refused:
            return JsonResponse({"error": str(refused)}, status_code=refused.status)
        except (ValueError, TypeError) as wrong:
            return JsonResponse({"error": str(wrong)}, status_code=400)
        except KeyError as missing:
            return JsonResponse({"error": f"Not found: {missing.args[0]}."}, status_code=404)

    return answer


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    try:
        document = json_document(raw or b"{}")
    except ValueError as exc:
        raise _RefusedError(f"The body is not JSON: {exc}.") from exc
    if not isinstance(document, dict):
        raise _RefusedError("The body has to be a JSON object.")
    return document


def _parsed(model: type[M], document: dict[str, Any]) -> M:
    try:
        return model.model_validate(document)
    except ValidationError as exc:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}" for error in exc.errors(include_url=False)
        )
        raise _RefusedError(f"Not a {model.__name__}: {problems}.") from exc
