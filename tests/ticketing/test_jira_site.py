from __future__ import annotations

from typing import Any

import pytest

from ticketing.jira import JiraSite

SITE = "https://acme.atlassian.net"
GATEWAY = "https://api.atlassian.com/ex/jira/11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize("api_url", ["", GATEWAY])
def test_links_for_people_are_made_from_the_site_address(api_url: str) -> None:
    site = JiraSite(site_url=f"{SITE}/", api_url=api_url, email="a@b.c", token="t")
    assert site.browse("OPS-1") == "https://acme.atlassian.net/browse/OPS-1"
    assert site.server == (api_url or SITE)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"site_url": "acme.atlassian.net"}, "not a plain URL"),
        ({"site_url": "https://ada:secret@acme.atlassian.net"}, "not a plain URL"),
        ({"api_url": "ftp://x"}, "API address"),
        ({"token": ""}, "no Jira token"),
        ({"email": ""}, "email"),
        ({"scheme": "bearer"}, "site's own address"),
    ],
)
def test_a_wrong_setting_is_refused_with_a_sentence_and_without_the_secret(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        JiraSite(**{"site_url": SITE, "email": "a@b.c", "token": "canary", **wrong})
    assert "canary" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_the_secret_is_not_in_the_representation() -> None:
    assert "canary" not in repr(JiraSite(site_url=SITE, email="a@b.c", token="canary"))
