import pytest

from access.entitlements import EntitlementRef
from access.operations import access_key

ACCOUNT = EntitlementRef.parse("jira:account:exists")


def test_the_access_of_an_account_is_known_by_its_id() -> None:
    assert access_key("a1", "ada@example.com", ACCOUNT) == access_key("a1", None, ACCOUNT) == "a1 jira:account:exists"


@pytest.mark.parametrize("email", ["Ada@Example.com", "ada@example.com", " ada@EXAMPLE.com"])
def test_before_there_is_an_account_it_is_known_by_its_address(email: str) -> None:
    assert access_key(None, email, ACCOUNT) == "mailto:ada@example.com jira:account:exists"
