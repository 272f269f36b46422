"""The one way out to the network: a client for each upstream that ends every call in a response or in one failure word."""

from httpclient.calls import Call
from httpclient.client import ClientOptions, HttpClient
from httpclient.concurrency import Fetcher
from httpclient.credentials import Anonymous, Basic, Bearer, Credential, HeaderKey
from httpclient.errors import Dialect
from httpclient.kept_answers import read_again, shared_reads
from httpclient.oauth import ClientCredentials
from httpclient.rate_limiter import RateLimiter, Unlimited
from httpclient.responses import Response
from httpclient.retry_policy import RetryPolicy, read_with_retries
from httpclient.transport import Observer, Timeouts, Transport

__all__ = [
    "Anonymous",
    "Basic",
    "Bearer",
    "Call",
    "ClientCredentials",
    "ClientOptions",
    "Credential",
    "Dialect",
    "Fetcher",
    "HeaderKey",
    "HttpClient",
    "Observer",
    "RateLimiter",
    "Response",
    "RetryPolicy",
    "Timeouts",
    "Transport",
    "Unlimited",
    "read_again",
    "read_with_retries",
    "shared_reads",
]
