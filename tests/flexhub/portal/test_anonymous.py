from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from flexhub.bus.streams import LogEntry
from flexhub.portal.anonymous import NOT_SHOWN, entry_without_name, without_name

AT = datetime(2026, 4, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        '{"message_type": "ResourceManagerDetails", "name": "Grandma", "model": "One"}',
        '{"name":"Grandma","model":"One"}',
        '{"name" :\n "\\"Grandma\\" \\\\", "model": "One"}',
        '{"model": "One", "name": "Grandm',
        '{"model": "One", "name": "Grandma\\',
        'One {"name": "Grandma"} {"name": "Grandma"',
    ],
)
def test_takes_the_name_out_of_whatever_holds_it(text: str) -> None:
    shown = without_name(text)

    assert "Grandm" not in shown
    assert NOT_SHOWN in shown
    assert "One" in shown


def test_leaves_everything_else_as_it_was() -> None:
    text = json.dumps({"message_type": "FRBC.SystemDescription", "filename": "x", "actuators": [{"id": "a"}]})

    assert without_name(text) == text


def test_a_finding_about_the_name_does_not_quote_it() -> None:
    findings = ({"rule": "R-08", "text": "Grandma is too long", "path": "$.name"}, {"rule": "R-09", "path": "$.model"})
    entry = LogEntry("received", AT, '{"name": "Grandma"}', None, findings)

    shown = entry_without_name(entry)

    assert "Grandma" not in str(shown)
    assert [finding["rule"] for finding in shown.findings] == ["R-08", "R-09"]
