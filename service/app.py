"""The application factory."""

from flask_openapi3 import Info, OpenAPI

from service import errors, logs, openapi
from service.access import authorization as access
from service.access import rate_limits
from service.api import analysis, datasets, inspection, jobs, models, system
from service.api.inference import endpoints as inference_protocol
from service.api.predict import endpoint as predict
from service.backend import Backend
from service.bodies import compression as packing
from service.bodies.json_body import JSONRequest, StrictJSONProvider, check_json_first
from service.metrics import endpoint as metrics
from service.server import bounds
from service.settings import ServiceSettings
from service.web import pages, static_files
from stepbox import __version__

INFO = Info(
    title="Stepbox",
    version=__version__,
    description="Trains small neural networks as batch jobs and answers for them, showing the "
    "mathematics as it goes. Every answer of 400 and above is an RFC 9457 problem. Before any "
    "operation looks at it, a request that is no HTTP is answered with 400, one that comes too "
    "slowly with 408, one in an unknown transfer coding with 501, one whose target or "
    "headers have more than 16 KiB with 414 or 431, one for a host that is not this server with "
    "421, and one by which a page of another site would do more than read with 403.",
)


def create_app(settings: ServiceSettings | None = None) -> OpenAPI:
    """Make the WSGI application.

    Parameters
    ----------
    settings
        Read from the environment where not given.
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
    app.extensions["stepbox"] = backend = Backend(settings)
    logs.register(app)
    metrics.register(app)
    errors.register(app)
    access.register(app, settings)
    bounds.register(app, settings)
    rate_limits.register(app, settings, backend)
    for resource in (
        jobs,
        predict,
        models,
        inspection,
        datasets,
        analysis,
        inference_protocol,
        system,
        metrics,
    ):
        app.register_api(resource.blueprint)
    openapi.register(app)
    static_files.register(app)
    pages.register(app)
    packing.register(app)
    check_json_first(app, openapi.json_endpoints(app))
    return app
