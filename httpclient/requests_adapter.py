"""Lets a library that speaks ``requests`` make its calls through a client of ours."""

from __future__ import annotations

import io
import json
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import BaseAdapter

from httpclient.calls import READS, Call
from httpclient.client import HttpClient
from httpclient.responses import Response


class ClientAdapter(BaseAdapter):
    """An adapter that hands each request of a ``requests.Session`` to an ``HttpClient``.

    The client adds credential, headers, deadlines and budget; of the request only method, path, query and JSON body count.
    Only good answers reach the library, as JSON whatever was received: every other one raises a failure word through it.
    """

    def __init__(self, client: HttpClient) -> None:
        super().__init__()
        self._client = client

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Make the call. Raises the failure words."""
        method, url = str(request.method), str(request.url)
        answer = self._client.send(
            Call(
                method=method,
                route=urlsplit(url.removeprefix(self._client.base_url)).path,
                params=dict(parse_qsl(urlsplit(url).query)),
                body=json.loads(request.body) if request.body else None,
                idempotent=method in READS,
            )
        )
        return _as_requests(answer, request)

    def close(self) -> None:
        """Leave the client open: it is not ours."""


def _as_requests(answer: Response, request: requests.PreparedRequest) -> requests.Response:
    made = requests.Response()
    made.status_code = answer.status
    made.reason = HTTPStatus(answer.status).phrase
    made.url = str(request.url)
    made.request = request
    made.encoding = "utf-8"
    made.raw = io.BytesIO(b"" if answer.body is None else json.dumps(answer.body).encode())
    return made
