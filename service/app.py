"""Make the application: the Flask app with all its routes, and the ASGI app that calls it."""

from flask_openapi3 import Info, OpenAPI

from service import errors, logs, openapi
from service.access import rate_limits, security_headers
from service.access.check import AccessCheck
from service.api import (
    access,
    aliases,
    analysis,
    export,
    feature_maps,
    generated,
    inspection,
    jobs,
    layers,
    live,
    metrics,
    mistakes,
    prediction_jobs,
    reproduce,
    samples,
    summaries,
    sweeps,
    system,
    uploads,
    webhooks,
    workers,
)
from service.api.inference import endpoints as inference_protocol
from service.api.inference import v1
from service.api.predict import endpoint as predict
from service.api.predict import taught
from service.api.predict.quick import QuickPredictions
from service.api.steps import endpoints as steps
from service.backend import Backend
from service.bodies import compression
from service.bodies.json_body import JSONRequest, StrictJSONProvider, check_json_first
from service.server import checks
from service.server.front import Front
from service.settings import ServiceSettings
from service.web import error_pages, pages, static_files
from service.webhooks.deliverer import Deliverer
from stepbox import __version__

INFO = Info(
    title="Stepbox",
    version=__version__,
    description="Trains small neural networks as batch jobs, serves their predictions, and shows "
    "the mathematics behind them. Every response with a status of 400 or above is an RFC 9457 "
    "problem, except under /v1 and /v2, where it is as their protocols define it. Before "
    "any operation sees a request, the server rejects it with 400 if it is not valid HTTP, "
    "with 408 if it arrives too slowly, with 501 if its transfer coding is unknown, with "
    "414 or 431 if its target or headers have more than 16 KiB, with 421 if its host is "
    "not this server, and with 403 if it could change something and a page of another site "
    "sent it.",
)


def create_app(settings: ServiceSettings | None = None) -> OpenAPI:
    """Make the Flask application.

    Parameters
    ----------
    settings
        By default, read from the environment.
    """
    settings = settings or ServiceSettings()
    app = OpenAPI(
        __name__,
        info=INFO,
        security_schemes={},
        doc_ui=False,
        validation_error_model=errors.Problem,
        validation_error_callback=errors.validation_problem,
        static_folder=None,
        template_folder="web/templates",
    )
    app.json = StrictJSONProvider(app)
    app.request_class = JSONRequest
    app.url_map.strict_slashes = True
    app.extensions["stepbox"] = Backend(settings)
    logs.register(app)
    metrics.register(app)
    errors.register(app)
    security_headers.register(app)
    checks.register(app, AccessCheck(settings), settings.max_body_bytes)
    rate_limits.register(app, settings)
    for resource in (
        jobs,
        sweeps,
        predict,
        taught,
        aliases,  # adds its views to the blueprint of `models`
        export,
        reproduce,
        inspection,
        layers,
        feature_maps,
        mistakes,
        live,
        steps,
        samples,
        summaries,
        generated,
        prediction_jobs,  # adds its view to the blueprint of `predictions`
        uploads,  # likewise to that of `datasets`
        analysis,
        inference_protocol,
        v1,
        system,
        workers,
        webhooks,
        access,
        metrics,
    ):
        app.register_api(resource.blueprint)
    openapi.register(app)
    static_files.register(app)
    app.register_blueprint(pages.blueprint)
    compression.register(app)
    error_pages.register(app)  # after compression: the last one registered is called first
    check_json_first(app)
    return app


def create_asgi_app() -> Front:
    """Make the ASGI application that gunicorn serves, with the settings of the environment."""
    settings = ServiceSettings()
    app = create_app(settings)
    backend: Backend = app.extensions["stepbox"]
    check_access = AccessCheck(settings)
    quick = QuickPredictions(backend.models, settings, check_access)
    deliverer = Deliverer(settings, lambda: backend.jobs)
    return Front(app, settings, check_access, backend.streams, quick.accept, deliverer)
