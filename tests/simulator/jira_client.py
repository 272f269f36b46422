from collections.abc import Iterable
from typing import Any, Self

import requests

from simulator.jira import World, act
from simulator.jira.people import Group, User
from simulator.jira.projects import Project
from simulator.jira.world import ADMIN_EMAIL, ADMIN_TOKEN
from simulator.server import Simulators

SCOPED = "scoped"
NOBODY = "712020:00000000-0000-4000-8000-00000000dead"


def adf(*paragraphs: str) -> dict[str, Any]:
    content = [{"type": "paragraph", "content": [{"type": "text", "text": text}]} for text in paragraphs]
    return {"version": 1, "type": "doc", "content": content}


class Jira:
    """What a client of the real service does: requests to paths below an address, with a credential."""

    def __init__(self, simulators: Simulators, world: World) -> None:
        self.simulators = simulators
        self.world = world
        self.site = simulators.jira_url
        self.address = f"{self.site}/rest/api/3"
        self.session = requests.Session()
        self.log_in(ADMIN_EMAIL, ADMIN_TOKEN)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def log_in(self, email: str, token: str) -> None:
        self.session.auth = (email, token)

    def log_out(self) -> None:
        self.session.auth = None

    def scoped(self, *scopes: str, token: str = SCOPED) -> None:
        """Speak through the gateway with a scoped token from now on."""
        act(self.world, "issue_token", account=ADMIN_EMAIL, token=token, scopes=list(scopes))
        self.address = f"{self.site}/ex/jira/{self.world.site.cloud_id}/rest/api/3"
        self.log_in(ADMIN_EMAIL, token)

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, self.address + path, timeout=300, **options)

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.call("GET", path, params=params)

    def post(self, path: str, body: Any = None, **params: Any) -> requests.Response:
        return self.call("POST", path, json=body, params=params)

    def put(self, path: str, body: Any = None, **params: Any) -> requests.Response:
        return self.call("PUT", path, json=body, params=params)

    def delete(self, path: str, **params: Any) -> requests.Response:
        return self.call("DELETE", path, params=params)

    def switch(self, **switches: Any) -> None:
        answer = requests.patch(f"{self.simulators.control_url}/switches/jira", json=switches, timeout=300)
        assert answer.status_code == 200, answer.text

    def act(self, verb: str, **details: Any) -> dict[str, Any]:
        answer = requests.post(f"{self.simulators.control_url}/actions/jira", json={"do": verb, **details}, timeout=300)
        assert answer.status_code == 200, answer.text
        done: dict[str, Any] = answer.json()
        return done

    def user(self, who: str = "ada", **fields: Any) -> User:
        self.act("create_user", email=f"{who}@example.com", **fields)
        return self.world.user(f"{who}@example.com")

    def group(self, name: str = "developers", members: Iterable[User] = ()) -> Group:
        self.act("create_group", name=name)
        for each in members:
            self.act("add_member", group=name, account=each.account_id)
        return self.world.group(name)

    def project(self, key: str = "ACC", **fields: Any) -> Project:
        self.act("create_project", key=key, **fields)
        return self.world.project(key)

    def issue(self, project: str = "ACC", summary: str = "Give access", **fields: Any) -> dict[str, Any]:
        properties = fields.pop("properties", [])
        whole = {"project": {"key": project}, "issuetype": {"name": "Task"}, "summary": summary, **fields}
        answer = self.post("/issue", {"fields": whole, "properties": properties})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def found(self, jql: str, **more: Any) -> list[str]:
        answer = self.post("/search/jql", {"jql": jql, "fields": ["key"], **more})
        assert answer.status_code == 200, answer.text
        return [issue["key"] for issue in answer.json()["issues"]]

    def admin_role(self, project: str) -> str:
        names = self.get(f"/project/{project}/role").json()
        return next(str(name) for name in names if name.startswith("Administrator"))

    def status_of(self, key: str) -> str:
        name: str = self.get(f"/issue/{key}", fields="status").json()["fields"]["status"]["name"]
        return name


def messages(answer: requests.Response) -> list[str]:
    found: list[str] = answer.json()["errorMessages"]
    return found


def errors(answer: requests.Response) -> dict[str, str]:
    found: dict[str, str] = answer.json()["errors"]
    return found
