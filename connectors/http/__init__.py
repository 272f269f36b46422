"""The one way out to the network: a client per upstream that ends every call in an answer or in one failure word."""

from connectors.http.answers import Answer
from connectors.http.calls import Call
from connectors.http.client import HttpClient, Manners
from connectors.http.credentials import Basic, Bearer, Credential, HeaderKey
from connectors.http.fetching import Fetching
from connectors.http.gate import NoGate, RateGate
from connectors.http.oauth import ClientCredentials
from connectors.http.paging import FilteredList, OffsetList, Page
from connectors.http.patience import Patience, read_with_patience
from connectors.http.transport import Observer, Timeouts, Transport

__all__ = [
    "Answer",
    "Basic",
    "Bearer",
    "Call",
    "ClientCredentials",
    "Credential",
    "Fetching",
    "FilteredList",
    "HeaderKey",
    "HttpClient",
    "Manners",
    "NoGate",
    "Observer",
    "OffsetList",
    "Page",
    "Patience",
    "RateGate",
    "Timeouts",
    "Transport",
    "read_with_patience",
]
