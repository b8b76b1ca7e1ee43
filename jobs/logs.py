"""Log lines of the API and the worker: text for people, or JSON for programs."""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

# What the lines of the present thread or task are about; both formats tell it.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
job_id: ContextVar[str | None] = ContextVar("job_id", default=None)

SECRET = re.compile(r"(bearer\s+)[^\s\"'\\]+", re.IGNORECASE)


@contextmanager
def about(job: str, request: str | None) -> Iterator[None]:
    """Let all lines of this thread tell a job, and the request that submitted it."""
    tokens = job_id.set(job), request_id.set(request)
    try:
        yield
    finally:
        job_id.reset(tokens[0])
        request_id.reset(tokens[1])


class TextFormatter(logging.Formatter):
    """Time, level, logger, message, and the request's id in brackets."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Write one line, and the lines of a traceback."""
        return _without_secrets(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Write the first line."""
        id = request_id.get()
        return super().formatMessage(record) + (f" [{id}]" if id else "")


class JsonFormatter(logging.Formatter):
    """One JSON object a line; what a line has nothing to say about is left out."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one line."""
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
        told = {name: value for name, value in fields.items() if value is not None}
        return _without_secrets(json.dumps(told, ensure_ascii=False))


FORMATTERS: dict[str, type[logging.Formatter]] = {"text": TextFormatter, "json": JsonFormatter}


def logging_config(
    log_format: Literal["text", "json"], level: int = logging.INFO
) -> dict[str, Any]:
    """Describe the logging of a whole process, for `logging.config.dictConfig`.

    Those that do not propagate have the handler themselves: gunicorn's, whose worker for ASGI hands
    it on to uvicorn's, and that of Celery's pool, of which the errors count. No request is logged
    unless gunicorn is asked to: its metrics cost less.
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
