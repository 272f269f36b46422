from collections.abc import Iterator
from typing import Any

import requests

from simulator.atlassian import World, act
from simulator.atlassian.world import ORGANIZATION_KEY
from simulator.server import Simulators

NOBODY = "712020:ffffffff-ffff-4fff-8fff-ffffffffffff"


class Atlassian:
    """What a client of the organization API does: requests to paths, with a key."""

    def __init__(self, simulators: Simulators, world: World) -> None:
        self.simulators = simulators
        self.world = world
        self.url = simulators.atlassian_url
        self.headers = {"Authorization": f"Bearer {ORGANIZATION_KEY}"}
        organization = world.jira.organization
        self.v1 = f"/admin/v1/orgs/{organization.id}"
        self.v2 = f"/admin/v2/orgs/{organization.id}"
        self.directory = f"{self.v2}/directories/{organization.directory_id}"

    def call(self, method: str, path: str, body: Any = None, **params: Any) -> requests.Response:
        return requests.request(method, self.url + path, json=body, params=params, headers=self.headers, timeout=300)

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.call("GET", path, **params)

    def post(self, path: str, body: Any = None) -> requests.Response:
        return self.call("POST", path, {} if body is None else body)

    def switch(self, **switches: Any) -> None:
        control = self.simulators.control_url + "/switches/atlassian"
        answer = requests.patch(control, json=switches, timeout=300)
        assert answer.status_code == 200, answer.text

    def act(self, verb: str, **details: Any) -> dict[str, Any]:
        found: dict[str, Any] = act(self.world, verb, **details)
        return found

    def person(self, name: str = "ada", *, managed: bool = True, products: tuple[str, ...] = ()) -> str:
        """Somebody in the directory."""
        email = f"{name}@example.com"
        ident = self.act("create_user", email=email, name=name.title(), managed=managed, products=list(products))
        return str(ident["account_id"])

    def group(self, name: str = "team") -> str:
        return str(self.act("create_group", name=name)["id"])

    def users(self, **query: Any) -> list[dict[str, Any]]:
        answer = self.post(f"{self.directory}/users/search", query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]
        return found

    def user(self, account_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"{self.directory}/users/{account_id}").json()["data"]
        return found

    def walk(self, path: str, query: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
        """The pages of a search, sending the cursor alone."""
        body = query
        while True:
            answer = self.post(path, body).json()
            yield answer["data"]
            if not answer["links"].get("next"):
                return
            body = {"cursor": answer["links"]["next"]}
