"""GET /metrics, for Prometheus."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate
from time import perf_counter

from flask import Flask, Response, g, request
from flask_openapi3 import APIBlueprint, Tag
from prometheus_client import generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from jobs.measures import Measures
from service.backend import backend
from service.bodies.to_file import RECEIVE
from service.metrics.counts import BOUNDS_S, folder, observe
from service.metrics.tally import Key, totals
from stepbox.errors import DamagedModelError, NotFoundError
from stepbox.store.models import ModelStore
from stepbox.store.quota import Quota

BOUNDS = (*map(str, BOUNDS_S), "+Inf")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
OTHER = "other"  # replaces routes and methods that do not exist

blueprint = APIBlueprint(
    "metrics", __name__, abp_tags=[Tag(name="operations", description="State of the installation.")]
)


def register(app: Flask) -> None:
    """Count all requests of the application."""

    @app.before_request
    def begin() -> None:
        g.began = perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else OTHER
        method = request.method if request.method in METHODS else OTHER
        if RECEIVE not in response.headers:  # no response to a client
            observe(route, method, response.status_code, perf_counter() - g.began)
        return response


@blueprint.get(
    "/metrics",
    responses={
        200: {
            "description": "Prometheus's text format: figures of all processes of the API and all "
            "workers. If Redis cannot be reached, `stepbox_redis_up` is 0, and the figures of "
            "jobs, workers and trainings are missing.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        }
    },
)
def metrics() -> Response:
    """Return figures of requests, predictions, the queue and trainings."""
    return Response(generate_latest(_AllMetrics()), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class _AllMetrics(Collector):
    """All metrics, collected when they are requested."""

    def collect(self) -> Iterator[Metric]:
        counted = totals(folder())
        yield from _requests(counted)
        yield _predictions(counted, backend().models)
        redis_up = 1
        try:
            measures = backend().jobs.measure()
            yield from _jobs(measures)
            yield from _epochs(measures)
            yield from _webhooks(measures)
        except RedisError:
            redis_up = 0
        yield from _storage(backend().quota)
        yield GaugeMetricFamily(
            "stepbox_redis_up", "1 if Redis answers, otherwise 0.", value=redis_up
        )


def _requests(counted: dict[Key, list[float]]) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "stepbox_http_requests", "Requests answered.", labels=["route", "method", "status"]
    )
    durations = HistogramMetricFamily(
        "stepbox_http_request_duration_seconds",
        "Seconds until the response was ready; for an event stream, until it began.",
        labels=["route", "method"],
    )
    by_route: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0] * (1 + len(BOUNDS)))
    for (kind, *labels), block in counted.items():
        if kind == "request":
            route, method, status = map(str, labels)
            requests.add_metric([route, method, status], sum(block[1:]))
            before = by_route[route, method]
            by_route[route, method] = [a + b for a, b in zip(before, block, strict=True)]
    for route_and_method, (seconds, *buckets) in by_route.items():
        cumulative = zip(BOUNDS, accumulate(buckets), strict=True)
        durations.add_metric(route_and_method, list(cumulative), seconds)
    yield requests
    yield durations


def _predictions(counted: dict[Key, list[float]], models: ModelStore) -> Metric:
    """Return the predictions by class. Models that are no longer in the store are left out."""
    predictions = CounterMetricFamily(
        "stepbox_predictions", "Images classified.", labels=["model", "class"]
    )
    for (kind, *labels), counts in counted.items():
        if kind == "prediction":
            model = str(labels[0])
            try:
                classes = models.card(model).classes
            except (NotFoundError, DamagedModelError):
                continue
            for name, count in zip(classes, counts, strict=True):
                predictions.add_metric([model, name], count)
    return predictions


def _storage(quota: Quota) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "stepbox_data_bytes",
        "Size of all uploaded data sets and waiting uploads in bytes.",
        value=quota.used(),
    )
    yield GaugeMetricFamily(
        "stepbox_data_quota_bytes",
        "Bytes that all uploaded data sets and waiting uploads may take together.",
        value=quota.allowed,
    )


def _jobs(measures: Measures) -> Iterator[Metric]:
    by_state = GaugeMetricFamily("stepbox_jobs", "Jobs by state.", labels=["state"])
    for state, number in measures.jobs.items():
        by_state.add_metric([state], number)
    yield by_state
    yield CounterMetricFamily("stepbox_jobs_submitted", "Jobs accepted.", value=measures.submitted)
    yield GaugeMetricFamily("stepbox_jobs_queued", "Queued jobs.", value=measures.jobs["queued"])
    by_class = GaugeMetricFamily(
        "stepbox_jobs_queued_by_class", "Queued jobs by what they require.", labels=["class"]
    )
    for job_class, number in measures.queued.items():
        by_class.add_metric([job_class], number)
    yield by_class
    yield GaugeMetricFamily(
        "stepbox_oldest_queued_job_age_seconds",
        "Seconds since the oldest queued job was submitted; 0 if there is none.",
        value=measures.oldest_age_s,
    )
    yield GaugeMetricFamily(
        "stepbox_workers", "Workers that sent a heartbeat recently.", value=measures.workers
    )
    yield GaugeMetricFamily(
        "stepbox_workers_stalled",
        "Idle workers that do not take a queued job.",
        value=measures.stalled,
    )
    yield GaugeMetricFamily(
        "stepbox_workers_draining",
        "Workers that take no more jobs, because they were told to drain.",
        value=measures.draining,
    )
    recoveries = CounterMetricFamily(
        "stepbox_job_recoveries",
        "Jobs taken back from a worker, by cause: its process died, the kernel killed it because "
        "memory was full, the worker was stopped, it could not use the store, "
        "or the lease expired.",
        labels=["cause"],
    )
    for cause, number in measures.recoveries.items():
        recoveries.add_metric([cause], number)
    yield recoveries


def _epochs(measures: Measures) -> Iterator[Metric]:
    durations = HistogramMetricFamily(
        "stepbox_epoch_duration_seconds",
        "Seconds of training per epoch, without evaluation.",
        labels=["engine"],
    )
    samples = CounterMetricFamily(
        "stepbox_training_samples", "Images trained on.", labels=["engine"]
    )
    pace = GaugeMetricFamily(
        "stepbox_training_samples_per_second",
        "Images per second in the last complete epoch.",
        labels=["engine"],
    )
    for engine, epochs in measures.epochs.items():
        durations.add_metric([engine], epochs.buckets, epochs.seconds)
        samples.add_metric([engine], epochs.samples)
        pace.add_metric([engine], epochs.pace)
    yield durations
    yield samples
    yield pace


def _webhooks(measures: Measures) -> Iterator[Metric]:
    attempts = CounterMetricFamily(
        "stepbox_webhook_attempts", "Attempts to deliver a webhook.", labels=["outcome"]
    )
    for outcome, number in measures.webhooks.items():
        attempts.add_metric([outcome], number)
    yield attempts
    yield GaugeMetricFamily(
        "stepbox_webhooks_pending",
        "Webhooks with a first or a further attempt to come.",
        value=measures.pending_webhooks,
    )
    yield CounterMetricFamily(
        "stepbox_webhooks_dead", "Webhooks that were given up.", value=measures.dead_webhooks
    )
