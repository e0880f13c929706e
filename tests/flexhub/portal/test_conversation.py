from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from flexhub.bus.streams import LOG_TEXT_LIMIT, LogEntry, log_text
from flexhub.portal.conversation import PRETTY_LIMIT, UNREADABLE, Line, read_conversation

AT = datetime(2026, 4, 21, 10, tzinfo=UTC)


def received(text: Any, status: str | None = "OK", *findings: Mapping[str, object]) -> LogEntry:
    return LogEntry("received", AT, text if isinstance(text, str) else json.dumps(text), status, findings)


def sent(message: Mapping[str, object], status: str | None = None) -> LogEntry:
    return LogEntry("sent", AT, json.dumps(message), status)


def read(entry: LogEntry) -> Line:
    (line,) = read_conversation([entry])
    return line


def test_a_received_message_shows_our_answer() -> None:
    line = read(received({"message_type": "PowerMeasurement", "message_id": "m-1"}))

    assert (line.sent, line.message_type, line.message_id) == (False, "PowerMeasurement", "m-1")
    assert (line.status, line.colour, line.text_is) == ("OK", "success", "message")
    assert line.text == '{\n  "message_type": "PowerMeasurement",\n  "message_id": "m-1"\n}'


def test_a_sent_message_shows_that_the_device_refused_it() -> None:
    instruction = {"message_type": "FRBC.Instruction", "message_id": "i-1"}
    verdict = {"message_type": "ReceptionStatus", "subject_message_id": "i-1", "status": "INVALID_CONTENT"}

    answer, line = read_conversation([received(verdict, None), sent(instruction)])

    assert (line.sent, line.status, line.colour) == (True, "INVALID_CONTENT", "danger")
    assert (answer.status, answer.colour) == ("INVALID_CONTENT", "danger")


def test_a_sent_message_that_nobody_refused_has_no_status() -> None:
    other = {"message_type": "ReceptionStatus", "subject_message_id": "i-2", "status": "INVALID_CONTENT"}

    _, line = read_conversation([received(other, None), sent({"message_type": "Handshake", "message_id": "i-1"})])

    assert (line.status, line.colour) == ("", "")


def test_what_our_own_rules_held_back_says_so() -> None:
    line = read(sent({"message_type": "FRBC.Instruction", "message_id": "i-1"}, "REFUSED"))

    assert (line.status, line.colour) == ("REFUSED", "danger")


@pytest.mark.parametrize(("severity", "colour", "bad"), [("error", "danger", True), ("warning", "warning", False)])
def test_findings_have_the_colour_of_their_severity(severity: str, colour: str, bad: bool) -> None:
    finding = {"rule": "R-20", "severity": severity, "text": "too much", "path": "$.value", "message_id": None}

    line = read(received({"message_type": "PowerMeasurement"}, "OK", finding))

    (shown,) = line.findings
    assert (shown.rule, shown.severity, shown.text, shown.path) == ("R-20", severity, "too much", "$.value")
    assert (shown.colour, line.is_bad) == (colour, bad)


def test_a_quirk_that_was_made_allowance_for_is_named() -> None:
    finding = {"rule": "R-17", "severity": "warning", "text": "turned", "path": "$", "quirk": "reversed-limit-range"}

    line = read(received({"message_type": "PEBC.PowerConstraints"}, "OK", finding, finding | {"quirk": None}))

    assert [shown.quirk for shown in line.findings] == ["reversed-limit-range", ""]


def test_a_finding_about_the_whole_message_has_no_path() -> None:
    assert read(received("x", "INVALID_DATA", {"rule": "R-03", "path": "$"})).findings[0].path == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "this is not JSON",
        "[1, 2]",
        "null",
        '"text"',
        "1" * 6000,
        "[" * 8000,
        '{"a":' * 1500 + "1" + "}" * 1500,
        '{"message_type": 5, "message_id": [], "status": {}}',
        '{"message_type": ""}',
    ],
)
def test_what_is_no_message_is_shown_as_it_came(text: str) -> None:
    line = read(received(text, "INVALID_DATA"))

    assert line.message_type == UNREADABLE
    assert line.message_id == ""
    assert line.status == "INVALID_DATA"
    assert bool(line.text) == bool(text)


@pytest.mark.parametrize("text", ['{"message_type": "\\ud800", "message_id": "\\udfff"}', "\ud800"])
def test_what_utf8_cannot_write_does_not_break_the_page(text: str) -> None:
    line = read(received(text, "INVALID_DATA", {"rule": "R-03", "text": "got \ud800"}))

    for part in (line.text, line.message_type, line.message_id, line.findings[0].text):
        part.encode()


def test_a_message_that_was_cut_still_has_its_type() -> None:
    whole = json.dumps({"message_type": "FRBC.SystemDescription", "actuators": ["é" * 10] * 2000}, ensure_ascii=False)

    line = read(received(log_text(whole)))

    assert (line.message_type, line.text_is) == ("FRBC.SystemDescription", "beginning of the text")
    assert line.text == log_text(whole)


def test_nesting_cannot_blow_a_message_up() -> None:
    text = '{"message_type":"X","a":' + "[" * 800 + ",".join(["[]"] * 2000) + "]" * 800 + "}"
    assert len(text) < LOG_TEXT_LIMIT

    line = read(received(text))

    assert len(line.text) <= PRETTY_LIMIT
    assert line.message_type == "X"
