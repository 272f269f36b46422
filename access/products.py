"""The Jira products that a new account can get."""

from __future__ import annotations

from typing import Literal

#: The values that ``POST /rest/api/3/user`` takes as ``products`` (Jira Cloud REST API).
Product = Literal["jira-core", "jira-servicedesk", "jira-product-discovery", "jira-software"]
