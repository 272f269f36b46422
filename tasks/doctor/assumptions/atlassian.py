"""What ``docs/contracts/atlassian-organization.md`` assumes, and how the organization shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.jira.client import API
from tasks.doctor.assumptions.assumption import Assumption, NotSeen
from tasks.doctor.probe import Probe, objects, text

_PEOPLE = "/admin/v2/orgs/{org}/directories/-/users/search"
#: Rows of a page in the organization, and in Jira.
_PAGE, _MEMBERS = 100, 50


@dataclass(frozen=True, slots=True)
class AtlassianLooks:
    """The probes of an organization and of the site below it."""

    organization: Probe
    site: Probe
    org_id: str


def _memberships_agree(at: AtlassianLooks) -> bool:
    """Whether the first group that fits into a page of both has the same people in both."""
    for group in objects(at.site.ask("GET", f"{API}/group/bulk", params={"maxResults": 50}), "values"):
        ident = text(group, "groupId")
        asked: dict[str, str | int] = {"groupId": ident, "includeInactiveUsers": "true", "maxResults": _MEMBERS}
        response = at.site.ask("GET", f"{API}/group/member", params=asked)
        members = {
            text(each, "accountId") for each in objects(response, "values") if text(each, "accountType") == "atlassian"
        }
        if not members or not isinstance(response.body, dict) or response.body.get("isLast") is not True:
            continue
        body = {"limit": _PAGE, "groupIds": [ident]}
        shown = at.organization.ask("POST", _PEOPLE, path={"org": at.org_id}, body=body)
        people = {text(each, "accountId") for each in objects(shown, "data")}
        if people:
            return people == members
    raise NotSeen("no group of the first 50 is shown by both, and fits into a page")


ATLASSIAN: Sequence[Assumption[AtlassianLooks]] = (
    Assumption(
        fact="Memberships in the directory agree with Jira's.",
        name="memberships",
        switch=False,
        look=_memberships_agree,
    ),
    Assumption(
        fact="The scope that each route needs of a key with scopes.",
        name="scopes of routes",
        switch=False,
        cannot="a key's scopes cannot be read; 'provisor doctor' asks each route instead",
    ),
)
