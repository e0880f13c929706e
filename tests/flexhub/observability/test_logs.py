from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator

import pytest
import structlog
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils.log import log_response

from flexhub.observability import logs


@pytest.fixture(autouse=True)
def configuration_afterwards() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in [handler for handler in root.handlers if handler not in handlers]:
        root.removeHandler(handler)
    for handler in handlers:
        if handler not in root.handlers:
            root.addHandler(handler)
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_standard_library_and_structlog_lines_look_alike(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure({"level": "INFO", "json": True})

    logging.getLogger("flexhub.x").info("stored %d rows", 3, extra={"site": "s1"})
    structlog.get_logger("flexhub.y").info("stored", rows=3)

    first, second = lines(capsys)
    assert (first["event"], first["logger"], first["level"], first["site"]) == (
        "stored 3 rows",
        "flexhub.x",
        "info",
        "s1",
    )
    assert (second["event"], second["logger"], second["level"], second["rows"]) == ("stored", "flexhub.y", "info", 3)
    assert first.keys() >= {"timestamp"}
    assert second.keys() >= {"timestamp"}


def test_bound_context_is_on_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure({"level": "INFO", "json": True})

    with structlog.contextvars.bound_contextvars(tenant_id="alder"):
        logging.getLogger("flexhub.x").info("hello")

    assert lines(capsys)[0]["tenant_id"] == "alder"


def test_lines_below_the_level_are_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure({"level": "warning", "json": True})

    logging.getLogger("flexhub.x").info("chatter")

    assert lines(capsys) == []


@pytest.mark.parametrize("name", ["celery", "celery.task", "daphne", "django", "django.server", "uvicorn.error"])
def test_other_frameworks_log_through_the_same_handler(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger(name).addHandler(logging.StreamHandler())
    logs.configure({"level": "INFO", "json": True})

    logging.getLogger(name).warning("hello")

    assert [line["event"] for line in lines(capsys)] == ["hello"]


def test_configuring_twice_logs_once(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure({"level": "INFO", "json": True})
    logs.configure({"level": "INFO", "json": True})

    logging.getLogger("flexhub.x").info("hello")

    assert len(lines(capsys)) == 1


@pytest.mark.parametrize("as_json", [True, False])
def test_secrets_in_exceptions_are_masked(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure({"level": "INFO", "json": as_json})

    try:
        raise ValueError("cannot reach redis://user:hunter2hunter2@host with Authorization: Bearer abcdef123456")
    except ValueError:
        logging.getLogger("flexhub.x").exception("failed")

    printed = capsys.readouterr().err
    assert "ValueError" in printed
    assert "hunter2" not in printed
    assert "abcdef123456" not in printed


def test_secrets_of_the_process_are_masked_wherever_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure({"level": "INFO", "json": True, "secrets": ["correct horse battery"]})

    logging.getLogger("flexhub.x").info(
        "missing = after %s", "correct horse battery", extra={"value": "correct horse battery"}
    )

    (line,) = lines(capsys)
    assert (line["event"], line["value"]) == ("missing = after ***", "***")


def test_values_of_a_line_are_masked_by_their_names(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure({"level": "INFO", "json": True})

    structlog.get_logger("flexhub.y").info("came", headers=[(b"authorization", b"opaque")], token=42)

    (line,) = lines(capsys)
    assert (line["headers"], line["token"]) == ([["authorization", "***"]], 42)


@pytest.mark.parametrize(
    "name",
    [
        "httpx",
        "httpcore",
        "redis",
        "celery",
        "kombu",
        "daphne",
        "websockets.client",
        "twisted",
        "allauth",
        "oauthlib",
        "requests_oauthlib",
        "django.db.backends",
        "django.request",
        "asyncio",
    ],
)
def test_debug_lines_of_libraries_are_masked(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure({"level": "DEBUG", "json": True})

    logging.getLogger(name).debug("> %s", {"Authorization": "Bearer abcdefgh1234", "client_secret": "abcdefgh1234"})

    assert "abcdefgh1234" not in json.dumps(lines(capsys))


def test_chained_exceptions_are_masked_and_show_no_locals(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure({"level": "INFO", "json": True})

    def fail(local: str) -> None:
        try:
            raise ValueError(f"password={local}")
        except ValueError as error:
            raise RuntimeError("failed") from error

    try:
        fail("abcdefgh" + "1234")
    except RuntimeError:
        logging.getLogger("flexhub.x").exception("failed")

    (line,) = lines(capsys)
    assert "ValueError: password=***" in str(line["exception"])
    assert "abcdefgh1234" not in str(line)


def test_what_nobody_catches_is_masked(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    logs.configure({"level": "INFO", "json": True})
    error = ValueError("redis://user:abcdefgh1234@host")

    sys.excepthook(ValueError, error, None)
    thread = threading.Thread(name="t1")
    threading.excepthook(threading.ExceptHookArgs((ValueError, error, None, thread)))
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)

    *logged, interrupted = capsys.readouterr().err.splitlines()
    first, second = map(json.loads, logged)
    assert (first["event"], second["event"]) == ("uncaught", "uncaught in thread t1")
    assert "redis://user:***@host" in first["exception"]
    assert "abcdefgh1234" not in str(logged)
    assert interrupted == "KeyboardInterrupt"


@pytest.mark.parametrize(("status", "traced"), [(403, False), (400, False), (500, True)])
def test_a_refused_page_is_one_line_and_only_an_error_of_ours_has_a_trace(
    status: int, traced: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure({"level": "INFO", "json": True})
    request = RequestFactory().get("/admin/")

    try:
        raise PermissionDenied
    except PermissionDenied as error:
        log_response("No: %s", request.path, response=HttpResponse(status=status), request=request, exception=error)

    (line,) = lines(capsys)
    assert (line["event"], line["status_code"], "exception" in line) == ("No: /admin/", status, traced)


def test_goes_on_when_what_stood_in_for_standard_error_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    lent, real = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", lent)
    monkeypatch.setattr(sys, "__stderr__", real)
    logs.configure({"level": "INFO", "json": True})
    lent.close()

    logging.getLogger("flexhub.x").error("the end")

    assert json.loads(real.getvalue())["event"] == "the end"


def test_leaves_the_hooks_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    own = lambda *_: None  # noqa: E731 - Only its identity counts.
    monkeypatch.setattr(sys, "excepthook", own)

    logs.configure({"level": "INFO"})

    assert sys.excepthook is own


def test_an_unknown_level_is_an_error() -> None:
    with pytest.raises(ValueError, match="LOUD"):
        logs.configure({"level": "loud", "json": True})


@pytest.mark.parametrize(("level", "shown"), [("INFO", False), ("DEBUG", True)])
def test_a_line_for_every_task_is_for_debugging(level: str, shown: bool) -> None:
    logs.configure({"level": level})

    assert logging.getLogger("celery.app.trace").isEnabledFor(logging.INFO) is shown


def test_a_library_that_would_write_out_tokens_never_speaks_at_debug(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure({"level": "DEBUG", "json": True})

    logging.getLogger("oauthlib.oauth2.rfc6749").debug("Issuing token to client id %r, %r.", "x", "fha_plain")

    assert lines(capsys) == []
