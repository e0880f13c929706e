"""What is said of a frame that is no message of the standard, by a session that refuses it and by an observer."""

from __future__ import annotations

from s2.errors import InvalidMessage, RemoteProtocolError
from s2.findings import Finding, Severity, shortened
from s2.rules.sessions import R_03


def finding_of(error: RemoteProtocolError) -> Finding:
    """The error as a finding, under the number of the rule that the models upheld."""
    path, separator, expectation = error.label.partition(": ")
    if not (separator and path.startswith("$")):
        path, expectation = "$", error.label
    rule = error.rule if isinstance(error, InvalidMessage) else R_03.number
    return Finding(rule, Severity.ERROR, shortened(expectation), path, error.message_id, error.message_type)


def finding_of_bytes() -> Finding:
    """The finding on a binary frame, which S2 does not know."""
    return R_03.finding(None, "$", "messages are text frames, this was a binary one")
