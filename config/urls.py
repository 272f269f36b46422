"""URLs of web services, which must not be called in clear, and of databases and brokers, which may hold passwords."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import SplitResult, parse_qs, urlsplit

from pydantic import AfterValidator, SecretStr

from access.hosts import is_near

_LAST_PORT = 65_535

#: The words of ``ssl_cert_reqs`` in the URL of a broker.
VERIFYING = frozenset({"required", "CERT_REQUIRED"})
NOT_VERIFYING = frozenset({"none", "CERT_NONE", "optional", "CERT_OPTIONAL"})
_WITH_TLS = ("rediss:", "amqps:")

#: The words of ``sslmode`` in the URL of a PostgreSQL server with which it need not prove who it is.
_NOT_PROVING = frozenset({"disable", "allow", "prefer", "require", "verify-ca"})


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        # urlsplit checks the port only when the port is read.
        _ = parts.port
    except ValueError:
        raise ValueError("is not a URL; write one such as https://acme.atlassian.net") from None
    return parts


def _web_url(text: str) -> str:
    text = text.strip()
    parts = _split(text)
    host = (parts.hostname or "").lower()
    if parts.scheme not in ("https", "http") or not host:
        raise ValueError("is not a URL; write it in full, such as https://acme.atlassian.net")
    if not host.isascii():
        raise ValueError(
            "has a letter or a dot in its host that is not ASCII; write the host as the name service has it"
        )
    if parts.username is not None or parts.password is not None:
        raise ValueError("has a user name or password in it; take it out and use the keys meant for credentials")
    if parts.query or parts.fragment:
        raise ValueError("has a query or a fragment; leave out everything from the ? or # on")
    if parts.scheme == "http" and not is_near(host):
        raise ValueError(
            "would send credentials in clear; write https:// (http:// is for this machine or a private network)"
        )
    if host.endswith(".atlassian.net") and parts.path.strip("/"):
        raise ValueError("has a path after the site's name; write only the site, such as https://acme.atlassian.net")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def _has_stray_at(parts: SplitResult) -> bool:
    """Whether a character of the password ended the host part: the rest of the password would then stand in the path."""
    return bool(parts.netloc) and "@" in parts.path + parts.query + parts.fragment


def _located(text: str, *, example: str) -> SplitResult:
    parts = _split(text)
    if _has_stray_at(parts):
        raise ValueError("has a special character in its password; write it percent-encoded, such as %2F for /")
    if not parts.hostname:
        raise ValueError(f"names no host; write one such as {example}")
    return parts


def _database(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    scheme, _, rest = text.partition("://")
    if scheme.partition("+")[0] == "postgres":
        raise ValueError("begins with postgres://; write postgresql:// instead")
    if scheme in ("postgresql", "postgresql+psycopg"):
        _check_postgresql(rest)
    elif scheme != "sqlite" or not rest.startswith("/"):
        raise ValueError("is not a database Provisor can use; write sqlite:///./var/provisor.db or a postgresql:// URL")
    return url


def _check_postgresql(rest: str) -> None:
    """Check what libpq takes behind ``postgresql://``: several hosts, a Unix socket, and most characters in a password."""
    address, _, query = rest.partition("?")
    if "@" in query or "@" in address.partition("/")[2]:
        raise ValueError("has a special character in its password; write it percent-encoded, such as %2F for /")
    database = address.partition("/")[2] or "".join(parse_qs(query).get("dbname", ()))
    if not database:
        raise ValueError("names no database; write postgresql://user:password@host/name")
    for host in address.partition("/")[0].rpartition("@")[2].split(","):
        port = re.fullmatch(r"(?:\[[0-9A-Fa-f:.%]+\]|[^:\[\]]*)(?::(\d*))?", host)
        if port is None or int(port[1] or 0) > _LAST_PORT:
            raise ValueError("has a host that is none; write one such as db.internal, db.internal:5432 or [::1]:5432")


def _check_tls(text: str) -> None:
    """A word for the certificate that the library does not know would switch its verification off."""
    asked = parse_qs(urlsplit(text).query).get("ssl_cert_reqs", [])
    if any(word not in VERIFYING | NOT_VERIFYING for word in asked):
        raise ValueError("has an ssl_cert_reqs that is none; write required, or leave it out")


def broker_proves_itself(url: SecretStr) -> bool:
    """Whether a ``rediss://`` or ``amqps://`` broker has to prove who it is; True for brokers of other kinds."""
    for text in url.get_secret_value().split(";"):
        query = parse_qs(urlsplit(text).query) if text.startswith(_WITH_TLS) else {}
        if NOT_VERIFYING & set(query.get("ssl_cert_reqs", ())) or "false" in query.get("ssl_check_hostname", ()):
            return False
    return True


def database_proves_itself(url: SecretStr) -> bool:
    """Whether a PostgreSQL server that is not near has to prove who it is; True for near ones, and for SQLite."""
    scheme, _, rest = url.get_secret_value().partition("://")
    if scheme == "sqlite" or all(map(is_near, _hosts(rest))):
        return True
    return not _NOT_PROVING & set(parse_qs(rest.partition("?")[2]).get("sslmode", ()))


def _hosts(rest: str) -> list[str]:
    """The hosts of what stands behind ``postgresql://``."""
    address, _, query = rest.partition("?")
    named = address.partition("/")[0].rpartition("@")[2].split(",") + parse_qs(query).get("host", [])
    return [host.strip("[]") if host.endswith("]") else host.rpartition(":")[0].strip("[]") or host for host in named]


def _broker(url: SecretStr) -> SecretStr:
    """Check one URL, or several with semicolons between them: the members of one RabbitMQ cluster."""
    for text in url.get_secret_value().split(";"):
        scheme = text.partition("://")[0]
        if scheme not in {"memory", "amqp", "amqps", "redis", "rediss"}:
            raise ValueError("is not a broker Provisor can use; write memory://, or an amqp:// or redis:// URL")
        if scheme != "memory":
            _located(text, example="amqp://user:password@host// or redis://host:6379/0")
        if text.startswith(_WITH_TLS):
            _check_tls(text)
    return url


def _token(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not text:
        raise ValueError("is empty; paste the value, or leave the key out")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("has a space, a line break or an unusual character in it; paste it again")
    return secret


def _dsn(secret: SecretStr) -> SecretStr:
    parts = _split(secret.get_secret_value())
    if parts.scheme not in {"https", "http"} or not (parts.hostname and parts.username):
        raise ValueError("is not a DSN of Sentry; copy it from the project's client keys, such as https://key@host/1")
    if not parts.path.rpartition("/")[2].isdigit():
        raise ValueError(
            "names no project of Sentry; copy it whole from the project's client keys, to the number at its end"
        )
    if parts.scheme == "http" and not is_near(parts.hostname):
        raise ValueError(
            "would send reports in clear; write https:// (http:// is for this machine or a private network)"
        )
    return secret


def masked(url: SecretStr) -> str:
    """The URL, or several with semicolons between them, with passwords and parameters hidden."""
    return ";".join(_masked(text) for text in url.get_secret_value().split(";"))


def _masked(text: str) -> str:
    try:
        parts = urlsplit(text)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "***"
    if _has_stray_at(parts):
        return "***"
    user = f"{parts.username or ''}:***@" if parts.username or parts.password else ""
    return f"{parts.scheme}://{user}{parts.hostname or ''}{port}{parts.path}{'?***' if parts.query else ''}"


#: Base URL of a web service, without a slash at the end.
WebUrl = Annotated[str, AfterValidator(_web_url)]
#: URL of the database. Secret as a whole, because it may hold a password.
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database)]
#: URL of the broker. Secret as a whole, because it may hold a password.
BrokerUrl = Annotated[SecretStr, AfterValidator(_broker)]
#: Where reports of errors go. Secret as a whole, because it holds a key.
SentryDsn = Annotated[SecretStr, AfterValidator(_token), AfterValidator(_dsn)]
#: A key, a token or another secret, in printable ASCII without spaces.
Token = Annotated[SecretStr, AfterValidator(_token)]
