"""Limit how often a client may start a job and predict. Both limits are off by default."""

import time
from math import ceil

from flask import Flask, Response, g, request
from werkzeug.exceptions import TooManyRequests

from service.bodies.to_file import received_file
from service.settings import ServiceSettings

# Other jobs count like trainings, and finding what taught a sample counts as a prediction.
SAME_LIMIT = {
    "/datasets": "/train",
    "/predictions": "/train",
    "/sweeps": "/train",
    "/models/<ref>/reproduce": "/train",
    "/predict/taught": "/predict",
}


def register(app: Flask, settings: ServiceSettings) -> None:
    """Limit predictions in each process, and new jobs in all processes together."""
    if not settings.train_limit and not settings.predict_limit:
        return
    # Imported only if it is needed, because this takes 5 % of the API's startup.
    from limits import RateLimitItem, parse
    from limits.storage import MemoryStorage, RedisStorage
    from limits.strategies import FixedWindowRateLimiter

    limits: dict[str, tuple[RateLimitItem, FixedWindowRateLimiter]] = {}
    if settings.train_limit:
        pool = app.extensions["stepbox"].jobs.redis.connection_pool  # shared with the jobs
        storage = RedisStorage(settings.redis_url, connection_pool=pool, key_prefix="limits")
        limits["/train"] = parse(settings.train_limit), FixedWindowRateLimiter(storage)
    if settings.predict_limit:
        limits["/predict"] = parse(settings.predict_limit), FixedWindowRateLimiter(MemoryStorage())

    @app.before_request
    def count_request() -> None:
        inference = request.path.startswith(("/v1/models/", "/v2/models/"))
        route = request.url_rule.rule if request.url_rule else request.path
        path = "/predict" if inference else SAME_LIMIT.get(route, route)
        if request.method != "POST" or path not in limits:
            return
        rule, limiter = limits[path]
        client = request.remote_addr or ""
        counted = received_file() is not None  # before the body was read
        allowed = counted or limiter.hit(rule, path, client)
        window = limiter.get_window_stats(rule, path, client)
        reset = max(1, ceil(window.reset_time - time.time()))
        g.rate_limit = {
            "RateLimit-Limit": str(rule.amount),
            "RateLimit-Remaining": str(window.remaining),
            "RateLimit-Reset": str(reset),
        }
        if not allowed:
            raise TooManyRequests(f"At most {rule}: wait {reset} s.", retry_after=reset)

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.extend(g.pop("rate_limit", {}))
        return response
