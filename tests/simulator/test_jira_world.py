import asyncio
import json
import socket
import threading

import pytest
import requests
import uvicorn

from simulator.jira import Switches, World, act, create_app, dump, load, seed
from simulator.jira.world import ADMIN_EMAIL, ADMIN_TOKEN
from tests.simulator.jira_client import Jira


def truth(world: World) -> dict[str, object]:
    return {part: value for part, value in dump(world).items() if part != "ahead"}


def seeded(**sizes: int) -> World:
    world = World(clock=lambda: 1_800_000_000.0)
    seed(world, **sizes)
    return world


def test_the_same_sizes_give_the_same_world() -> None:
    assert truth(seeded(users=30)) == truth(seeded(users=30))
    assert truth(seeded(users=30)) != truth(seeded(users=30, rng_seed=8))


def test_a_seed_is_as_large_as_asked() -> None:
    world = seeded(users=40, groups=6, projects=10, roles_per_project=7, members_per_group=12, actors_per_role=3)
    teams = [group for group in world.directory.groups_in_order() if group.name.startswith("team-")]
    assert [len(group.members) for group in teams] == [12] * 6
    assert len(world.projects.by_id) == 10
    shared = [project for project in world.projects.in_order() if not project.simplified]
    assert [len(project.roles) for project in shared] == [7] * 8
    assert all(len(actors) == 4 for project in shared for actors in project.roles.values())


def test_a_dump_is_plain_json_and_loads_into_the_same_world(jira: Jira) -> None:
    seed(jira.world, users=12)
    key = jira.issue("PA", labels=["ar-1"], properties=[{"key": "p", "value": 1}])["key"]
    jira.act("comment", issue=key, text="hello")
    jira.act("done", issue=key)
    jira.switch(short_pages=True)
    document = json.loads(json.dumps(dump(jira.world)))
    copy = World()
    load(copy, document)
    assert dump(copy) == dump(jira.world)
    made = act(copy, "create_issue", project="PA", summary="next")
    assert made["key"] == "PA-2"
    assert int(made["id"]) > max(int(change["id"]) for change in document["issues"][0]["changes"])


def test_a_seed_file_may_be_short_and_name_people_by_address() -> None:
    world = World()
    load(
        world,
        {
            "users": [{"email": "ada@example.com", "display_name": "Ada"}, {"email": "bob@example.com"}],
            "groups": [{"name": "developers", "members": ["ada@example.com"]}],
            "projects": [
                {"key": "ACC", "lead": "bob@example.com", "roles": {"Administrators": [{"group": "developers"}]}},
                {"key": "TEAM", "style": "next-gen", "roles": {"Member": [{"user": "bob@example.com"}]}},
            ],
            "issues": [{"project": "ACC", "summary": "Please", "labels": ["x"]}],
            "tokens": [{"value": "t", "account_id": "ada@example.com"}],
            "switches": {"directory_lag_ms": 10},
        },
    )
    assert world.user("bob@example.com").display_name == "bob"
    assert world.directory.is_member(world.group("developers"), world.user("ada@example.com").account_id)
    (actor,) = world.project("ACC").roles[10002]
    assert actor.group == world.group("developers").id
    assert world.issue("ACC-1").labels == ["x"]
    assert world.switches.directory_lag_ms == 10


@pytest.mark.parametrize(
    ("document", "piece"),
    [
        ({"people": []}, "no part people"),
        ({"users": [{"email": "a@example.com", "colour": "red"}]}, "Not a User"),
        ({"groups": [{"name": "g", "members": ["nobody@example.com"]}]}, "There is no account"),
        ({"switches": {"nope": 1}}, "nope"),
    ],
)
def test_a_seed_file_with_a_mistake_says_which(document: dict[str, object], piece: str) -> None:
    with pytest.raises(ValueError, match=piece):
        load(World(), document)


def test_an_unknown_action_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"Choose from: .*work_on"):
        act(World(), "dance")


@pytest.mark.parametrize(
    ("verb", "details", "piece"),
    [
        ("done", {}, "missing a required argument: 'issue'"),
        ("done", {"issue": "ACC-1"}, "There is no issue 'ACC-1'"),
        ("create_group", {"name": "site-admins"}, "already"),
        ("create_user", {"email": "admin@example.com"}, "already"),
        ("revoke_token", {"token": "x"}, "no such token"),
        ("add_member", {"group": "none", "account": "admin@example.com"}, "There is no group"),
    ],
)
def test_an_act_that_cannot_be_done_says_why(verb: str, details: dict[str, str], piece: str) -> None:
    with pytest.raises(ValueError, match=piece):
        act(World(), verb, **details)


def test_the_switches_of_large_sites_can_be_had_at_once() -> None:
    realistic, default = Switches.realistic(), Switches()
    assert default.directory_lag_ms == 0
    assert (realistic.short_pages, realistic.directory_lag_ms > 0, realistic.search_lag_ms > 0) == (True, True, True)


def test_the_application_needs_nothing_but_a_web_server() -> None:
    world = World()
    with socket.create_server(("127.0.0.1", 0)) as door:
        server = uvicorn.Server(uvicorn.Config(create_app(world), log_level="error", lifespan="off"))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[door])), daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{door.getsockname()[1]}"
        shown = requests.get(f"{address}/rest/api/3/myself", auth=(ADMIN_EMAIL, ADMIN_TOKEN), timeout=300)
        server.should_exit = True
        thread.join(300)
    assert shown.json()["self"].startswith(address)
