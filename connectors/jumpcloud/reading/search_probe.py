"""Probes whether the search for users tells their groups: compares a sample with the groups' own lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from itertools import islice

from access.failures import Permanent
from connectors.jumpcloud.client import PAGE
from connectors.jumpcloud.reading.json_fields import records, text
from connectors.jumpcloud.reading.list_calls import ListCalls
from connectors.jumpcloud.reading.snapshot_rows import groups_of, required_id
from connectors.reading import Shifted
from httpclient import Fetcher, HttpClient, Response

_MEMBER_OF = "/api/v2/users/{user}/memberof"

#: The fields of the probe; whether groups come without being among the fields is [assumed].
_FIELDS = "username memberof"

#: The probe compares at most so many pages of a group's members.
_MOST_PAGES = 3


def search_fault(lists: ListCalls, client: HttpClient, fetching: Fetcher) -> str | None:
    """None when the search's ``memberof`` [spec] is right, else a few words why not.

    The probe takes the first page of users. It compares two of their groups with the groups' own lists of members, and the
    user with the most groups with that user's own list: one call where the search tells no groups, else four or a few more.
    """
    try:
        page = fetching.one(lambda: lists.search_page({"fields": _FIELDS, "skip": 0}))
    except Permanent as refusal:
        return f"the search was refused ({refusal.status})"
    users = {required_id(user, "user"): groups_of(user) for user in page.rows if user is not None}
    shown = {user: frozenset(groups) for user, groups in users.items() if groups is not None}
    if len(shown) < len(users):
        return "the search does not tell groups"
    samples = _samples(Counter(group for groups in shown.values() for group in groups), len(shown), page.total)
    if not samples:
        return "the search showed nobody in a group"
    if not all(_agrees_on_group(lists, shown, group) for group in samples):
        return "the search disagrees with a group's members"
    user = max(shown, key=lambda one: len(shown[one]))
    params = {"limit": PAGE, "skip": 0}
    asked = partial(client.get, _MEMBER_OF, path={"user": user}, params=params, expects={400, 403, 404})
    if not _agrees_on_user(shown[user], fetching.one(asked)):
        return "the search disagrees with a user's groups"
    return None


def _samples(counts: Counter[str], seen: int, total: int | None) -> list[str]:
    """The least common group, where a cut-off list shows best, and the most common group that should fit into a page."""
    common = counts.most_common()
    likely = [group for group, count in common if count * (total or seen) <= PAGE * seen]
    return list(dict.fromkeys([*likely[:1], *(group for group, _ in common[-1:])]))


def _agrees_on_group(lists: ListCalls, shown: Mapping[str, frozenset[str]], group: str) -> bool:
    try:
        pages = list(islice(lists.members(group), _MOST_PAGES))
    except Shifted:
        return False
    members = {member for page in pages for member in page} & shown.keys()
    said = {user for user, groups in shown.items() if group in groups}
    # Of a very large group only some of the members were read.
    return members <= said if len(pages) == _MOST_PAGES else members == said


def _agrees_on_user(shown: frozenset[str], answer: Response) -> bool:
    listed = {text(one, "id") for one in records({"rows": answer.body}, "rows")}
    return listed <= shown if len(listed) == PAGE else listed == shown
