"""A refusal on the way is not the service's answer: the work is kept, and the sentence names what to mend."""

from __future__ import annotations

import socket
import threading

import pytest

from access.failures import Failure, Transient
from tests.httpclient.stub import CREATE, READ, Reply, Stub, client_of

FAR, FAR_TLS = "http://far.invalid", "https://far.invalid"


def ending(base_url: str) -> Failure:
    client = client_of(base_url)
    with pytest.raises(Failure) as caught:
        client.send(CREATE)
    return caught.value


@pytest.mark.parametrize("status", [403, 407])
def test_a_proxy_that_refuses_is_named(stub: Stub, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    monkeypatch.setenv("HTTP_PROXY", stub.url)
    stub.will(Reply(status, "<html>Blocked</html>"))
    failure = ending(FAR)
    assert type(failure) is Transient
    assert "HTTP_PROXY" in failure.remedy


@pytest.mark.parametrize("status", [b"403 Forbidden", b"407 Proxy Authentication Required", b"502 Bad Gateway"])
def test_a_proxy_that_opens_no_tunnel_is_named(monkeypatch: pytest.MonkeyPatch, status: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        monkeypatch.setenv("https_proxy", f"http://user:opensesame@127.0.0.1:{server.getsockname()[1]}")
        failure = ending(FAR_TLS)
        thread.join(300)
    assert type(failure) is Transient
    assert "https_proxy" in failure.remedy
    assert "opensesame" not in str(failure)


@pytest.mark.parametrize(
    "proxy",
    [
        "http://127.0.0.1:1",
        "socks5://127.0.0.1:1",
        "http//mistyped:8080",
        "ftp://127.0.0.1",
        "http://",
        "http://no-such-proxy.invalid",
    ],
)
@pytest.mark.parametrize(("variable", "base_url"), [("http_proxy", FAR), ("https_proxy", FAR_TLS), ("ALL_PROXY", FAR)])
def test_a_proxy_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, proxy: str, variable: str, base_url: str
) -> None:
    monkeypatch.setenv(variable, proxy)
    failure = ending(base_url)
    assert type(failure) is Transient
    assert variable in failure.remedy


def test_no_proxy_is_named_where_there_is_none(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    stub.will(Reply(404, "<html>"))
    client = client_of(stub.url)
    with pytest.raises(Transient) as caught:
        client.send(READ)
    assert "http_proxy" not in caught.value.remedy


def test_a_bundle_of_certificates_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/bundle")
    failure = ending("https://127.0.0.1:9")
    assert type(failure) is Transient
    assert "REQUESTS_CA_BUNDLE" in failure.remedy
