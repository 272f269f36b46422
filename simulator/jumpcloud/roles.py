"""The built-in administrator roles and what their keys may do.

The scopes are those of `x-scopes` in the published API text; which role has which of them is [assumed] from the
help centre's table of roles.
"""

from simulator.jumpcloud.records import Role

_READ = (
    "administrators.readonly",
    "applications.readonly",
    "directories.readonly",
    "directoryinsights.readonly",
    "groups.readonly",
    "organizations.readonly",
    "reports.readonly",
    "users.readonly",
)
_WRITE = ("applications", "directories", "groups", "organizations", "reports", "users")

_BUILT_IN = (
    ("Administrator With Billing", "Everything, and billing", (*_READ, *_WRITE, "administrators", "billing")),
    ("Administrator", "Everything but billing", (*_READ, *_WRITE, "administrators")),
    ("Manager", "Everything but administrators and billing", (*_READ, *_WRITE)),
    ("Command Runner With Billing", "Runs commands, and billing", ("commandrunner.legacy", "billing")),
    ("Command Runner", "Runs commands", ("commandrunner.legacy",)),
    ("Help Desk", "Helps users", (*_READ, "users")),
    ("Read Only", "Looks", _READ),
)

BUILT_IN_ROLES = tuple(
    Role(f"5c3536e9e0a6840000000{number:03x}", name, description, scopes)
    for number, (name, description, scopes) in enumerate(_BUILT_IN, start=1)
)
