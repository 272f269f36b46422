import time
from typing import Any, Self

import requests

from simulator.jumpcloud import World, act
from simulator.jumpcloud.world import API_KEY
from simulator.server import Simulators

UNKNOWN = "ffffffffffffffffffffffff"


class Clock:
    """The world's time, which a test can push forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead

    def pass_by(self, seconds: float) -> None:
        self.ahead += seconds


class JumpCloud:
    """What a client of the real service does: requests to paths, with a key."""

    def __init__(self, simulators: Simulators, world: World) -> None:
        self.simulators = simulators
        self.world = world
        self.url = simulators.jumpcloud_url
        self.session = requests.Session()
        self.session.headers["x-api-key"] = API_KEY

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, self.url + path, timeout=300, **options)

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.call("GET", path, params=params)

    def v2(self, path: str, **params: Any) -> requests.Response:
        return self.get("/api/v2" + path, **params)

    def post(self, path: str, body: Any = None, **options: Any) -> requests.Response:
        return self.call("POST", path, json=body, **options)

    def switch(self, **switches: Any) -> None:
        control = self.simulators.control_url + "/switches/jumpcloud"
        answer = requests.patch(control, json=switches, timeout=300)
        assert answer.status_code == 200, answer.text

    def act(self, verb: str, **details: Any) -> dict[str, Any]:
        found: dict[str, Any] = act(self.world, verb, **details)
        return found

    def user(self, name: str = "ada", **fields: Any) -> str:
        ident: str = self.act("add_user", email=f"{name}@example.com", **fields)["id"]
        return ident

    def group(self, name: str = "Admins", **fields: Any) -> str:
        ident: str = self.act("add_group", name=name, **fields)["id"]
        return ident

    def change(self, group: str, op: str, user: str) -> requests.Response:
        return self.post(f"/api/v2/usergroups/{group}/members", {"op": op, "type": "user", "id": user})

    def members(self, group: str, **params: Any) -> list[str]:
        answer = self.v2(f"/usergroups/{group}/members", limit=100, **params)
        assert answer.status_code == 200, answer.text
        return [item["to"]["id"] for item in answer.json()]

    def events(self, **query: Any) -> list[dict[str, Any]]:
        body = {"service": ["all"], "start_time": "2020-01-01T00:00:00Z", **query}
        answer = self.post("/insights/directory/v1/events", body)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found
