"""The HTTP face of the simulated JumpCloud: paths, parameters, headers and answers as the service has them."""

from simulator.jumpcloud.api.routes import create_app

__all__ = ["create_app"]
