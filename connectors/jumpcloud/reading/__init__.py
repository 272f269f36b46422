"""Reading JumpCloud completely, in as few calls as it allows."""

from connectors.jumpcloud.reading.access_history import JumpCloudHistory
from connectors.jumpcloud.reading.call_estimate import Sizes, expected_calls
from connectors.jumpcloud.reading.method_choice import MembershipMethod
from connectors.jumpcloud.reading.reader import JumpCloudReader

__all__ = ["JumpCloudHistory", "JumpCloudReader", "MembershipMethod", "Sizes", "expected_calls"]
