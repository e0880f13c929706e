from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

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


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("token", "abc", "***"),
        ("Authorization", b"Bearer abc", "***"),
        ("db_password", "abc", "***"),
        ("headers", {"cookie": "abc", "accept": "*/*"}, {"cookie": "***", "accept": "*/*"}),
        ("headers", [(b"authorization", b"Bearer abcdefgh1234")], [["authorization", "Bearer ***"]]),
        ("event", "Bearer abcdefgh1234 was refused", "Bearer *** was refused"),
        ("event", "GET /x?token=abcdefgh&site=1", "GET /x?token=***&site=1"),
        ("event", "{'password': 'abcdefgh'}", "{'password': '***'}"),
        ("event", "postgresql://app:abcdefgh@host/db", "postgresql://app:***@host/db"),
        ("event", "the token was stale", "the token was stale"),
        ("token", 42, 42),
        ("site", None, None),
        ("error", ValueError("secret=abcdefgh"), "secret=***"),
    ],
)
def test_masks_secrets(key: str, value: object, shown: object) -> None:
    assert logs.mask_secrets(None, "info", {key: value}) == {key: shown}


def test_a_value_that_contains_itself_ends() -> None:
    value: dict[str, object] = {}
    value["self"] = value

    assert logs.mask_secrets(None, "info", {"value": value})


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
