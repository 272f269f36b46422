from __future__ import annotations

from access.clock import Clock
from config.settings import Settings
from httpclient import ClientOptions, Observer, RateLimiter, RetryPolicy, Timeouts


def client_options(
    settings: Settings,
    clock: Clock,
    rate_limiter: RateLimiter,
    *,
    observer: Observer | None = None,
    retry_policy: RetryPolicy | None = None,
) -> ClientOptions:
    """The options of an HTTP client as the settings have them; with the default retry policy unless another is given."""
    limits = settings.limits
    return ClientOptions(
        timeouts=Timeouts(connect=limits.connect_timeout, read=limits.read_timeout),
        pool_size=settings.worker.concurrency,
        retry_policy=retry_policy or RetryPolicy(),
        rate_limiter=rate_limiter,
        observer=observer,
        clock=clock,
    )
