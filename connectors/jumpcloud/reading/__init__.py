"""Reading JumpCloud completely, in as few calls as it allows."""

from connectors.jumpcloud.reading.formula import Sizes, expected_calls
from connectors.jumpcloud.reading.methods import Method
from connectors.jumpcloud.reading.reader import JumpCloudReader

__all__ = ["JumpCloudReader", "Method", "Sizes", "expected_calls"]
