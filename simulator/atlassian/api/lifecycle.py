"""User management: what may be done to a managed account, and doing it."""

from typing import Any

from starlette.responses import Response

from simulator.atlassian.api.call import Call
from simulator.atlassian.api.responses import answer, empty
from simulator.atlassian.documents import managed_document
from simulator.atlassian.errors import ApiError
from simulator.jira.people import User

_SECONDS_A_DAY = 86_400
_ALLOWED = {"allowed": True}
_PRIVILEGES = ("profile", "profile.write", "profile.read", "email.set", "lifecycle.enablement", "lifecycle.delete")
_PROFILE_FIELDS = ("name", "nickname", "email", "zoneinfo", "locale")


def manageability(call: Call) -> Response:
    """GET /users/{account_id}/manage."""
    user = _managed(call)
    rule = _rule(call, user)
    objects = {"profile", "profile.write"}
    found = {
        name: dict.fromkeys(_PROFILE_FIELDS, rule) if name in objects else rule
        for name in call.many("privileges") or _PRIVILEGES
        if name in {*_PRIVILEGES, "apiToken.read", "apiToken.delete"}
    }
    return answer(found)


def profile(call: Call) -> Response:
    """GET /users/{account_id}/manage/profile."""
    user = _managed(call)
    shown = managed_document(call.world, user)
    account = {
        name: shown[name] for name in ("account_id", "account_type", "account_status", "name", "picture", "email")
    }
    account |= {"nickname": user.display_name[:30], "zoneinfo": user.time_zone, "locale": user.locale}
    return answer({"account": account})


def disable(call: Call) -> Response:
    """POST /users/{account_id}/manage/lifecycle/disable."""
    user = _actionable(call)
    if user.account_id in call.world.deletions or user.account_status == "closed":
        raise _conflict(user, "account.pending-deletion", "The account is about to be deleted")
    if user.account_status == "active":
        call.world.jira.administration.set_account_status(user, "inactive", actor=call.key.account_id)
    return empty()


def enable(call: Call) -> Response:
    """POST /users/{account_id}/manage/lifecycle/enable."""
    user = _actionable(call)
    if user.account_id in call.world.deletions or user.account_status == "closed":
        raise _conflict(user, "account.pending-deletion", "The account is about to be deleted")
    if user.account_status != "active":
        call.world.jira.administration.set_account_status(user, "active", actor=call.key.account_id)
    return empty()


def delete(call: Call) -> Response:
    """POST /users/{account_id}/manage/lifecycle/delete: the account is closed after its grace time."""
    user = _actionable(call)
    if user.account_id in call.world.deletions or user.account_status == "closed":
        raise _conflict(user, "account.pending-deletion", "The account is about to be deleted already")
    if user.account_status == "active":
        call.world.jira.administration.set_account_status(user, "inactive", actor=call.key.account_id)
    days = call.world.switches.deletion_grace_days
    call.world.deletions[user.account_id] = call.world.jira.now() + days * _SECONDS_A_DAY
    return answer({"message": "Success"})


def cancel_delete(call: Call) -> Response:
    """POST /users/{account_id}/manage/lifecycle/cancel-delete."""
    user = _actionable(call)
    if call.world.deletions.pop(user.account_id, None) is not None:
        call.world.jira.administration.set_account_status(user, "active", actor=call.key.account_id)
    return answer({"message": "Success"})


def _managed(call: Call) -> User:
    user = call.world.jira.directory.users.get(call.part("account_id"))
    if user is None:
        raise ApiError(404, "accountNotFound")
    if not user.managed:
        status = call.world.switches.unmanaged_lifecycle_status
        raise ApiError(status, "forbidden" if status == 403 else "accountNotFound")
    return user


def _actionable(call: Call) -> User:
    user = _managed(call)
    rule = _rule(call, user)
    if not rule["allowed"]:
        raise ApiError(403, "forbidden.action", body={"key": "forbidden.action", "context": rule})
    return user


def _rule(call: Call, user: User) -> dict[str, Any]:
    if user.account_id == call.key.account_id:
        return {"allowed": False, "reason": {"key": "administrative.notMyself"}}
    if user.management_source == "synced" and call.world.switches.synced_lifecycle == "refused":
        return {"allowed": False, "reason": {"key": "externalDirectory.scim"}}
    return _ALLOWED


def _conflict(user: User, code: str, message: str) -> ApiError:
    context = {"message": message, "accountId": user.account_id, "errorCodes": [{"code": code, "message": message}]}
    return ApiError(409, "conflict.lifecycleErrors", body={"key": "conflict.lifecycleErrors", "context": context})
