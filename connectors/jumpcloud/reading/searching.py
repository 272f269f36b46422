"""Whether the search for users tells their groups, proven on a sample before it is believed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import islice
from typing import Any

from access.failures import Permanent
from connectors.jumpcloud.client import PAGE
from connectors.jumpcloud.reading.json_values import Record, records, text
from connectors.jumpcloud.reading.lists import Lists
from connectors.jumpcloud.reading.people import known_id
from connectors.reading import Shifted
from httpclient import Call, Fetcher, HttpClient, Response

_MEMBER_OF = "/api/v2/users/{user}/memberof"

#: The fields of the proof; whether the groups come without being asked for is [assumed].
_FIELDS = "username memberof"

#: Pages of a group's members that are compared.
_MOST_PAGES = 3


def why_not_search(lists: Lists, client: HttpClient, fetching: Fetcher) -> str | None:
    """None when the search's ``memberof`` [spec 2026-03] proves itself, else why not, in a few words.

    The first users are searched. Two of the groups they are said to be in are compared with their own lists of members, and
    the groups of the user who has the most with their own list: one call where groups are not told at all, else four or a
    few more.
    """
    try:
        page = fetching.one(lambda: lists.search_page({"fields": _FIELDS, "skip": 0}))
    except Permanent as refusal:
        return f"the search was refused ({refusal.status})"
    users = {known_id(user, "user"): _groups(user) for user in page.rows if user is not None}
    shown = {user: groups for user, groups in users.items() if groups is not None}
    if len(shown) < len(users):
        return "the search does not tell groups"
    samples = _samples(Counter(group for groups in shown.values() for group in groups), len(shown), page.total)
    if not samples:
        return "the search showed nobody in a group"
    if not all(_agrees_on_group(lists, shown, group) for group in samples):
        return "the search disagrees with a group's members"
    user = max(shown, key=lambda one: len(shown[one]))
    if not _agrees_on_user(shown[user], _asked(client, fetching, user)):
        return "the search disagrees with a user's groups"
    return None


def _samples(counts: Counter[str], seen: int, total: int | None) -> list[str]:
    """The least common group, which shows best when lists are cut off, and the commonest that is likely to fit in a page."""
    common = counts.most_common()
    likely = [group for group, count in common if count * (total or seen) <= PAGE * seen]
    return list(dict.fromkeys([*likely[:1], *(group for group, _ in common[-1:])]))


def _agrees_on_group(lists: Lists, shown: Mapping[str, frozenset[str]], group: str) -> bool:
    try:
        pages = list(islice(lists.members(group), _MOST_PAGES))
    except Shifted:
        return False
    members = {member for page in pages for member in page} & shown.keys()
    said = {user for user, groups in shown.items() if group in groups}
    # Of a very large group only those who came are known to be members.
    return members <= said if len(pages) == _MOST_PAGES else members == said


def _groups(user: Record) -> frozenset[str] | None:
    groups = user.get("memberof")
    return frozenset(groups) if isinstance(groups, list) and all(isinstance(one, str) for one in groups) else None


def _asked(client: HttpClient, fetching: Fetcher, user: str) -> Response:
    params: Mapping[str, str | int] = {"limit": PAGE, "skip": 0}
    call = Call(method="GET", route=_MEMBER_OF, path={"user": user}, params=params, expects=frozenset({400, 403, 404}))
    return fetching.one(lambda: client.send(call))


def _agrees_on_user(shown: frozenset[str], answer: Response) -> bool:
    body: Any = answer.body
    listed = {text(one, "id") for one in records({"rows": body}, "rows")}
    return listed <= shown if len(listed) == PAGE else listed == shown
