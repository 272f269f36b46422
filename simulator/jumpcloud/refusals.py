class RefusalError(Exception):
    """The service says no: a status and, if it matters, a message."""

    def __init__(self, status: int, message: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.headers = headers or {}


def not_found() -> RefusalError:
    """404 with the text that the service uses for everything that is missing."""
    return RefusalError(404, "Not Found")
