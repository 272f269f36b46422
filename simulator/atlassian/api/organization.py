"""The organization itself: directories, domains, managed accounts, workspaces, last activity."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from starlette.responses import Response

from simulator.atlassian import documents
from simulator.atlassian.api.call import Call
from simulator.atlassian.api.cursors import any_of, asked, limit_of, links, page_of, place_of, url_links
from simulator.atlassian.api.responses import answer
from simulator.atlassian.errors import ApiError

_V1_PAGE = 100
_WORKSPACE_LIMIT = 1_000


def list_organizations(call: Call) -> Response:
    """GET /v1/orgs: one key sees one organization."""
    return answer({"data": [_organization(call)], "links": url_links(call, {}, None)})


def read_organization(call: Call) -> Response:
    """GET /v1/orgs/{orgId}."""
    return answer({"data": _organization(call)})


def list_managed(call: Call) -> Response:
    """GET /v1/orgs/{orgId}/users: managed accounts only."""
    wanted = asked(dict(call.query))
    directory = call.world.jira.directory

    def keep(account_id: str) -> dict[str, Any] | None:
        user = directory.users[account_id]
        return documents.managed_document(call.world, user) if user.managed else None

    rows, mark = page_of(directory.user_ids, wanted.after, _V1_PAGE, keep, in_order=False)
    total = sum(user.managed for user in directory.users.values())
    return answer({"data": rows, "links": url_links(call, {}, mark), "meta": {"total": total}})


def last_active(call: Call) -> Response:
    """GET /v1/orgs/{orgId}/directory/users/{accountId}/last-active-dates."""
    world = call.world
    user = world.jira.directory.users.get(call.part("accountId"))
    if user is None or (not user.managed and world.membership_status(user) == "no_membership"):
        raise ApiError(404, "ADMIN-404-8", "User not found")
    times = world.last_active.get(user.account_id, {})
    rows = []
    for name in world.products_of(user):
        row: dict[str, Any] = {"id": world.jira.site.resource(name), "key": documents.product_key(name)}
        if name in times:
            at = datetime.fromtimestamp(times[name], UTC)
            row |= {"last_active": at.date().isoformat(), "last_active_timestamp": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
        rows.append(row)
    added = datetime.fromtimestamp(user.added, UTC)
    data = {
        "product_access": rows,
        "added_to_org": added.date().isoformat(),
        "added_to_org_timestamp": f"{added:%Y-%m-%dT%H:%M:%SZ}",
    }
    return answer({"data": data, "links": links(call, {}, None)})


def list_domains(call: Call) -> Response:
    """GET /v1/orgs/{orgId}/domains."""
    data = [
        {
            "id": f"domain-{number}",
            "type": "domains",
            "attributes": {"name": name, "claim": {"type": "dns", "status": "verified"}},
            "links": {"self": str(call.url.replace(path=f"{call.url.path}/domain-{number}"))},
        }
        for number, name in enumerate(call.world.domains, start=1)
    ]
    return answer({"data": data, "links": url_links(call, {}, None)})


def list_directories(call: Call) -> Response:
    """GET /v2/orgs/{orgId}/directories."""
    wanted = asked({**call.query, "directoryIds": call.many("directoryIds")}).query
    limit_of(wanted)
    name, ident = "Primary Directory", call.world.jira.organization.directory_id
    met = any_of(wanted.get("directoryIds"), [ident]) and wanted.get("searchTerm", "").casefold() in name.casefold()
    if wanted.get("accountId"):
        user = call.world.jira.directory.users.get(wanted["accountId"])
        met = met and user is not None and call.world.membership_status(user) != "no_membership"
    return answer({"data": [{"directoryId": ident, "name": name}] if met else [], "links": links(call, {}, None)})


def search_workspaces(call: Call) -> Response:
    """POST /v2/orgs/{orgId}/workspaces."""
    body = call.body()
    if body.get("cursor") and set(body) > {"cursor"}:
        raise ApiError(400, "ADMIN-400-24", "A cursor comes alone")
    wanted = asked(body)
    orders = wanted.query.get("sort") or []
    if not isinstance(orders, list) or not all(isinstance(order, dict) for order in orders):
        raise ApiError(400, "ADMIN-400-24", "sort must be a list of objects")
    test = _query(wanted.query.get("query"))
    rows = [row for row in _workspaces(call) if test(row)]
    for order in reversed(orders):
        field = str(order.get("field", "")).removeprefix("attributes.")
        rows.sort(key=partial(_attribute, field), reverse=order.get("order") == "desc")
    limit = limit_of(wanted.query, maximum=_WORKSPACE_LIMIT)
    start = place_of(wanted.after or 0)
    page = rows[start : start + limit]
    mark = start + limit if start + limit < len(rows) else None
    query = {name: value for name, value in wanted.query.items() if name != "cursor"}
    meta = {
        "pageSize": len(page),
        "startIndex": start + 1 if page else None,
        "endIndex": start + len(page) if page else None,
        "total": len(rows),
    }
    return answer({"data": page, "links": url_links(call, query, mark), "meta": meta})


def _organization(call: Call) -> dict[str, Any]:
    organization = call.world.jira.organization
    base = f"{call.url.scheme}://{call.url.netloc}/admin/v1/orgs/{organization.id}"
    return {
        "id": organization.id,
        "type": "orgs",
        "attributes": {"name": organization.name},
        "relationships": {
            "domains": {"links": {"related": f"{base}/domains"}},
            "users": {"links": {"related": f"{base}/users"}},
        },
        "links": {"self": base},
    }


def _workspaces(call: Call) -> list[dict[str, Any]]:
    world = call.world
    return [
        {
            "id": resource,
            "type": "workspace",
            "attributes": {
                "name": world.jira.site.name,
                "typeKey": name,
                "type": documents.product_key(name).replace("-", " ").title(),
                "owner": world.jira.organization.name,
                "status": "online",
                "statusDetails": [],
                "hostUrl": world.site_url(),
                "realm": "aws-global",
                "regions": ["us-east-1"],
                "sandbox": {"type": "NONE"},
                "capacity": world.jira.site.seats,
                "usage": len({one for group in world.granting_groups([name]) for one in group.members}),
            },
            "links": {"self": resource},
            "relationships": {},
        }
        for resource, name in world.resources().items()
    ]


def _attribute(name: str, row: dict[str, Any]) -> str:
    return str(row["attributes"].get(name))


Test = Callable[[dict[str, Any]], bool]


def _query(query: Any) -> Test:
    """Return the test that a query over workspaces stands for; what it does not know it lets pass."""
    if not query:
        return lambda _: True
    if not isinstance(query, dict):
        raise ApiError(400, "ADMIN-400-24", "query must be an object")
    for name in {"and", "nor"} & set(query):
        if not isinstance(query[name], list):
            raise ApiError(400, "ADMIN-400-24", f"{name} must be a list")
    if "field" in query and not isinstance(query["field"], dict):
        raise ApiError(400, "ADMIN-400-24", "field must be an object")
    if "and" in query:
        parts = [_query(part) for part in query["and"]]
        return lambda row: all(part(row) for part in parts)
    if "nor" in query:
        parts = [_query(part) for part in query["nor"]]
        return lambda row: not any(part(row) for part in parts)
    if "field" in query:
        name = str(query["field"].get("name", "")).removeprefix("attributes.")
        values = {str(value).casefold() for value in query["field"].get("values") or []}
        return lambda row: not values or str(row["attributes"].get(name, row.get(name))).casefold() in values
    if "searchWorkspaces" in query:
        term = str(query["searchWorkspaces"]).casefold()
        return lambda row: any(term in str(row["attributes"][name]).casefold() for name in ("name", "hostUrl"))
    return lambda _: True
