from __future__ import annotations

from access.entitlements import System
from worker.systems.definition import Systems
from worker.systems.jira import JIRA
from worker.systems.jumpcloud import JUMPCLOUD

#: Every system that Provisor connects.
SYSTEMS: Systems = {System.JUMPCLOUD: JUMPCLOUD, System.JIRA: JIRA}
