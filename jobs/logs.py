"""Log lines of the API and the worker: text for people, or JSON for programs."""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

# The request and the job that the current thread or task works on. JSON lines name both, text lines
# only the request.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
job_id: ContextVar[str | None] = ContextVar("job_id", default=None)

SECRET = re.compile(r"(bearer\s+)[^\s\"'\\]+", re.IGNORECASE)


@contextmanager
def about(job: str, request: str | None) -> Iterator[None]:
    """Set `job_id`, and `request_id` to the request that submitted the job, in this thread."""
    tokens = job_id.set(job), request_id.set(request)
    try:
        yield
    finally:
        job_id.reset(tokens[0])
        request_id.reset(tokens[1])


class TextFormatter(logging.Formatter):
    """Time, level, logger, message, and the id of the request in brackets."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Format one log record, with its traceback if it has one."""
        return _without_secrets(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Format the first line."""
        id = request_id.get()
        return super().formatMessage(record) + (f" [{id}]" if id else "")


class JsonFormatter(logging.Formatter):
    """One JSON object per line, without the fields that have no value."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one log record."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
            "request_id": request_id.get(),
            "job": job_id.get(),
            "exception": self.formatException(record.exc_info) if record.exc_info else None,
        }
        present = {name: value for name, value in fields.items() if value is not None}
        return _without_secrets(json.dumps(present, ensure_ascii=False))


FORMATTERS: dict[str, type[logging.Formatter]] = {"text": TextFormatter, "json": JsonFormatter}


def logging_config(
    log_format: Literal["text", "json"], level: int = logging.INFO
) -> dict[str, Any]:
    """Return the logging configuration of a process, for `logging.config.dictConfig`.

    Two loggers do not propagate, so the handler is attached to them directly:

    - ``gunicorn.error``; gunicorn's ASGI worker gives the same handler to uvicorn's logger;
    - ``multiprocessing``, the logger of Celery's pool; only its errors are logged.

    There is no access log: the metrics count requests, and cost less.
    """
    own = {"handlers": ["stderr"], "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": FORMATTERS[log_format]}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {
            "gunicorn.error": own,
            "multiprocessing": {**own, "level": logging.ERROR},
        },
    }


def _without_secrets(line: str) -> str:
    return SECRET.sub(r"\1…", line)
