from __future__ import annotations

from collections.abc import Mapping

from access.entitlements import System
from connectors.jira.shapes import TENANT
from httpclient import Call, ClientOptions, HttpClient

_TENANT_INFO = "/_edge/tenant_info"


def find_cloud_id(site: str, *, options: ClientOptions) -> str:
    """The id by which the gateway knows a site (``GET /_edge/tenant_info`` [docs][observed]). Sends no credential.

    Raises the failure words.
    """
    client = HttpClient(system=System.JIRA, base_url=site, credential=_Nobody(), options=options)
    try:
        answer = client.send(Call(method="GET", route=_TENANT_INFO))
        return answer.read_as(TENANT, what="the site's cloud id").cloudId
    finally:
        client.close()


class _Nobody:
    """No credential."""

    def headers(self) -> Mapping[str, str]:
        return {}

    def secrets(self) -> tuple[str, ...]:
        return ()

    def renew(self) -> bool:
        return False
