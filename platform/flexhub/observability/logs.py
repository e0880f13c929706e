"""Logs of every process, in one shape: structlog's and the standard library's lines go through one formatter.

Django calls `configure` as its LOGGING_CONFIG, Celery's workers through the `setup_logging` signal. Lines are JSON in
production and coloured text on a developer's machine. Secrets are masked in the last step before a line is rendered,
after exceptions were turned into text, so that nothing passes by.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from functools import partial
from typing import Any, TypedDict

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from flexhub.observability.log_spool import LogSpool

MASK = "***"

_SECRET_KEY = re.compile(r"authori[sz]ation|token|passw(or)?d|secret|cookie|api_?key|credential", re.IGNORECASE)
_SECRET_TEXT = (
    # A header's value wherever it turns up: in a message, a traceback, a dump of headers.
    (re.compile(r"\b(bearer|basic|token)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {MASK}"),
    # The password in a URL.
    (re.compile(r"(\w://[^\s:/@]*:)[^\s@]+@"), rf"\1{MASK}@"),
    # key=value and "key": "value", as in query strings, connection strings and printed dictionaries.
    (
        re.compile(
            r"(['\"]?\b\w*(?:authori[sz]ation|token|passw(?:or)?d|secret|api_?key)['\"]?\s*[=:]\s*['\"]?)"
            r"(?!(?:bearer|basic|token)\s)[^\s'\"&,;)}]{4,}",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
)
# Deeper than anything that we log; a guard against a value that contains itself.
_MAX_DEPTH = 6

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
# At DEBUG it writes out the access tokens that it issues.
_INDISCREET = ("oauthlib",)


class Config(TypedDict, total=False):
    """`settings.LOGGING`."""

    level: str
    json: bool


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
                mask_secrets,
                _renderer(json=config.get("json", True)),
            ],
        )
    )
    _route(handler, config.get("level", "INFO").upper())


def never_wait() -> None:
    """From here on nobody in this process waits for whoever reads the log. Not for processes that fork."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _Handler):
            handler.setStream(LogSpool(sys.stderr.fileno(), partial(_gap, handler)))


def mask_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor. Whole numbers stay, as in a fencing token: no secrets, and they help to find faults."""
    return {key: _masked_value(key, value, 0) for key, value in event.items()}


class _Handler(logging.StreamHandler[Any]):
    """Ours, so that a second `configure` replaces it and leaves those of a test runner alone."""


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


def _masked_value(key: str, value: object, depth: int) -> object:
    if _SECRET_KEY.search(key) and not isinstance(value, int | None):
        return MASK
    return _masked(value, depth)


def _masked(value: object, depth: int) -> object:
    if isinstance(value, str):
        return _masked_text(value)
    if isinstance(value, bytes):
        return _masked_text(value.decode("utf-8", "replace"))
    if depth >= _MAX_DEPTH:
        return "…"
    if isinstance(value, Mapping | MutableMapping):
        return {str(key): _masked_value(str(key), item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item, depth + 1) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _masked_text(str(value))


def _masked_text(text: str) -> str:
    for pattern, replacement in _SECRET_TEXT:
        text = pattern.sub(replacement, text)
    return text
