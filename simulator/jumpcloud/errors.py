from typing import Any

from simulator.jumpcloud.world import World


class ApiError(Exception):
    """The service says no: a status and, where it matters, a message."""

    def __init__(self, status: int, message: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.headers = headers or {}


def not_found() -> ApiError:
    """Return the 404 that the service gives for everything that is missing."""
    return ApiError(404, "Not Found")


def error_body(world: World, status: int, message: str) -> Any:
    """Return the JSON body that this service gives with an error status."""
    if world.switches.error_bodies == "full":
        return {"code": status, "message": message, "status": message}
    return {"message": message}
