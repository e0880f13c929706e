"""Logs of every process, in one shape: structlog's and the standard library's lines go through one formatter.

Django calls `configure` as its LOGGING_CONFIG, Celery's workers through the `setup_logging` signal. Lines are JSON in
production and coloured text on a developer's machine. Secrets are masked in the last step before a line is rendered,
after exceptions were turned into text, so that nothing passes by.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from types import TracebackType
from typing import Any, TypedDict

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from flexhub.observability.log_spool import LogSpool
from flexhub.observability.masking import Masker

logger = logging.getLogger(__name__)

# These bring handlers of their own, or keep their lines from the root logger.
_ROUTED = (
    "celery",
    "celery.task",
    "daphne",
    "django",
    "django.server",
    "twisted",
    "uvicorn",
    "uvicorn.access",
    "uvicorn.error",
)
# A line or two for every task, many a second: what a task did is in its rows. At DEBUG they are shown.
_CHATTY = ("celery.worker.strategy", "celery.app.trace", "celery.beat")
# The first writes out URLs, with what is secret in them, and the second headers; what went wrong is raised anyway.
_TALKATIVE = ("httpx", "httpcore")
# Its lines tell with which status a request ended, and with which exception.
_OF_REQUESTS = "django.request"
# At DEBUG it writes out the access tokens that it issues.
_INDISCREET = ("oauthlib",)


class Config(TypedDict, total=False):
    """`settings.LOGGING`. `secrets` are taken out of every line."""

    level: str
    json: bool
    secrets: Sequence[str]


def configure(config: Config) -> None:
    """Route everything to standard error. May be called again. Raises ValueError for an unknown level."""
    # ProcessorFormatter prepares lines of the standard library with the same steps as structlog does its own.
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = _Handler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _masking(Masker(config.get("secrets", ()))),
                _renderer(json=config.get("json", True)),
            ],
        )
    )
    _route(handler, config.get("level", "INFO").upper())
    # What nobody catches would be printed as it is. Whoever has put a hook of their own keeps it.
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _log_uncaught
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _log_uncaught_in_thread


def never_wait() -> None:
    """From here on nobody in this process waits for whoever reads the log. Not for processes that fork."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _Handler):
            handler.setStream(LogSpool(sys.stderr.fileno(), partial(_gap, handler)))


def _masking(masker: Masker) -> Processor:
    def mask(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {key: masker.value(key, value) for key, value in event.items()}

    return mask


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, Exception):
        sys.__excepthook__(kind, error, trace)
        return
    logger.critical("uncaught", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(end: threading.ExceptHookArgs) -> None:
    if end.exc_value is not None and issubclass(end.exc_type, Exception):
        thread = end.thread.name if end.thread else ""
        logger.critical("uncaught in thread %s", thread, exc_info=(end.exc_type, end.exc_value, end.exc_traceback))


class _Handler(logging.StreamHandler[Any]):
    """Ours, so that a second `configure` replaces it and leaves those of a test runner alone."""

    def emit(self, record: logging.LogRecord) -> None:
        """What stood in for standard error may be closed by now, and the last error must be seen all the same."""
        if getattr(self.stream, "closed", False):
            self.setStream(sys.__stderr__)
        super().emit(record)


def _gap(handler: logging.Handler, lines: int) -> str:
    text = f"{lines} lines of the log are missing here, since nobody took them"
    return handler.format(logging.LogRecord(__name__, logging.WARNING, __file__, 0, text, None, None)) + "\n"


def _renderer(*, json: bool) -> Processor:
    if json:
        return structlog.processors.JSONRenderer(default=str)
    # The exception is text already, with its secrets masked; a pretty formatter would print it anew.
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)


def _route(handler: logging.Handler, level: str) -> None:
    root = logging.getLogger()
    for old in [old for old in root.handlers if type(old) in (_Handler, logging.StreamHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _ROUTED:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.NOTSET if level == "DEBUG" else logging.WARNING)
    for name in _INDISCREET:
        logging.getLogger(name).setLevel(logging.INFO)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger(_OF_REQUESTS).addFilter(_without_trace)


def _without_trace(record: logging.LogRecord) -> bool:
    """A request that was refused is no incident: its line names the page and the status, and needs no trace."""
    if getattr(record, "status_code", HTTPStatus.INTERNAL_SERVER_ERROR) < HTTPStatus.INTERNAL_SERVER_ERROR:
        record.exc_info = None
    return True
