"""kombu's transport for ``amqps://``, which has the broker prove who it is.

kombu takes words for certificates from an address as Redis spells them, and py-amqp knows others; without any, py-amqp verifies
the certificate and not the name in it [5.3, observed].
"""

from __future__ import annotations

import ssl
from typing import Any

from kombu.transport import pyamqp as _pyamqp

#: The stubs know little of it.
pyamqp: Any = _pyamqp

_SPELLED = "ssl_"


class Transport(pyamqp.SSLTransport):  # type: ignore[misc] # see above
    """Verifies the certificate and the name in it, unless the address says otherwise."""

    def __init__(self, client: Any, **options: Any) -> None:
        client.ssl = verification(client.ssl, host=client.hostname)
        super().__init__(client, **options)


def verification(asked: object, *, host: str | None) -> dict[str, Any]:
    """What py-amqp is to verify, by the words of an address, or by what this function gave before."""
    words = dict(asked) if isinstance(asked, dict) else {}
    if words and not any(name.startswith(_SPELLED) for name in words):
        return words
    by_name = words.pop(f"{_SPELLED}check_hostname", True)
    words = {name.removeprefix(_SPELLED): value for name, value in words.items()}
    words.setdefault("cert_reqs", ssl.CERT_REQUIRED)
    # py-amqp verifies the name where it is given one.
    return {**words, "server_hostname": host} if by_name and words["cert_reqs"] != ssl.CERT_NONE else words
