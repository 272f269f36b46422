"""Answers that leave in a hostile way, and replicas that stand still."""

import contextlib
import socket
import threading
import time
from urllib.parse import urlsplit

import requests

from simulator.atlassian import World as AtlassianWorld
from simulator.jira import World as JiraWorld
from simulator.jumpcloud.world import API_KEY
from simulator.server import Simulators
from tests.patience import until
from tests.simulator.jira_client import Jira
from tests.simulator.jumpcloud_client import Clock, JumpCloud

ORGANIZATIONS = "/api/organizations"


def raw_socket(jumpcloud: JumpCloud) -> socket.socket:
    """A socket on which the request is sent, and whose bytes come as they come."""
    address = urlsplit(jumpcloud.url)
    sock = socket.create_connection((address.hostname or "", address.port or 0), timeout=300)
    sock.sendall(f"GET {ORGANIZATIONS} HTTP/1.1\r\nhost: x\r\nx-api-key: {API_KEY}\r\n\r\n".encode())
    return sock


def test_a_slow_body_leaves_a_byte_at_a_time(jumpcloud: JumpCloud) -> None:
    jumpcloud.simulators.faults.add(bytes_per_second=1000)
    began = time.monotonic()
    answer = jumpcloud.get(ORGANIZATIONS)
    assert answer.json()["totalCount"] == 1
    assert time.monotonic() - began >= len(answer.content) / 1000 * 0.8


def test_a_slow_answer_begins_with_a_slow_status_line(jumpcloud: JumpCloud) -> None:
    jumpcloud.simulators.faults.add(bytes_per_second=20, slow_from="start")
    with raw_socket(jumpcloud) as sock:
        assert [sock.recv(1) for _ in range(8)] == [b"H", b"T", b"T", b"P", b"/", b"1", b".", b"1"]


def test_a_slow_answer_is_whole_in_the_end(jumpcloud: JumpCloud) -> None:
    jumpcloud.simulators.faults.add(bytes_per_second=100_000, slow_from="start")
    assert jumpcloud.get(ORGANIZATIONS).json()["totalCount"] == 1


def test_an_endless_body_goes_on_until_the_client_leaves(jumpcloud: JumpCloud) -> None:
    jumpcloud.simulators.faults.add(endless=True)
    with jumpcloud.call("GET", ORGANIZATIONS, stream=True) as answer:
        chunks = answer.iter_content(1 << 20)
        assert sum(len(next(chunks)) for _ in range(200)) > 10_000_000
    assert jumpcloud.get(ORGANIZATIONS).status_code == 200


def test_a_small_body_can_be_large_once_unpacked(jumpcloud: JumpCloud) -> None:
    jumpcloud.simulators.faults.add(inflate_to=5_000_000)
    answer = jumpcloud.get(ORGANIZATIONS)
    assert (len(answer.content), answer.json()["totalCount"]) == (5_000_000, 1)
    assert int(answer.headers["content-length"]) < 10_000


def test_a_fault_ends_after_its_seconds(jumpcloud: JumpCloud) -> None:
    jumpcloud.simulators.faults.add(status=503, times=None, seconds=2)
    assert jumpcloud.get(ORGANIZATIONS).status_code == 503
    until(lambda: jumpcloud.get(ORGANIZATIONS).status_code == 200, "the end of the fault")


def test_a_fault_may_meet_a_query_alone(jumpcloud: JumpCloud) -> None:
    jumpcloud.simulators.faults.add(status=503, times=None, query="filter=")
    assert jumpcloud.get("/api/systemusers").status_code == 200
    assert jumpcloud.get("/api/systemusers", filter="email:$eq:a@example.com").status_code == 503


def test_a_stale_replica_answers_as_many_reads_as_asked_in_both_directions(jumpcloud: JumpCloud) -> None:
    gone, new, group = jumpcloud.user("gone"), jumpcloud.user("new"), jumpcloud.group()
    jumpcloud.change(group, "add", gone)
    jumpcloud.simulators.faults.add(system="jumpcloud", method="GET", path="/members$", stale=True, times=2)
    jumpcloud.change(group, "remove", gone)
    jumpcloud.change(group, "add", new)
    assert [jumpcloud.members(group) for _ in range(3)] == [[gone], [gone], [new]]


def test_a_stale_jira_shows_the_membership_that_was(jira: Jira) -> None:
    ada, group = jira.user(), jira.group()
    jira.simulators.faults.add(system="jira", method="GET", path="/group/member$", stale=True)
    assert jira.post("/group/user", {"accountId": ada.account_id}, groupId=group.id).status_code == 201
    sizes = [len(jira.get("/group/member", groupId=group.id).json()["values"]) for _ in range(2)]
    assert sizes == [0, 1]


def test_a_stale_organization_goes_with_a_stale_site(clock: Clock) -> None:
    site = JiraWorld(clock=clock)
    with Simulators(jira=site, atlassian=AtlassianWorld(site)) as running:
        running.faults.add(system="atlassian", stale=True)
        answer = requests.get(
            f"{running.atlassian_url}/admin/v1/orgs",
            headers={"Authorization": "Bearer sim-organization-key"},
            timeout=300,
        )
        assert answer.json()["data"][0]["id"] == site.organization.id


def test_two_equal_ids_in_a_path_do_not_confuse_the_log(jumpcloud: JumpCloud) -> None:
    group = jumpcloud.group("users")
    jumpcloud.get(f"/api/v2/usergroups/{group}/members")
    jumpcloud.get("/api/systemusers/systemusers")
    routes = [call.route for call in jumpcloud.simulators.calls.latest(2)]
    assert routes == ["/api/v2/usergroups/{group_id}/members", "/api/systemusers/{id}"]


def test_the_log_names_the_gateway_by_its_parameter(jira: Jira) -> None:
    jira.scoped("read:jira-work")
    jira.get(f"/project/{jira.world.site.cloud_id}/role/10002")
    assert jira.simulators.calls.latest(1)[0].route == "/ex/jira/{cloud_id}/rest/api/3/project/{project}/role/{role}"


def test_an_endless_answer_does_not_outlive_the_simulators(jumpcloud: JumpCloud) -> None:
    jumpcloud.simulators.faults.add(endless=True)
    began = threading.Event()

    def read() -> None:
        with contextlib.suppress(requests.RequestException), jumpcloud.call("GET", ORGANIZATIONS, stream=True) as got:
            for _ in got.iter_content(1 << 16):
                began.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert began.wait(300)
    jumpcloud.simulators.stop()
    reader.join(300)
    assert not reader.is_alive()
